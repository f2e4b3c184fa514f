// The parts of the view in which texts are written, and what its checks share.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import { openPage } from "./program.mjs";

/** The parts of the view. */
export function writeParts(page) {
    const view = page.locator("#view-write");
    return {
        view,
        text: view.locator(".marked-text"),
        input: view.getByRole("textbox", { name: "Your own words" }),
        choices: view.locator(".choice"),
        button: (name) => view.getByRole("button", { name, exact: true }),
        slider: (name) => view.locator(".slider", { hasText: name }).locator("input"),
        branches: view.locator(".branch"),
        status: page.locator("header .status"),
    };
}

/** Waits until the text is this one. */
export async function assertText({ text }, expected) {
    const found = await text.evaluate(async (node, wanted) => {
        for (let waited = 0; node.textContent !== wanted && waited < 5000; waited += 20) {
            await new Promise((resolve) => {
                setTimeout(resolve, 20);
            });
        }
        return node.textContent;
    }, expected);
    assert.equal(found, expected);
}

/** Opens the page with an empty text. */
export async function openEmpty({ browser, server }, options) {
    const page = await openPage(browser, server.address, options);
    const parts = writeParts(page);
    await parts.choices.first().waitFor();
    return { page, parts };
}

/** Waits until the next words are those of the text. */
export function ready(page) {
    return page.waitForFunction(() => {
        const [first] = document.querySelectorAll("#view-write .choice");
        return first !== undefined && first.ariaDisabled !== "true";
    });
}

export async function closeClean(page) {
    assert.deepEqual(page.problems, []);
    await page.context().close();
}

/** Saves by a button, and returns what was saved. */
export async function savedFile(page, button) {
    const [download] = await Promise.all([page.waitForEvent("download"), button.click()]);
    return { name: download.suggestedFilename(), text: readFileSync(await download.path(), "utf8") };
}
