// Tests of words, their surprise, and the marks on a text.

import assert from "node:assert/strict";
import test from "node:test";

import { visibleChoice } from "../assets/choices_list.js";
import { joinedText, needsSpace, typedTokens } from "../assets/joining.js";
import { segmentsOf } from "../assets/segments.js";
import {
    alignPassages,
    alignTokens,
    bitsText,
    percentText,
    surpriseLevel,
    surpriseOfWords,
    totalSurprise,
    wordsOf,
} from "../assets/words.js";

/** A read text of these tokens with the log-probabilities −1, −2, … */
function read(...tokens) {
    let text = "";
    return {
        tokens: tokens.map((token, at) => {
            const start = text.length;
            text += token;
            return { start, end: text.length, logProb: -(at + 1) };
        }),
        text,
    };
}

const texts = (text, ranges) => ranges.map(({ start, end }) => text.slice(start, end));

test("words and marks are found in any script", () => {
    const of = (text) => texts(text, wordsOf(text));
    assert.deepEqual(of("The fox’s tail, red."), ["The", "fox’s", "tail", ",", "red", "."]);
    assert.deepEqual(of("  "), []);
    assert.deepEqual(of("여우가 말했다"), ["여우가", "말했다"]);
    assert.deepEqual(of("قال الثعلب"), ["قال", "الثعلب"]);
    assert.equal(of("狐狸说话").join(""), "狐狸说话");
});

test("tokens are found in a draft with other spaces and capitals", () => {
    const draft = "The  Fox, it said,\nran. 𝒳 end";
    const aligned = alignTokens(draft, read("the", " fox", " ,", " it", " said", ",", " ran", " .", " 𝒳", " end"));
    assert.deepEqual(texts(draft, aligned), ["The", "Fox", ",", "it", "said", ",", "ran", ".", "𝒳", "end"]);
});

test("a token that the model does not know gets what stands between its neighbours", () => {
    const draft = "the zebra ran a zat a mile, zorp blarg";
    const aligned = alignTokens(
        draft,
        read("the", " <unknown>", " ran", " a", " <unknown>", " a", " mile", ",", " <unknown>", " <unknown>"),
    );
    const expected = ["the", "zebra", "ran", "a", "zat", "a", "mile", ",", "zorp", "blarg"];
    assert.deepEqual(texts(draft, aligned), expected);
    assert.deepEqual(
        aligned.map(({ logProb }) => logProb),
        [-1, -2, -3, -4, -5, -6, -7, -8, -9, -10],
    );
});

test("the surprise of a word is that of all its tokens", () => {
    const draft = "quick foxes ran";
    const { text, tokens } = read("qu", "ick", " fox", "es", " ", "ran");
    tokens[0].logProb = null;
    const words = surpriseOfWords(draft, { text, tokens });
    assert.deepEqual(
        words.map(({ nats }) => nats),
        [2, 7, 11],
    );
    assert.deepEqual(totalSurprise(words), { nats: 20, words: 3 });
    assert.deepEqual(
        surpriseOfWords("a b", { text: "a b", tokens: [{ start: 0, end: 3, logProb: null }] }).map(({ nats }) => nats),
        [null, null],
    );
    assert.deepEqual(surpriseOfWords("", read()), []);
});

test("copied passages are found in the draft", () => {
    const draft = "And the  Fox saw. Then the fox SAW again";
    const text = "and the fox saw . then the fox saw again";
    const passages = [
        { start: 4, end: 15, tokens: 3 },
        { start: 23, end: 34, tokens: 3 },
    ];
    const found = alignPassages(draft, { text, passages });
    assert.deepEqual(texts(draft, found), ["the  Fox saw", "the fox SAW"]);
    assert.equal(found[0].tokens, 3);
});

test("levels and numbers as people read them", () => {
    assert.deepEqual([null, 0, 0.9, 1, 3.9, 4, 8, 99].map(surpriseLevel), [0, 0, 0, 1, 2, 3, 5, 5]);
    assert.deepEqual([1, 0.5, 0.031, 0.0012, 0.00001, 0].map(percentText), [
        "100 %",
        "50 %",
        "3.1 %",
        "0.12 %",
        "< 0.01 %",
        "0.00 %",
    ]);
    assert.deepEqual([null, Math.LN2, 0].map(bitsText), ["no score", "1.0 bits", "0.0 bits"]);
});

test("marks that overlap are cut into segments", () => {
    const text = "abcdefgh";
    const segments = segmentsOf(text, {
        word: [
            { start: 0, end: 3 },
            { start: 4, end: 8 },
        ],
        copied: [
            { start: 2, end: 6, id: 1 },
            { start: 5, end: 7, id: 2 },
        ],
    });
    const shown = segments.map(({ start, end, marks }) => [
        text.slice(start, end),
        marks.word?.start ?? null,
        marks.copied?.id ?? null,
    ]);
    assert.deepEqual(shown, [
        ["ab", 0, null],
        ["c", 0, 1],
        ["d", null, 1],
        ["e", 4, 1],
        ["f", 4, 1],
        ["g", 4, 2],
        ["h", 4, null],
    ]);
    assert.deepEqual(segmentsOf("", { word: [] }), []);
    assert.deepEqual(segmentsOf("ab", { word: [{ start: 1, end: 9 }] }), [{ start: 0, end: 2, marks: {} }]);
});

test("a space comes between words, and not where none belongs", () => {
    for (const [text, typed] of [
        ["the", "fox"],
        ["said,", "the"],
        ["“Yes”", "said"],
        ["여우", "말"],
        ["قال", "ثعلب"],
    ]) {
        assert.ok(needsSpace(text, typed), `${text} ${typed}`);
    }
    for (const [text, typed] of [
        ["", "fox"],
        ["the ", "fox"],
        ["the", " fox"],
        ["the", ", fox"],
        ["“", "Yes"],
        ["(", "a"],
        ["狐狸", "说"],
        ["the", ""],
        ["end", "."],
    ]) {
        assert.ok(!needsSpace(text, typed), `${text} ${typed}`);
    }
    assert.deepEqual([joinedText("", " fox"), joinedText("the", " fox"), joinedText("", "\n")], ["fox", " fox", "\n"]);
    assert.deepEqual(
        typedTokens(" the  fox ").map(({ text }) => text),
        [" the", "  fox", " "],
    );
});

test("three dots stand before a part of a word that continues a word", () => {
    const shown = (text, replaces, before, unit = "subword") => visibleChoice({ text, replaces }, unit, before);
    assert.equal(shown("ing", 0, "the walk"), "…ing");
    assert.equal(shown(" fox", 0, "the"), "fox");
    assert.equal(shown(",", 0, "the"), ",");
    // The first word of a text or a line, and the word after a typed space, continue nothing.
    assert.equal(shown("The", 0, ""), "The");
    assert.equal(shown("The", 0, "the end.\n"), "The");
    assert.equal(shown("fox", 0, "the "), "fox");
    // The space before it is replaced.
    assert.equal(shown("n", 1, "the "), "…n");
    assert.equal(shown("ran", 0, "fox", "word"), "ran");
    assert.equal(shown("\n\n", 0, "the end."), "⏎ line ⏎ line");
});
