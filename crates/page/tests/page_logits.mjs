// Compares the logits of pages with those of the program in Node: `node page_logits.mjs FOLDER`, where pages.json lists
// the pages.

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { loadModel } from "../model/load_model.js";
import { largestDifference } from "./largest_difference.mjs";
import { readPage } from "./read_page.mjs";

const [folder] = process.argv.slice(2);
const cases = JSON.parse(fs.readFileSync(path.join(folder, "pages.json"), "utf8"));
assert.ok(cases.length > 0);

for (const { name, page, logits, within, text, ids, label } of cases) {
    const expected = new Float32Array(new Uint8Array(fs.readFileSync(path.join(folder, logits))).buffer);
    const { about, parts } = await readPage(path.join(folder, page));
    const source = loadModel(about, parts.get("weights"), parts.get("tokenizer"), null);
    assert.deepEqual(source.tokenizer.encode(text).ids.slice(0, ids.length), ids, name);
    const { reader } = source.adapted({ blend: null, label }).source;
    const { network } = reader;
    let state = network.initState();
    ids.forEach((id, at) => {
        state = reader.step(id, state);
        const found = network.logits(state);
        const apart = largestDifference(found, expected, at * found.length);
        assert.ok(apart <= within, `${name}: a logit of token ${at} differs by ${apart}`);
    });
}
console.log(`${cases.length} pages`);
