// Tests of the tree of a text, and of what it is exported as.

import assert from "node:assert/strict";
import test from "node:test";

import { exportJson, exportMarkdown, exportText, authorShares } from "../assets/provenance.js";
import { SampleSteps } from "../assets/sample_steps.js";
import { TextTree } from "../assets/text_tree.js";
import { typedTokens } from "../assets/joining.js";

const MODEL = { model: "fables-1", model_sha256: "ab12" };

const token = (text, replaces = 0, probability = 0.5) => ({ text, replaces, probability });

function tree(...steps) {
    const made = new TextTree();
    for (const [author, text, origin = MODEL] of steps) {
        made.add(author, typedTokens(text), origin);
    }
    return made;
}

test("steps that are undone stay as branches", () => {
    const text = tree(["chosen", "the"], ["typed", " fox ran"]);
    assert.equal(text.text(), "the fox ran");
    assert.ok(text.undo());
    text.add("sampled", [token(" sat")], { ...MODEL, seed: 7 });
    assert.equal(text.text(), "the sat");
    assert.deepEqual(text.leaves(), [2, 3]);
    assert.ok(text.undo() && text.undo() && !text.undo());
    assert.ok(text.redo() && text.redo() && !text.redo());
    assert.equal(text.text(), "the sat");
    text.go(2);
    assert.ok(text.undo() && text.redo());
    assert.equal(text.text(), "the fox ran");
    // The same words again are the same step, whatever is known about their probability by now.
    text.undo();
    text.steps[2].tokens[0].probability = 0.25;
    assert.equal(text.add("typed", typedTokens(" fox ran"), MODEL), 2);
    assert.equal(text.steps.length, 4);
});

test("other branches can be deleted", () => {
    const text = tree(["typed", "the"], ["chosen", " fox"], ["sampled", " ran"]);
    text.go(1);
    text.add("typed", typedTokens(" lion"), MODEL);
    text.add("chosen", [token(" sat")], MODEL);
    text.undo();
    text.deleteOtherBranches();
    assert.equal(text.text(), "the lion");
    assert.deepEqual([text.leaves(), text.steps.length, text.redo()], [[2], 3, false]);
    assert.ok(text.undo() && text.redo());
    assert.equal(TextTree.fromJson(text.toJson()).text(), "the lion");
});

test("a token can complete the syllable before it", () => {
    const text = new TextTree();
    text.add("typed", [token("a ")], MODEL);
    text.add("chosen", [token("하")], MODEL);
    text.add("chosen", [token("한", 1)], MODEL);
    text.add("sampled", [token("b")], MODEL);
    assert.equal(text.text(), "a 한b");
    const pieces = text.pieces().map(({ step, start, end }) => [step, start, end]);
    assert.deepEqual(pieces, [
        [1, 0, 2],
        [3, 2, 3],
        [4, 3, 4],
    ]);
    assert.deepEqual(text.shares(), { typed: 2, chosen: 1, sampled: 1 });
});

test("a text is continued before any of its words", () => {
    const text = tree(["typed", "the old fox ran"], ["chosen", " home"]);
    text.cutAt("the old fox".length);
    assert.equal(text.text(), "the old fox");
    assert.equal(text.steps[3].author, "typed");
    text.add("chosen", [token(" sat")], MODEL);
    assert.deepEqual(
        text.leaves().map((leaf) => text.text(leaf)),
        ["the old fox ran home", "the old fox sat"],
    );
    text.cutAt(5);
    assert.equal(text.text(), "the o");
    text.cutAt(0);
    assert.equal(text.text(), "");
    text.cutAt(9);
    assert.equal(text.text(), "");
});

test("a sample is undone as a whole", () => {
    const text = tree(["typed", "once"]);
    const origin = { ...MODEL, seed: 7 };
    const steps = new SampleSteps((tokens) => text.add("sampled", tokens, origin));
    for (const piece of [" up", "on", " a", " time", ","]) {
        steps.push({ text: piece, logProb: -1 });
    }
    assert.equal(text.text(), "once upon a");
    steps.finish();
    steps.finish();
    assert.equal(text.text(), "once upon a time,");
    assert.equal(text.steps.length, 5);
    assert.ok(Math.abs(text.steps[2].tokens[1].probability - Math.exp(-1)) < 1e-12);
    assert.ok(text.undo());
    assert.ok(text.undoSample() && !text.undoSample());
    assert.equal(text.text(), "once");
});

test("a saved tree is read again", () => {
    const text = tree(
        ["typed", "the fox"],
        ["chosen", " ran"],
        ["sampled", " home", { ...MODEL, seed: 7, sampling: { temperature: 1 } }],
    );
    text.undo();
    text.add("chosen", [token(" away", 0, 0.125)], MODEL);
    const saved = JSON.parse(exportJson(text, "pastiche 0.2.0"));
    assert.equal(saved.program, "pastiche 0.2.0");
    assert.equal(saved.text, "the fox ran away");
    assert.deepEqual(saved.characters, { typed: 7, chosen: 9, sampled: 0 });
    assert.deepEqual(saved.origins, [MODEL, { ...MODEL, seed: 7, sampling: { temperature: 1 } }]);
    assert.deepEqual(saved.steps[4], { parent: 2, author: "chosen", origin: 0, tokens: [token(" away", 0, 0.125)] });
    const read = TextTree.fromJson(saved);
    assert.equal(read.text(), text.text());
    assert.deepEqual(read.toJson(), text.toJson());
    read.go(3);
    assert.ok(read.undoSample());
});

test("what is no saved tree is rejected in one line", () => {
    const saved = tree(["typed", "the fox"]).toJson();
    const changed = (change) => {
        const copy = JSON.parse(JSON.stringify(saved));
        change(copy);
        return copy;
    };
    const broken = [
        null,
        7,
        [],
        {},
        changed((copy) => {
            copy.version = 2;
        }),
        changed((copy) => {
            copy.steps[1].parent = 1;
        }),
        changed((copy) => {
            copy.steps[1].parent = -1;
        }),
        changed((copy) => {
            copy.steps[1].author = "none";
        }),
        changed((copy) => {
            copy.steps[1].origin = 9;
        }),
        changed((copy) => {
            copy.steps[1].origin = "length";
        }),
        changed((copy) => {
            copy.origins = [null];
        }),
        changed((copy) => {
            copy.origins[0].model = 7;
        }),
        changed((copy) => {
            copy.origins[0].seed = "a";
        }),
        changed((copy) => {
            copy.origins[0].sampling = null;
        }),
        changed((copy) => {
            copy.origins[0].label = 1;
        }),
        changed((copy) => {
            copy.steps[1].tokens = [7];
        }),
        changed((copy) => {
            copy.steps[1].tokens[0].replaces = 1;
        }),
        changed((copy) => {
            copy.steps[1].tokens.push({ text: "", replaces: 8, probability: null });
        }),
        changed((copy) => {
            copy.steps[1].tokens[0].probability = 2;
        }),
        changed((copy) => {
            copy.steps[1] = null;
        }),
        changed((copy) => {
            copy.current = 9;
        }),
        changed((copy) => {
            copy.steps[0].parent = 0;
        }),
        changed((copy) => {
            copy.steps = "a";
        }),
    ];
    for (const value of broken) {
        assert.throws(
            () => TextTree.fromJson(value),
            /^Error: this is no saved text: [^\n]+; expected a file that this page has saved$/u,
        );
    }
});

test("a text is exported with the share of each author", () => {
    const text = tree(["typed", "the "], ["chosen", "fox"], ["sampled", " s", { ...MODEL, seed: 7 }]);
    text.add("sampled", [token("!")], { model: "other", model_sha256: "", seed: 8 });
    const blend = { model: "blend:a=0.5,b=0.5", model_sha256: "ab, cd" };
    text.add("chosen", [token("?")], { ...blend, label: "old" });
    assert.equal(exportText(text), "the fox s!?\n");
    assert.deepEqual(
        authorShares(text).map(({ characters, percent }) => [characters, percent]),
        [
            [4, (100 * 4) / 11],
            [4, (100 * 4) / 11],
            [3, (100 * 3) / 11],
        ],
    );
    const markdown = exportMarkdown(text);
    assert.ok(markdown.startsWith("the fox s!?\n\n---\n"));
    for (const line of [
        "| typed | 4 | 36.4 % |",
        "- model fables-1, SHA-256 of its manifest ab12, seeds 7",
        "- model other, seeds 8",
        "- model blend:a=0.5,b=0.5, label old, SHA-256 of the manifests ab, cd",
    ]) {
        assert.ok(markdown.includes(`${line}\n`), markdown);
    }
    assert.ok(!exportMarkdown(tree(["typed", "x"])).includes("model fables"));
});
