// axe-core on a page, in a world of its own: the policy of the page lets no other script in.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { AXE_PATH, SCREENSHOTS } from "./program.mjs";

const AXE = readFileSync(AXE_PATH, "utf8");

/** Fails if axe-core finds a violation on the page as it is now. */
export async function assertAccessible(page, name) {
    const session = await page.context().newCDPSession(page);
    const { frameTree: { frame } } = await session.send("Page.getFrameTree");
    const { executionContextId: contextId } = await session.send("Page.createIsolatedWorld", { frameId: frame.id });
    await session.send("Runtime.evaluate", { expression: AXE, contextId });
    const found = (result) => JSON.stringify(result.violations.map(({ id, nodes }) => [id, nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`)]));
    const expression = `axe.run().then(${found})`;
    const { result } = await session.send("Runtime.evaluate", { expression, contextId, awaitPromise: true, returnByValue: true });
    await session.detach();
    assert.equal(result.value, "[]", name);
}

/** Takes a picture of the visible part of the page. */
export function takeScreenshot(page, name) {
    return page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), caret: "hide" });
}
