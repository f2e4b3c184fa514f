// How the states of texts that were read are kept.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ModelReader } from "../model/reader.js";

/** A network whose state, of 4 MiB, is the number of ids that it has read. */
function counting() {
    const network = { steps: 0, logits: () => [0, 0, 0] };
    network.initState = () => [[new Float32Array(2 ** 20)]];
    network.step = (_, [[before]]) => {
        network.steps++;
        const after = new Float32Array(2 ** 20);
        after[0] = before[0] + 1;
        return [[after]];
    };
    return network;
}

test("a long text is not read again for each token when there are too many states", async () => {
    const network = counting();
    const reader = new ModelReader(network, { neverSampled: [], documentId: null }, null);
    const ids = Array.from({ length: 200 }, (_, at) => at % 3);
    const scores = await reader.scores(ids, 0);
    assert.equal(scores.length, 200);
    const steps = network.steps;
    await reader.next(ids);
    for (let more = 1; more <= 40; more++) {
        await reader.next([...ids, ...Array(more).fill(1)]);
    }
    assert.equal(network.steps, steps + 41);
    assert.deepEqual(await reader.scores(ids, 0), scores);
    assert.ok(reader.keptBytes < 100 * 2 ** 20, `${reader.keptBytes}`);
    // A branch is read from a state before it.
    await reader.next([...ids.slice(0, 150), 2]);
    assert.ok(network.steps <= steps + 41 + 24, `${network.steps - steps}`);
});
