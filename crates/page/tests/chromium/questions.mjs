// Checks of the view in which questions are asked about a passage.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import { assertAccessible, takeScreenshot } from "./accessibility.mjs";
import { openPage } from "./program.mjs";

const PASSAGE =
    "Sucre 𝒳 is old. Anna Miller painted the walls of the school in March. John Baker gave Mary Hill a golden ring because she had won.";

export async function checkQuestions({ browser, server }) {
    for (const colorScheme of ["light", "dark"]) {
        const page = await openPage(browser, server.address, { colorScheme });
        await page.getByRole("link", { name: "Questions" }).click();
        const view = page.locator("#view-questions");
        const find = view.getByRole("button", { name: "Find questions" });
        // Rules alone have no model, whose confidence would count.
        assert.equal(await view.locator(".slider output").innerText(), "the default");
        await find.click();
        await page.locator("header .status.error").filter({ hasText: "no passage" }).waitFor();
        await view.getByRole("textbox", { name: "The passage" }).fill(PASSAGE);
        await find.click();
        const questions = view.locator(".question");
        await questions.first().waitFor();
        assert.equal(await view.locator(".marked-text").evaluate((node) => node.textContent), PASSAGE);
        // The answer of a question that has the focus is highlighted, where it stands in the passage.
        const count = await questions.count();
        for (let at = 0; at < count; at += 1) {
            await questions.nth(at).focus();
            const answer = await questions.nth(at).locator("bdi.answer").innerText();
            const marked = await view
                .locator(".marked-text .answer.selected")
                .evaluateAll((marks) => marks.map((mark) => mark.textContent).join(""));
            assert.equal(marked, answer);
        }
        await assertAccessible(page, `questions, ${colorScheme}`);
        await takeScreenshot(page, `questions-${colorScheme}`);
        if (colorScheme === "light") {
            const save = async (label) => {
                const [download] = await Promise.all([
                    page.waitForEvent("download"),
                    view.getByRole("button", { name: label }).click(),
                ]);
                return readFileSync(await download.path(), "utf8");
            };
            const lines = (await save("Save JSON Lines"))
                .trim()
                .split("\n")
                .map((line) => JSON.parse(line));
            assert.deepEqual(
                lines.map(({ question }) => question),
                await questions.locator(".asked").allInnerTexts(),
            );
            assert.ok((await save("Save CSV")).split("\n").length > count);
            assert.match(await save("Save for Anki"), /^#separator:tab\n/u);
        }
        assert.deepEqual(page.problems, []);
        await page.context().close();
    }
}
