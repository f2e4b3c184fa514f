// Checks of the choice of a model in the view in which texts are written.

import assert from "node:assert/strict";

import { assertAccessible, takeScreenshot } from "./accessibility.mjs";
import { openPage } from "./program.mjs";
import { closeClean, openEmpty, ready, savedFile, writeParts } from "./write_parts.mjs";

export async function checkBlends({ browser, server }) {
    const page = await openPage(browser, server.address);
    // The models of the server have no labels: the page is told of some, of which the server hears nothing.
    const asked = [];
    await page.route("**/api/models", async (route) => {
        const response = await route.fetch();
        const answer = await response.json();
        answer.models.forEach((model) => Object.assign(model, { labels: ["old", model.name] }));
        await route.fulfill({ response, json: answer });
    });
    await page.route(/\/api\/next|\/v1\/completions/u, async (route) => {
        const { label, ...body } = route.request().postDataJSON();
        asked.push([body.model, label]);
        await route.continue({ postData: JSON.stringify(body) });
    });
    await page.reload();
    const parts = writeParts(page);
    const { view, slider, choices } = parts;
    await ready(page);
    const [other, label] = [view.getByLabel("Blend with"), view.getByLabel("Label")];
    const names = (select) => select.locator("option").allInnerTexts();
    assert.deepEqual(await names(other), ["none", "others"]);
    assert.deepEqual(await names(label), ["none", "old", "words"]);
    const lastAsked = async (expected) => {
        await page.waitForResponse("**/api/next");
        await ready(page);
        assert.deepEqual(asked.findLast(([model]) => model !== undefined), expected);
    };
    assert.equal(await slider("Shares").isVisible(), false);
    await Promise.all([lastAsked(["blend:words=0.5,others=0.5", undefined]), other.selectOption("others")]);
    assert.deepEqual(await names(label), ["none", "old"]);
    await slider("Shares").focus();
    await Promise.all([lastAsked(["blend:words=0.55,others=0.45", undefined]), page.keyboard.press("ArrowRight")]);
    assert.match(await view.locator(".slider", { hasText: "Shares" }).innerText(), /55 % words, 45 % others/u);
    await Promise.all([lastAsked(["blend:words=0.55,others=0.45", "old"]), label.selectOption("old")]);
    await choices.first().click();
    await ready(page);
    const { origins } = JSON.parse((await savedFile(page, parts.button("Save JSON"))).text);
    assert.deepEqual([origins[0].model, origins[0].label], ["blend:words=0.55,others=0.45", "old"]);
    assert.match(origins[0].model_sha256, /^[0-9a-f]{64}, [0-9a-f]{64}$/u);
    await assertAccessible(page, "a blend");
    // Another model has others to be blended with.
    await view.getByLabel("Model").selectOption({ label: "characters" });
    await view.getByText("Next characters").waitFor();
    assert.deepEqual([await other.isVisible(), await slider("Shares").isVisible()], [false, false]);
    assert.deepEqual(await names(label), ["none", "old", "characters"]);
    await closeClean(page);
}

/** The built-in model writes, and the picture of docs/write.png is taken. */
export async function checkBase({ workplace, browser }) {
    const server = await workplace.serve("--model", "base", "--port", "0");
    const { page, parts } = await openEmpty({ browser, server }, { viewport: { width: 1160, height: 780 } });
    const { input, text, view, slider } = parts;
    await input.fill("The old man went down to the river in the evening, and");
    await page.keyboard.press("Enter");
    await view.getByLabel("Seed").fill("3");
    await slider("Length").fill("60");
    await parts.button("Write on").click();
    await parts.button("Try again").and(page.locator(":enabled")).waitFor();
    await ready(page);
    await text.locator("[class*=level-]").nth(40).waitFor();
    await text.locator("[data-word]", { hasText: "river" }).first().hover();
    await page.evaluate(() => scrollTo(0, 0));
    await takeScreenshot(page, "write");
    assert.match(await view.locator(".details").innerText(), /river[\s\S]*typed[\s\S]*bits[\s\S]*base/u);
    await closeClean(page);
    await workplace.stop(server);
}
