// The logits of pages in Chromium, opened from disk without a network, against those of the program: pages of all cells
// and kinds of tokens, and of the built-in base. `cargo xtask page-test` has the tests of the program write them.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { largestDifference } from "../largest_difference.mjs";
import { openFile } from "./model_file.mjs";
import { launchChromium } from "./program.mjs";

/** The tokens that are read in one call: their logits return as text. */
const BLOCK = 100;

const folder = process.env.PAGE_TEST_PAGES;
const cases = JSON.parse(readFileSync(join(folder, "pages.json"), "utf8"));
let browser;

before(async () => {
    browser = await launchChromium();
});

after(async () => {
    await browser?.close();
});

for (const { name, page: file, logits, within, text, ids, label } of cases) {
    test(`the logits of the page ${name} are those of the program`, { timeout: 120_000 }, async (t) => {
        const expected = new Float32Array(new Uint8Array(readFileSync(join(folder, logits))).buffer);
        const page = await openFile(browser, join(folder, file));
        assert.deepEqual(await page.evaluate(idsOfText, { text, count: ids.length }), ids);
        let compared = 0;
        let milliseconds = 0;
        for (let from = 0; from < ids.length; from += BLOCK) {
            const block = ids.slice(from, from + BLOCK);
            const read = await page.evaluate(readIds, { ids: block, isFirst: from === 0, label });
            const found = new Float64Array(new Uint8Array(Buffer.from(read.logits, "base64")).buffer);
            const apart = largestDifference(found, expected, compared);
            assert.ok(apart <= within, `a logit of tokens ${from} to ${from + BLOCK} differs by ${apart}`);
            compared += found.length;
            milliseconds += read.milliseconds;
        }
        assert.equal(compared, expected.length);
        assert.deepEqual(page.problems, []);
        const ready = await page.evaluate(() => document.documentElement.dataset.ready);
        t.diagnostic(`${name}: ready after ${ready} ms, ${(milliseconds / ids.length).toFixed(2)} ms per token`);
        await page.context().close();
    });
}

/** In the page: the first ids of a text. */
function idsOfText({ text, count }) {
    return globalThis.modelSource.tokenizer.encode(text).ids.slice(0, count);
}

/** In the page: reads more ids of a text with a label. Their logits as bytes in base64, and the time that they took. */
function readIds({ ids, isFirst, label }) {
    const { reader } = globalThis.modelSource.adapted({ blend: null, label }).source;
    const { network } = reader;
    const started = performance.now();
    let state = isFirst ? network.initState() : globalThis.stateOfTest;
    const logits = ids.map((id) => {
        state = reader.step(id, state);
        return network.logits(state);
    });
    const milliseconds = performance.now() - started;
    globalThis.stateOfTest = state;
    let bytes = "";
    for (const row of logits) {
        new Uint8Array(row.buffer).forEach((byte) => {
            bytes += String.fromCharCode(byte);
        });
    }
    return { logits: btoa(bytes), milliseconds };
}
