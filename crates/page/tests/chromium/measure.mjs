// Checks of the view in which drafts are measured.

import assert from "node:assert/strict";

import { assertAccessible, takeScreenshot } from "./accessibility.mjs";
import { openPage } from "./program.mjs";

const DRAFT =
    "The fox came to the ferryman and said, “My friend, carry me over.” The extraordinary zebra looked at him.";

export async function checkMeasure({ browser, server }) {
    for (const colorScheme of ["light", "dark"]) {
        const page = await openPage(browser, server.address, { colorScheme });
        await page.getByRole("link", { name: "Measure" }).click();
        const view = page.locator("#view-measure");
        const measure = view.getByRole("button", { name: "Measure" });
        await measure.click();
        await page.locator("header .status.error").filter({ hasText: "no draft" }).waitFor();
        const draft = view.getByRole("textbox", { name: "Your draft" });
        await draft.fill(DRAFT);
        await draft.press("Control+Enter");
        const text = view.locator(".marked-text");
        await text.locator("[class*=level-]").first().waitFor();
        // All words of the draft, as they were written, have a score but perhaps the first one.
        assert.equal(await text.evaluate((node) => node.textContent), DRAFT);
        const words = await text.locator("[data-word]").count();
        const sums = view.locator("table").first().locator("tbody tr");
        assert.equal(await sums.count(), 1);
        const scored = Number(await sums.locator("td").nth(2).innerText());
        assert.ok(scored === words || scored === words - 1, `${scored} of ${words}`);
        await text.locator("[data-word]", { hasText: "zebra" }).hover();
        assert.match(await view.locator(".reading").innerText(), /zebra — words: \d+\.\d bits, .* %/u);
        await text.focus();
        await page.keyboard.press("End");
        await page.keyboard.press("ArrowLeft");
        assert.match(await view.locator(".reading").innerText(), /^him — /u);
        await assertAccessible(page, `measure, ${colorScheme}`);
        // The legend and the tables have one unit.
        assert.match(await view.locator(".legend").innerText(), /^1\.4 bits\s+2\.9 bits\s.*11\.5 bits or more$/su);
        await takeScreenshot(page, `measure-${colorScheme}`);
        await view.getByLabel("Compare with").selectOption({ label: "characters" });
        await text.locator("[class*=more-], [class*=less-]").first().waitFor();
        assert.equal(await sums.count(), 2);
        await text.locator("[data-word]", { hasText: "zebra" }).hover();
        assert.match(await view.locator(".reading").innerText(), /words: .*; characters: .*; difference [+−]/u);
        await assertAccessible(page, `two models, ${colorScheme}`);
        await takeScreenshot(page, `compare-${colorScheme}`);
        assert.deepEqual(page.problems, []);
        await page.context().close();
    }
}
