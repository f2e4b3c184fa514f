// Tests of pages that are models in Chromium, opened from disk without a network.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";

import { assertAccessible, takeScreenshot } from "./accessibility.mjs";
import { Workplace, launchChromium } from "./program.mjs";

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
    execFileSync(process.env.PAGE_TEST_PROGRAM, ["page", path, "--model", model, ...options], { cwd: workplace.folder, env, stdio: "pipe" });
    return path;
}

/** Opens a file without a network. Errors, violations of its policy and requests are collected in `page.problems`. */
async function openFile(path, options = {}) {
    const context = await browser.newContext({ offline: true, reducedMotion: "reduce", viewport: { width: 1240, height: 860 }, ...options });
    const page = await context.newPage();
    page.problems = [];
    page.setDefaultTimeout(20_000);
    page.on("console", (message) => page.problems.push(`console: ${message.text()}`));
    page.on("pageerror", (error) => page.problems.push(`error: ${error}`));
    const address = pathToFileURL(path).href;
    page.on("request", (request) => {
        if (request.url() !== address && !request.url().startsWith("blob:")) {
            page.problems.push(`request to ${request.url()}`);
        }
    });
    await page.addInitScript(() => {
        addEventListener("securitypolicyviolation", (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));
    });
    await page.goto(address);
    await page.locator("html[data-ready]").waitFor();
    return page;
}

const draftOf = (page) => page.locator(".marked-text").first().evaluate((node) => node.textContent);

test("a page of a model writes from disk without a network", { timeout: 120_000 }, async () => {
    for (const [model, typed, options] of [["base", "The old man", []], ["words", "the fox", ["--with-text"]], ["characters", "The fox", ["--weights", "f16"]]]) {
        const path = makePage(`${model}.html`, model, ...options);
        for (const colorScheme of ["light", "dark"]) {
            const page = await openFile(path, { colorScheme });
            await page.getByRole("textbox", { name: "Your own words" }).fill(typed);
            await page.keyboard.press("Enter");
            const write = page.getByRole("button", { name: "Write on" });
            await write.click();
            await page.locator(".marked-text").first().filter({ hasText: /\S.{25}/su }).waitFor();
            await page.waitForFunction(() => document.querySelector("header .status").textContent === "");
            const written = await draftOf(page);
            assert.ok(written.startsWith(typed), written);
            // The first choice is added to what was written.
            await page.keyboard.press("Control+Enter");
            await page.waitForFunction((length) => document.querySelector(".marked-text").textContent.length > length, written.length);
            await page.waitForFunction(() => document.querySelector("header .status").textContent === "");
            await assertAccessible(page, `${model}, ${colorScheme}`);
            await takeScreenshot(page, `model-page-${model}-${colorScheme}`);
            await page.getByRole("link", { name: "Measure" }).click();
            await page.getByRole("textbox", { name: "Your draft" }).fill(`${typed} was here.`);
            await page.keyboard.press("Control+Enter");
            await page.locator("#view-measure .marked-text [data-word]").first().waitFor();
            await assertAccessible(page, `measure, ${model}, ${colorScheme}`);
            const notes = await page.locator("footer").innerText();
            assert.match(notes, options.includes("--with-text") ? /contains the whole training text/u : /training text is not included/u);
            assert.deepEqual(page.problems, []);
            await page.context().close();
        }
    }
});

test("a damaged page says so", { timeout: 60_000 }, async () => {
    const path = makePage("damaged.html", "words");
    const page = await browser.newContext({ offline: true }).then((context) => context.newPage());
    const html = readFileSync(path, "utf8");
    const at = html.indexOf("id=\"page-tokenizer\">") + 200;
    await page.setContent(html.slice(0, at) + (html[at] === "A" ? "B" : "A") + html.slice(at + 1));
    await page.locator(".error", { hasText: "The page cannot start" }).waitFor();
    await page.context().close();
});
