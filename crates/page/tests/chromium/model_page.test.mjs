// Tests of pages that are models in Chromium, opened from disk without a network.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { assertAccessible, takeScreenshot } from "./accessibility.mjs";
import { openFile } from "./model_file.mjs";
import { Workplace, launchChromium } from "./program.mjs";
import { closeClean, ready, savedFile, writeParts } from "./write_parts.mjs";

let workplace;
let browser;

before(async () => {
    workplace = new Workplace();
    browser = await launchChromium();
});

after(async () => {
    await browser?.close();
    await workplace?.remove();
});

/** Writes the page of a model. Returns its path. */
function makePage(name, model, ...options) {
    const path = join(workplace.folder, name);
    const env = { ...process.env, PASTICHE_DATASETS: join(workplace.folder, "datasets"), PASTICHE_BACKEND: undefined };
    execFileSync(process.env.PAGE_TEST_PROGRAM, ["page", path, "--model", model, ...options], {
        cwd: workplace.folder,
        env,
        stdio: "pipe",
    });
    return path;
}

const CASES = [
    { model: "base", typed: "The old man", options: [] },
    { model: "words", typed: "the fox", options: ["--with-text"] },
    { model: "characters", typed: "The fox", options: ["--weights", "f16"] },
];

for (const { model, typed, options } of CASES) {
    test(`the page of the model ${model} writes from disk without a network`, { timeout: 120_000 }, async () => {
        const path = makePage(`${model}.html`, model, ...options);
        for (const colorScheme of ["light", "dark"]) {
            await checkPage(
                await openFile(browser, path, { colorScheme }),
                `${model}, ${colorScheme}`,
                typed,
                options.includes("--with-text"),
            );
        }
    });
}

async function checkPage(page, name, typed, hasText) {
    assert.equal(await page.evaluate(() => document.documentElement.dataset.product), "wasm");
    // No first word continues another one.
    const choices = page.locator("#view-write .choices bdi");
    await choices.first().waitFor();
    const firstWords = await choices.allInnerTexts();
    assert.ok(firstWords.every((word) => !word.startsWith("…")), firstWords.join(" "));
    const written = page.locator("#view-write .marked-text");
    const isDone = () => page.waitForFunction(() => document.querySelector("header .status").textContent === "");
    await page.getByRole("textbox", { name: "Your own words" }).fill(typed);
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Write on" }).click();
    await written.filter({ hasText: /.{30}/su }).waitFor();
    await isDone();
    const first = await written.evaluate((node) => node.textContent);
    assert.ok(first.startsWith(typed), first);
    await page.keyboard.press("Control+Enter");
    await page.waitForFunction(
        (length) => document.querySelector("#view-write .marked-text").textContent.length > length,
        first.length,
    );
    await isDone();
    await assertAccessible(page, name);
    await takeScreenshot(page, `model-page-${name.replace(", ", "-")}`);
    await page.getByRole("link", { name: "Measure" }).click();
    await page.getByRole("textbox", { name: "Your draft" }).fill(`${typed} was here.`);
    await page.keyboard.press("Control+Enter");
    await page.locator("#view-measure .marked-text [data-word]").first().waitFor();
    await assertAccessible(page, `measure, ${name}`);
    const notes = await page.locator("footer").innerText();
    assert.match(notes, hasText ? /contains the whole training text/u : /training text is not included/u);
    assert.deepEqual(page.problems, []);
    await page.context().close();
}

test("a label of the model is chosen for what it writes", { timeout: 60_000 }, async () => {
    const folder = process.env.PAGE_TEST_PAGES;
    const cases = JSON.parse(readFileSync(join(folder, "pages.json"), "utf8"));
    const page = await openFile(browser, join(folder, cases.find(({ label }) => label !== null).page));
    const parts = writeParts(page);
    const label = parts.view.getByLabel("Label");
    assert.deepEqual(await label.locator("option").allInnerTexts(), ["none", "old", "new"]);
    await ready(page);
    const before = await parts.view.locator(".choices").innerText();
    await label.selectOption("new");
    await page.waitForFunction((text) => document.querySelector("#view-write .choices").innerText !== text, before);
    await ready(page);
    await parts.choices.first().click();
    await ready(page);
    const { origins } = JSON.parse((await savedFile(page, parts.button("Save JSON"))).text);
    assert.equal(origins[0].label, "new");
    await assertAccessible(page, "labels");
    await closeClean(page);
});

test("a damaged page says so", { timeout: 60_000 }, async () => {
    const path = makePage("damaged.html", "base");
    const html = readFileSync(path, "utf16le");
    const at = html.indexOf('id="page-tokenizer"') + 200;
    writeFileSync(path, html.slice(0, at) + (html[at] === "가" ? "각" : "가") + html.slice(at + 1), "utf16le");
    const page = await openFile(browser, path, {}, ".status.error");
    assert.match(
        await page.locator(".status.error").innerText(),
        /^The page cannot start: the part "tokenizer" of this file is damaged/u,
    );
    await page.context().close();
});

test("a browser that cannot unpack the page says so", { timeout: 60_000 }, async () => {
    const prepare = () => {
        delete globalThis.DecompressionStream;
    };
    const page = await openFile(browser, makePage("old_browser.html", "characters"), { prepare }, ".status.error");
    assert.equal(
        await page.locator(".status.error").innerText(),
        "The page cannot start: this browser is too old: use a version of 2023 or later",
    );
    assert.deepEqual(page.problems, []);
    await page.context().close();
});
