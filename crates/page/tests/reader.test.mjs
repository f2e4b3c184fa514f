// What a reader keeps of the texts that it has read.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ModelReader } from "../model/reader.js";
import { Tokenizer } from "../model/tokenizer.js";
import { network, words } from "./small_model.mjs";

const TOKENIZER = new Tokenizer(words(["a", "b", "c", "d", "e"]));

/** A reader that counts its steps, and keeps at most the states of this number of texts. */
function countingReader(mostStates) {
    const model = network(TOKENIZER.vocabularySize);
    const step = model.step.bind(model);
    const bytes = model
        .initState()
        .flat()
        .reduce((sum, values) => sum + values.byteLength, 0);
    const mostBytes = mostStates * bytes;
    const reader = new ModelReader({ network: model, tokenizer: TOKENIZER, window: null, mostBytes });
    reader.steps = 0;
    model.step = (...given) => {
        reader.steps += 1;
        return step(...given);
    };
    return reader;
}

test("a text that grows and its branches are not read again", async () => {
    const reader = countingReader(1000);
    const ids = Array.from({ length: 50 }, (_, at) => 1 + (at % 5));
    for (let length = 1; length <= ids.length; length++) {
        await reader.next(ids.slice(0, length));
    }
    await reader.next([...ids.slice(0, 20), 5]);
    assert.equal(reader.steps, 51);
});

test("with more states than are kept, a text is read again only in part, with the same probabilities", async () => {
    const [reader, whole] = [countingReader(32), countingReader(10_000)];
    const ids = Array.from({ length: 400 }, (_, at) => 1 + ((at * at) % 5));
    for (let length = 1; length <= ids.length; length++) {
        assert.deepEqual(await reader.next(ids.slice(0, length)), await whole.next(ids.slice(0, length)));
    }
    assert.ok(reader.steps < 2 * ids.length, `${reader.steps} steps`);
    const scores = await reader.scores(ids, 0);
    assert.deepEqual(scores, await whole.scores(ids, 0));
    assert.ok(reader.steps < 4 * ids.length, `${reader.steps} steps`);
});
