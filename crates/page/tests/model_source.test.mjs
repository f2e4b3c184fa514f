// A model in the page as a source of text.

import assert from "node:assert/strict";
import { test } from "node:test";
import { characters, source, words } from "./small_model.mjs";

const SAMPLING = { temperature: 1, topP: 1, minP: 0, maxCopied: 0 };
const TOKENS = ["the", "fox", ",", "ran", ".", "and", "crow", '"', "(", ")"];

async function generated(model, options) {
    const pieces = [];
    const result = await model.generate(
        { text: "the fox", maxTokens: 20, seed: 3, sampling: SAMPLING, ...options },
        (piece) => pieces.push(piece),
    );
    return { ...result, text: pieces.map(({ text }) => text).join(""), pieces };
}

test("the probabilities of all next tokens have the sum 1, the likeliest first", async () => {
    const choices = await source(words(TOKENS)).next({ text: "the fox", count: 100, sampling: SAMPLING });
    assert.equal(choices.length, TOKENS.length);
    const probabilities = choices.map(({ probability }) => probability);
    assert.ok(Math.abs(probabilities.reduce((sum, p) => sum + p, 0) - 1) < 1e-9);
    assert.deepEqual(
        probabilities,
        [...probabilities].sort((a, b) => b - a),
    );
    const added = new Map(choices.map(({ text, replaces }) => [text.trim(), [text, replaces]]));
    assert.deepEqual(
        [added.get("ran"), added.get(","), added.get("(")],
        [
            [" ran", 0],
            [",", 0],
            [" (", 0],
        ],
    );
});

test("spaces at the end of a text are those before the next word", async () => {
    const model = source(words(TOKENS));
    const of = async (text) =>
        new Map(
            (await model.next({ text, count: 100, sampling: SAMPLING })).map((choice) => [choice.text.trim(), choice]),
        );
    const [bare, spaced, two, empty] = [await of("the fox"), await of("the fox "), await of("the fox  "), await of("")];
    assert.equal(bare.get("ran").probability, spaced.get("ran").probability);
    const { text, replaces } = spaced.get("ran");
    assert.deepEqual(
        [text, replaces, spaced.get(",").text, spaced.get(",").replaces, two.get("ran").replaces],
        ["ran", 0, ",", 1, 1],
    );
    assert.equal(empty.get("ran").text, "ran");
});

test("the filters say which choices are allowed", async () => {
    const model = source(words(TOKENS));
    const allowed = async (sampling) =>
        (await model.next({ text: "the", count: 100, sampling: { ...SAMPLING, ...sampling } })).filter(
            ({ isAllowed }) => isAllowed,
        );
    assert.equal((await allowed({})).length, TOKENS.length);
    assert.equal((await allowed({ temperature: 0 })).length, 1);
    const kept = await allowed({ topP: 0.5 });
    assert.ok(kept.length < TOKENS.length && kept.reduce((sum, { probability }) => sum + probability, 0) >= 0.5);
    assert.ok((await allowed({ minP: 1 })).length === 1);
});

test("the same seed gives the same text, and another one another", async () => {
    const model = source(words(TOKENS));
    const [first, again, other] = [
        await generated(model, {}),
        await generated(model, {}),
        await generated(model, { seed: 4 }),
    ];
    assert.deepEqual(first, again);
    assert.equal(first.text, (await generated(source(words(TOKENS)), {})).text);
    assert.notEqual(first.text, other.text);
    assert.deepEqual([first.seed, first.isComplete], [3, false]);
});

test("the surprise of a text is that of its tokens", async () => {
    const model = source(words(TOKENS));
    const { text, tokens } = await model.read({ text: "the fox ran." });
    assert.equal(text, "the fox ran.");
    assert.deepEqual(
        tokens.map(({ start, end }) => text.slice(start, end)),
        ["the", " fox", " ran", "."],
    );
    assert.equal(tokens[0].logProb, null);
    const [{ probability }] = (await model.next({ text: "the fox", count: 100, sampling: SAMPLING })).filter(
        (choice) => choice.text === " ran",
    );
    assert.ok(Math.abs(tokens[2].logProb - Math.log(probability)) < 1e-12);
    assert.deepEqual(await model.read({ text: "" }), { text: "", tokens: [] });
});

test("a text has a label of the model, or none", async () => {
    const [labels, text] = [["old", "new"], "the fox ran"];
    const probabilities = async (model) => {
        const { tokens } = await model.read({ text });
        const next = await model.next({ text, count: 100, sampling: SAMPLING });
        return [...tokens.map(({ logProb }) => logProb), ...next.map(({ probability }) => probability)];
    };
    for (const window of [null, 4]) {
        const model = source(words(TOKENS), { labels, window });
        const { labels: offered, label, blendsWith } = await model.info();
        assert.deepEqual([offered, label, blendsWith], [labels, null, []]);
        const found = [await probabilities(model)];
        for (const name of [...labels, null]) {
            const adapted = model.adapted({ blend: null, label: name });
            assert.equal(adapted.info.label, name);
            assert.deepEqual(adapted.info, await adapted.source.info());
            found.push(await probabilities(adapted.source));
        }
        // None, old, new, and none again.
        assert.deepEqual(found[3], found[0]);
        assert.equal(new Set(found.map(String)).size, 3);
        // Label numbers begin with 1.
        const { network } = model.reader;
        const { ids } = model.tokenizer.encodeBeginning("the fox");
        const state = ids.slice(0, -1).reduce((before, id) => network.step(id, before, 2), network.initState());
        assert.equal(found[2][1], model.reader.logProbs(state, ids.at(-2))[ids.at(-1)]);
    }
    const model = source(words(TOKENS));
    assert.deepEqual((await model.info()).labels, []);
    assert.throws(() => model.adapted({ blend: null, label: "old" }), /no label "old"/u);
    assert.throws(() => model.adapted({ blend: { source: model, share: 0.5 }, label: null }), /one model/u);
});

test("a model of windows reads the last ids from the first state", async () => {
    const [short, long] = ["and the fox ran", "crow . . . and the fox ran"];
    const [next, of] = [
        { count: 100, sampling: SAMPLING },
        (choices) => choices.map(({ text, probability }) => [text, probability]),
    ];
    const [window, carried] = [source(words(TOKENS), { window: 4 }), source(words(TOKENS))];
    assert.deepEqual(of(await window.next({ ...next, text: short })), of(await window.next({ ...next, text: long })));
    assert.notDeepEqual(
        of(await carried.next({ ...next, text: short })),
        of(await carried.next({ ...next, text: long })),
    );
    assert.deepEqual(of(await window.next({ ...next, text: short })), of(await carried.next({ ...next, text: short })));
    const read = await window.read({ text: long });
    const [ran] = (await window.next({ ...next, text: "crow . . . and the fox" })).filter(
        ({ text }) => text === " ran",
    );
    assert.ok(Math.abs(read.tokens.at(-1).logProb - Math.log(ran.probability)) < 1e-12);
});

test("words that are not in the vocabulary are unknown, or rejected", async () => {
    const next = { count: 3, sampling: SAMPLING };
    await assert.rejects(source(words(TOKENS)).next({ ...next, text: "the wolf" }), /"wolf" is not in the vocabulary/);
    const model = source(words(TOKENS, { unknown: true, start: [2] }));
    assert.equal((await model.next({ ...next, text: "the wolf" })).length, 3);
    assert.equal((await model.read({ text: "the wolf" })).text, "the <unknown>");
    assert.match((await model.info()).noTyping, /unknown/);
});

test("a document ends, and is never empty", async () => {
    const model = source(words(TOKENS, { document: true, start: [1] }));
    const ends = async (text) =>
        (await model.next({ text, count: 100, sampling: SAMPLING })).filter(({ isEnd }) => isEnd);
    assert.equal((await ends("")).length, 0);
    assert.deepEqual(
        (await ends("the")).map(({ text, replaces }) => [text, replaces]),
        [["", 0]],
    );
    const { isComplete, text } = await generated(model, { maxTokens: 500 });
    assert.ok(isComplete && text.length > 0);
    const { tokens } = await model.read({ text: "the fox" });
    assert.ok(tokens.every(({ logProb }) => logProb < 0));
});

test("a jamo takes the place of the syllable that it completes", async () => {
    const tokens = [..."\u1100\u1161\u11ab a"];
    const model = source(characters(tokens));
    const of = async (text) =>
        new Map(
            (await model.next({ text, count: 100, sampling: SAMPLING })).map(({ text: added, replaces }) => [
                added,
                replaces,
            ]),
        );
    assert.deepEqual([(await of("가")).get("간"), (await of("\u1100")).get("가"), (await of("a")).get(" ")], [1, 1, 0]);
    const { text, tokens: read } = await model.read({ text: "간 가" });
    assert.equal(text, "간 가");
    assert.equal(read.map(({ start, end }) => text.slice(start, end)).join(""), text);
});

test("copied passages are found and can be limited", async () => {
    // Ids count from 1: "the fox ran . the crow ran and the fox , ran .", read thrice.
    const trainingText = [1, 2, 4, 5, 1, 7, 4, 6, 1, 2, 3, 4, 5];
    const model = source(words(TOKENS), { trainingText: [...trainingText, ...trainingText, ...trainingText] });
    assert.equal((await model.info()).noCopied, null);
    const { text, passages } = await model.copied({ text: "and ( the crow ran and the fox ) ran", minTokens: 3 });
    const found = passages.map(({ start, end, tokens, passage }) => [
        text.slice(start, end).trim(),
        tokens,
        passage.text.trim(),
    ]);
    assert.deepEqual(found, [["the crow ran and the fox", 6, "the crow ran and the fox"]]);
    assert.ok(passages[0].passage.before.endsWith(".") && passages[0].passage.after.startsWith(","));

    const choices = async (maxCopied) =>
        model.next({ text: "the crow ran and", count: 100, sampling: { ...SAMPLING, maxCopied } });
    const the = (list) => list.find((choice) => choice.text === " the");
    assert.deepEqual(
        [the(await choices(0)).isAllowed, the(await choices(4)).isAllowed, the(await choices(5)).isAllowed],
        [true, false, true],
    );
    assert.ok(the(await choices(0)).isCopied && !(await choices(0)).find((choice) => choice.text === " fox").isCopied);
    const { text: written } = await generated(model, { maxTokens: 200, sampling: { ...SAMPLING, maxCopied: 3 } });
    const { passages: copies } = await model.copied({ text: `the fox${written}`, minTokens: 4 });
    assert.deepEqual(copies, []);
    await assert.rejects(
        source(words(TOKENS)).copied({ text: "a", minTokens: 3 }),
        /does not contain the training text/,
    );
});

test("separators before a text are not copied", async () => {
    // Ids count from 1: the separator is the last one, and a text of one word has three before it.
    const separator = TOKENS.length + 1;
    const trainingText = [separator, separator, separator, separator, 1, 2, 4, 5];
    const model = source(words([...TOKENS, "|"], { separator: "|" }), { trainingText });
    const the = async (text, word, maxCopied) => {
        const choices = await model.next({ text, count: 100, sampling: { ...SAMPLING, maxCopied } });
        return choices.find((choice) => choice.text.trim() === word);
    };
    assert.deepEqual(
        [
            (await the("", "the", 3)).isAllowed,
            (await the("", "the", 3)).isCopied,
            (await the("the", "fox", 3)).isAllowed,
        ],
        [true, false, true],
    );
    assert.equal((await the("the fox", "ran", 2)).isAllowed, false);
    const { text } = await generated(model, { text: "", maxTokens: 40, sampling: { ...SAMPLING, maxCopied: 3 } });
    const { passages } = await model.copied({ text, minTokens: 4 });
    assert.deepEqual(passages, []);
});

test("a call that is aborted ends with an AbortError", async () => {
    const model = source(words(TOKENS));
    const aborted = new AbortController();
    aborted.abort();
    await assert.rejects(model.next({ text: "the", count: 3, sampling: SAMPLING, signal: aborted.signal }), {
        name: "AbortError",
    });
    const controller = new AbortController();
    const writing = generated(model, { maxTokens: 1000, signal: controller.signal });
    setTimeout(() => controller.abort());
    // It may be done before; else it is aborted while it computes.
    await writing.then(
        ({ pieces }) => assert.ok(pieces.length > 0),
        (error) => assert.equal(error.name, "AbortError"),
    );
});
