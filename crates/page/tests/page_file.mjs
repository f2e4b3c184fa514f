// Loads the models of HTML files and compares what they would write with the program: `node page_file.mjs FILE`, a JSON
// file with the pages, a text and the probabilities of the likeliest next tokens.

import assert from "node:assert/strict";
import fs from "node:fs";
import { loadModel } from "../model/load_model.js";
import { readPage } from "./read_page.mjs";

const SAMPLING = { temperature: 1, topP: 1, minP: 0, maxCopied: 0 };
// The second page has half-precision weights.
const LARGEST_DIFFERENCE = [1e-5, 0.01];

const { pages, text, probabilities } = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));

for (const [at, path] of pages.entries()) {
    const { about, parts } = await readPage(path);
    const training = parts.get("training-text") ?? null;
    const source = loadModel(about, parts.get("weights"), parts.get("tokenizer"), training);
    const choices = await source.next({ text, count: probabilities.length, sampling: SAMPLING });
    choices.forEach(({ probability }, index) => {
        assert.ok(
            Math.abs(probability - probabilities[index]) < LARGEST_DIFFERENCE[at],
            `${path}: ${probability} ${probabilities[index]}`,
        );
    });
    let written = "";
    await source.generate({ text, maxTokens: 30, seed: 1, sampling: SAMPLING }, (piece) => {
        written += piece.text;
    });
    assert.ok(written.length > 30, written);
    if (training === null) {
        assert.notEqual((await source.info()).noCopied, null);
    } else {
        // A passage of the training text is found in it.
        const [first, second] = [source.passage(200, 12).text, source.passage(500, 12).text];
        const { passages } = await source.copied({ text: `${first}. ${second}`, minTokens: 8 });
        assert.ok(passages.length >= 2, JSON.stringify([first, second, passages]));
    }
}
console.log(`${pages.length} pages`);
