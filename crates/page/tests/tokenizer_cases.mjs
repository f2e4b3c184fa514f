// Compares tokenizers with those of the program: `node tokenizer_cases.mjs FILE`, a JSON list of tokenizers and texts.

import assert from "node:assert/strict";
import fs from "node:fs";
import { Tokenizer } from "../model/tokenizer.js";

const [file] = process.argv.slice(2);
const cases = JSON.parse(fs.readFileSync(file, "utf8"));
assert.ok(cases.length > 0);
let failures = 0;

for (const { name, tokenizer: stored, texts } of cases) {
    const tokenizer = new Tokenizer(stored);
    for (const { text, ids, unknown, part, beginning, joined, pieces } of texts) {
        const check = (what, found, expected) => {
            if (JSON.stringify(found) !== JSON.stringify(expected)) {
                failures += 1;
                if (failures <= 20) {
                    console.error(`${name}, ${JSON.stringify(text)}: ${what} ${JSON.stringify(found)}, expected ${JSON.stringify(expected)}`);
                }
            }
        };
        check("ids", tokenizer.encode(text).ids, ids);
        check("unknown tokens", tokenizer.encode(text).unknown, unknown);
        check("ids of a part", tokenizer.encode(text, tokenizer.rulesOfPart).ids, part);
        if (beginning !== null) {
            check("ids of a beginning", tokenizer.encodeBeginning(text).ids, beginning);
        }
        const detokenizer = tokenizer.detokenizer();
        check("pieces", [...joined.map((id) => tokenizer.push(detokenizer, id)), detokenizer.finish()], pieces);
    }
}
console.log(`${cases.length} tokenizers`);
process.exit(failures === 0 ? 0 : 1);
