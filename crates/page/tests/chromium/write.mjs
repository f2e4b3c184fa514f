// Checks of the view in which texts are written.

import assert from "node:assert/strict";

import { TextTree } from "../../assets/text_tree.js";
import { assertAccessible, takeScreenshot } from "./accessibility.mjs";
import { assertText, closeClean, openEmpty, ready, savedFile } from "./write_parts.mjs";

/** A sentence of the training text. */
const COPIED = "So the ferryman took him over. That night the fox crept into the nearest yard";

/** A saved text without a step. */
const EMPTY_TREE = JSON.stringify(new TextTree().toJson());

export async function checkTyping(context) {
    const { page, parts } = await openEmpty(context);
    const { input, view } = parts;
    // The views are links, which keys reach.
    const titled = (title) => page.waitForFunction((wanted) => document.title === wanted, `${title} · Pastiche`);
    await titled("Write");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await titled("Measure");
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Measure a draft");
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.tagName), "SELECT");
    await page.goBack();
    await titled("Write");
    await input.focus();
    await page.keyboard.type("The fox");
    await page.keyboard.press("Enter");
    await assertText(parts, "The fox");
    await page.keyboard.type(", he said");
    await page.keyboard.press("Enter");
    await assertText(parts, "The fox, he said");
    await page.keyboard.press("Backspace");
    await assertText(parts, "The fox");
    await page.keyboard.press("Control+z");
    await assertText(parts, "");
    await page.keyboard.press("Control+Shift+z");
    await page.keyboard.press("Control+y");
    await assertText(parts, "The fox, he said");
    // Within the field the keys are the browser's.
    await page.keyboard.type("abc");
    await page.keyboard.press("Backspace");
    assert.equal(await input.inputValue(), "ab");
    await view.getByLabel("space before it").uncheck();
    await parts.button("Add").click();
    await assertText(parts, "The fox, he saidab");
    await parts.button("Undo").click();
    await assertText(parts, "The fox, he said");
    // A reload keeps the text and its branches.
    await page.reload();
    await assertText(parts, "The fox, he said");
    await parts.button("New text").click();
    await assertText(parts, "");
    await closeClean(page);
}

export async function checkChoices(context) {
    const { page, parts } = await openEmpty(context);
    const { choices, input, text } = parts;
    assert.ok((await choices.count()) >= 9);
    assert.match(await choices.first().innerText(), /\d %/u);
    const first = (await choices.nth(0).locator("bdi").innerText()).trim();
    await choices.nth(0).click();
    await assertText(parts, first);
    await ready(page);
    await input.focus();
    await page.keyboard.press("ArrowDown");
    assert.equal(await page.evaluate(() => document.activeElement.className.includes("choice")), true);
    await page.keyboard.press("ArrowRight");
    const second = (await page.evaluate(() => document.activeElement.querySelector("bdi").textContent)).trim();
    await page.keyboard.press("Enter");
    await text.filter({ hasText: second }).waitFor();
    const before = await text.evaluate((node) => node.textContent);
    assert.ok(before.startsWith(first) && before.endsWith(second));
    // The new choices have the focus, so that the next one is chosen by its digit.
    await ready(page);
    await page.waitForFunction(() => document.activeElement.className.includes("choice"));
    const third = (await choices.nth(2).locator("bdi").innerText()).trim();
    await page.keyboard.press("3");
    await page.waitForFunction(
        (length) => document.querySelector("#view-write .marked-text").textContent.length > length,
        before.length,
    );
    assert.ok((await text.evaluate((node) => node.textContent)).endsWith(third));
    await parts.button("Undo").click();
    await assertText(parts, before);
    await closeClean(page);
}

export async function checkWriting(context) {
    const { page, parts } = await openEmpty(context);
    const { input, choices, text, view, slider } = parts;
    const written = () => text.evaluate((node) => node.textContent);
    const idle = () => parts.button("Stop").waitFor({ state: "hidden" });
    await input.fill("The fox");
    await page.keyboard.press("Enter");
    await view.getByLabel("Seed").fill("7");
    await slider("Length").fill("12");
    await parts.button("Write on").click();
    await parts.button("Try again").and(page.locator(":enabled")).waitFor();
    await idle();
    const first = await written();
    assert.ok(first.startsWith("The fox") && first.length > "The fox".length, first);
    // The same seed writes the same text, and another one another text.
    await page.keyboard.press("Control+Enter");
    await idle();
    await parts.button("New text").click();
    await input.fill("The fox");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Control+Enter");
    await idle();
    await assertText(parts, first);
    // Another version has the next seed, or one that was given in the meantime.
    const seed = view.getByLabel("Seed");
    await parts.button("Try again").click();
    await idle();
    assert.equal(await seed.inputValue(), "8");
    const second = await written();
    assert.ok(second.startsWith("The fox") && second !== first, second);
    await seed.fill("7");
    await parts.button("Try again").click();
    await idle();
    assert.equal(await seed.inputValue(), "7");
    await assertText(parts, first);
    // The sliders say what is excluded, by keyboard, too.
    await slider("Temperature").focus();
    await page.keyboard.press("Home");
    assert.equal(await view.locator(".slider", { hasText: "Temperature" }).locator("output").innerText(), "0.00");
    await page.waitForFunction(() => document.querySelectorAll("#view-write .choice:not(.excluded)").length === 1);
    const allAllowed = () =>
        page.waitForFunction(() => document.querySelectorAll("#view-write .choice.excluded").length === 0);
    await slider("Top-p").fill("1");
    // The probabilities of this model differ little, but at this temperature.
    await slider("Temperature").fill("0.1");
    await allAllowed();
    await slider("Min-p").fill("0.5");
    await page.waitForFunction(() => document.querySelectorAll("#view-write .choice.excluded").length > 0);
    await slider("Min-p").fill("0");
    await allAllowed();
    await slider("Temperature").fill("1");
    assert.ok((await choices.count()) > 0);
    // In a model of characters, the next one that continues a long passage is excluded if copies are limited.
    await view.getByLabel("Model").selectOption({ label: "characters" });
    await parts.button("New text").click();
    await input.fill("the ferrym");
    await page.keyboard.press("Enter");
    const copying = choices.filter({ has: page.locator("bdi", { hasText: /^a$/u }) });
    await copying.and(page.locator(":has(bdi.copied):not(.excluded)")).waitFor();
    await slider("Never copy more than").focus();
    await page.keyboard.press("ArrowRight");
    await copying.and(page.locator(".excluded")).waitFor();
    await slider("Length").fill("20");
    await page.keyboard.press("Control+Enter");
    await parts.button("Try again").and(page.locator(":enabled")).waitFor();
    await idle();
    assert.ok(!(await written()).startsWith("the ferryma"), await written());
    // No other text is opened while the model writes: here until it is stopped, because no answer comes.
    const before = await written();
    await page.route("**/v1/completions", () => {});
    await parts.button("Write on").click();
    await view
        .getByLabel("Open a saved text (JSON)")
        .setInputFiles({ name: "other.json", mimeType: "application/json", buffer: Buffer.from(EMPTY_TREE) });
    await parts.status.filter({ hasText: "other.json is not open, because the model is writing" }).waitFor();
    await page.keyboard.press("Escape");
    await idle();
    await page.unroute("**/v1/completions");
    assert.equal(await written(), before);
    // A long text is stopped, and what is written stays.
    await slider("Length").fill("400");
    await parts.button("Write on").click();
    await page.keyboard.press("Escape");
    await idle();
    await closeClean(page);
}

export async function checkBranches(context) {
    const { page, parts } = await openEmpty(context);
    const { input, branches, view, text } = parts;
    for (const words of ["The fox", "ran home"]) {
        await input.fill(words);
        await page.keyboard.press("Enter");
    }
    await page.keyboard.press("Backspace");
    await input.fill("sat");
    await page.keyboard.press("Enter");
    await assertText(parts, "The fox sat");
    assert.equal(await branches.count(), 2);
    assert.equal(await branches.nth(1).getAttribute("aria-current"), "true");
    await branches.nth(0).click();
    await assertText(parts, "The fox ran home");
    // Before any word there can be another branch: by keyboard, and by a click.
    await text.focus();
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("Enter");
    await assertText(parts, "The fox");
    await branches.nth(0).click();
    await text.locator("[data-word]", { hasText: "home" }).hover();
    await view.getByRole("button", { name: "Continue before this word" }).click();
    await assertText(parts, "The fox ran");
    await parts.choices.first().click();
    const chosen = await text.evaluate((node) => node.textContent);
    const json = await savedFile(page, parts.button("Save JSON"));
    const saved = JSON.parse(json.text);
    assert.equal(json.name, "text.json");
    assert.equal(saved.text, chosen);
    assert.match(saved.program, /^Pastiche \d/u);
    assert.deepEqual(
        saved.origins.map(({ model }) => model),
        ["words"],
    );
    assert.match(saved.origins[0].model_sha256, /^[0-9a-f]{64}$/u);
    const last = saved.steps[saved.current];
    assert.equal(last.author, "chosen");
    assert.ok(last.tokens[0].probability > 0 && last.tokens[0].probability < 1);
    const markdown = await savedFile(page, parts.button("Save Markdown"));
    assert.ok(
        markdown.text.startsWith(chosen) && /\| typed \| \d+ \| \d+\.\d % \|/u.test(markdown.text),
        markdown.text,
    );
    assert.equal((await savedFile(page, parts.button("Save text"))).text, `${chosen}\n`);
    // The others are deleted only after a question.
    const all = await branches.count();
    for (const answer of ["dismiss", "accept"]) {
        page.once("dialog", (dialog) => dialog[answer]());
        await parts.button("Delete the other branches").click();
        assert.equal(await branches.count(), answer === "accept" ? 0 : all);
    }
    await assertText(parts, chosen);
    await parts.button("New text").click();
    await view
        .getByLabel("Open a saved text (JSON)")
        .setInputFiles({ name: "saved.json", mimeType: "application/json", buffer: Buffer.from(json.text) });
    await assertText(parts, chosen);
    await view
        .getByLabel("Open a saved text (JSON)")
        .setInputFiles({ name: "other.json", mimeType: "application/json", buffer: Buffer.from("{}") });
    await parts.status.filter({ hasText: "this is no saved text" }).waitFor();
    await assertText(parts, chosen);
    await closeClean(page);
}

export async function checkSigns(context) {
    for (const colorScheme of ["light", "dark"]) {
        const { page, parts } = await openEmpty(context, { colorScheme });
        const { input, text, view } = parts;
        await input.fill(COPIED);
        await page.keyboard.press("Enter");
        await text.locator("mark.copied").first().waitFor();
        await text.locator("[class*=level-]").first().waitFor();
        await parts.choices.nth(1).click();
        await view.locator(".slider", { hasText: "Length" }).locator("input").fill("10");
        await parts.button("Write on").click();
        await parts.button("Try again").and(page.locator(":enabled")).waitFor();
        await text.locator("mark.copied [data-word]").first().hover();
        const details = view.locator(".details");
        await details.locator("blockquote mark").waitFor();
        assert.match(await details.innerText(), /typed/u);
        assert.match(await details.innerText(), /Copied: \d+ tokens in a row/u);
        // Also by keyboard alone, to the last word, which the model wrote.
        await text.focus();
        await page.keyboard.press("End");
        assert.match(await details.innerText(), /written by the model/u);
        assert.match(await details.innerText(), /Seed\s+\d+/u);
        await page.keyboard.press("Home");
        assert.match(await details.innerText(), /typed/u);
        await assertAccessible(page, `write, ${colorScheme}`);
        await takeScreenshot(page, `write-${colorScheme}`);
        for (const [label, sign] of [
            ["Show surprise", "[class*=level-]"],
            ["Show copied passages", "mark.copied"],
            ["Show your own words", ".typed"],
        ]) {
            assert.ok((await text.locator(sign).count()) > 0, sign);
            await view.getByLabel(label).uncheck();
            assert.equal(await text.locator(sign).count(), 0, sign);
        }
        await closeClean(page);
    }
}

export async function checkScripts(context) {
    const { page, parts } = await openEmpty(context);
    const { input, text } = parts;
    await input.focus();
    const session = await page.context().newCDPSession(page);
    const compose = (syllable) =>
        session.send("Input.imeSetComposition", {
            text: syllable,
            selectionStart: syllable.length,
            selectionEnd: syllable.length,
        });
    for (const syllable of ["ㅎ", "하", "한"]) {
        await compose(syllable);
    }
    // Enter and Backspace belong to the input method while a syllable is composed.
    for (const key of ["Enter", "Backspace", "ArrowDown"]) {
        await input.evaluate(
            (node, pressed) =>
                node.dispatchEvent(
                    new KeyboardEvent("keydown", { key: pressed, isComposing: true, bubbles: true, cancelable: true }),
                ),
            key,
        );
    }
    assert.equal(await input.inputValue(), "한");
    await assertText(parts, "");
    await session.send("Input.insertText", { text: "한국" });
    await page.keyboard.press("Enter");
    await assertText(parts, "한국");
    await page.keyboard.type("여우");
    await page.keyboard.press("Enter");
    await assertText(parts, "한국 여우");
    await parts.button("New text").click();
    await input.fill("قال الثعلب للغراب");
    await page.keyboard.press("Enter");
    await assertText(parts, "قال الثعلب للغراب");
    assert.equal(await text.evaluate((node) => getComputedStyle(node).direction), "rtl");
    await text.focus();
    await page.keyboard.press("Home");
    await page.keyboard.press("ArrowLeft");
    assert.equal(await parts.view.locator(".details .word").innerText(), "الثعلب");
    // A model of characters has no spaces of its own.
    await parts.view.getByLabel("Model").selectOption({ label: "characters" });
    await parts.view.getByText("Next characters").waitFor();
    await closeClean(page);
}
