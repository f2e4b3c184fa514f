// The text that is being written, with the three signs on its words, and what is known about the selected word.

import { element, setChildren } from "./dom.js";
import { needsSpace } from "./joining.js";
import { MarkedText } from "./marked_text.js";
import { AUTHOR_NAMES } from "./provenance.js";
import { alignPassages, bitsText, percentText, surpriseLevel, surpriseOfWords, wordsOf } from "./words.js";

/** The shortest copied passage that is underlined, in tokens. */
const SHORTEST_PASSAGE = 5;

/** The text with its signs. */
export class WriteText {
    /** `onGoTo` gets the position of a word before which the text is to be continued. */
    constructor(onGoTo) {
        this.onGoTo = onGoTo;
        this.tree = null;
        this.scores = { text: "", words: [] };
        this.passages = { text: "", found: [] };
        const sign = (label) =>
            element("input", {
                "type": "checkbox",
                "checked": true,
                "aria-label": label,
                "onchange": () => this.draw(),
            });
        this.signs = {
            surprise: sign("Show surprise"),
            copied: sign("Show copied passages"),
            typed: sign("Show your own words"),
        };
        const legend = (name, example, text) =>
            element("label", { class: "inline" }, this.signs[name], element("span", { class: example }, text));
        this.copiedLegend = legend("copied", "copied", "copied");
        this.marked = new MarkedText("The text. The arrow keys select a word, Enter continues before it.", {
            onSelect: (number) => this.showDetails(number),
            onOpen: (number) => this.goTo(number),
        });
        this.placeholder = element(
            "p",
            { class: "placeholder" },
            "Your text begins here. Choose a word below, or type one.",
        );
        this.node = element(
            "div",
            { class: "paper" },
            this.placeholder,
            this.marked.node,
            element(
                "div",
                { "class": "legend", "role": "group", "aria-label": "Signs" },
                legend("surprise", "level-4", "surprising"),
                this.copiedLegend,
                legend("typed", "typed", "typed by you"),
            ),
        );
        this.detailsBody = element("div", { "aria-live": "polite" });
        this.copyNote = element("p", { class: "hint", hidden: true });
        this.details = element(
            "section",
            { class: "details" },
            element("h2", {}, "The word"),
            this.detailsBody,
            this.copyNote,
        );
        this.showDetails(null);
    }

    /** Adapts the signs to a model. */
    setModel({ noCopied, unit }) {
        this.copiedLegend.hidden = noCopied !== null;
        this.copyNote.hidden = noCopied === null;
        this.copyNote.textContent = noCopied === null ? "" : `Copied passages are not shown: ${noCopied}`;
        this.noCopied = noCopied;
        this.unit = unit;
        this.scores = { text: "", words: [] };
        this.passages = { text: "", found: [] };
    }

    /** Shows the text of a tree. */
    show(tree) {
        this.tree = tree;
        this.draw();
    }

    /** Asks for the surprise and the copied passages of the text, and shows them. */
    async score(source, tree, signal) {
        const text = tree.text();
        if (text.trim() === "") {
            return;
        }
        const read = source.read({ text, signal }).then((answer) => {
            this.scores = { text, words: surpriseOfWords(text, answer) };
            fillProbabilities(tree, this.scores.words);
        });
        const copied = this.noCopied === null ? source.copied({ text, minTokens: SHORTEST_PASSAGE, signal }) : null;
        const traced = copied?.then((answer) => {
            this.passages = { text, found: alignPassages(text, answer) };
        });
        const results = await Promise.allSettled([read, traced]);
        if (!signal.aborted) {
            this.draw();
            const failed = results.find(({ status }) => status === "rejected");
            if (failed !== undefined) {
                throw failed.reason;
            }
        }
    }

    draw() {
        const text = this.tree.text();
        this.placeholder.hidden = text !== "";
        this.marked.node.hidden = text === "";
        const scored = this.scores.text === text ? this.scores.words : carriedScores(this.scores, text);
        const words = scored.map((word) => ({
            ...word,
            classes: this.signs.surprise.checked && word.nats !== null ? [`level-${surpriseLevel(word.nats)}`] : [],
        }));
        this.pieces = this.tree.pieces();
        const shown = this.signs.typed.checked ? this.pieces : [];
        const same = commonLength(this.passages.text, text);
        const passages = this.signs.copied.checked ? this.passages.found.filter(({ end }) => end <= same) : [];
        this.shownPassages = passages;
        this.marked.show(text, { words, pieces: shown, passages });
        this.showDetails(null);
    }

    goTo(number) {
        const before = this.tree.text().slice(0, this.marked.words[number].start);
        this.onGoTo(before.trimEnd().length);
    }

    showDetails(number) {
        const word = this.marked?.words[number];
        if (word === undefined) {
            setChildren(
                this.detailsBody,
                element("p", { class: "hint" }, "Point to a word of the text, or select one with the arrow keys."),
            );
            return;
        }
        const text = this.tree.text();
        const piece = this.pieces.find(({ end }) => word.start < end);
        const { origin } = this.tree.steps[piece.step];
        const row = (name, value) => [element("dt", {}, name), element("dd", {}, value)];
        const passage = this.shownPassages.find(({ start, end }) => start < word.end && word.start < end);
        const rows = [
            ...row("Written", AUTHOR_NAMES[piece.author]),
            ...row(
                "Surprise",
                word.nats === null ? "no score" : `${bitsText(word.nats)} (${percentText(Math.exp(-word.nats))})`,
            ),
            ...(origin.seed === undefined ? [] : row("Seed", String(origin.seed))),
            ...row("Model", element("bdi", {}, origin.model)),
            ...(origin.label === undefined ? [] : row("Label", element("bdi", {}, origin.label))),
        ];
        setChildren(
            this.detailsBody,
            element("p", { class: "word" }, element("bdi", {}, text.slice(word.start, word.end))),
            element("dl", {}, ...rows),
            element("button", { type: "button", onclick: () => this.goTo(number) }, "Continue before this word"),
            passage === undefined ? null : passageNote(passage, this.unit),
        );
    }
}

/** Where a copied passage comes from. The parts of a text by words come without the spaces between them. */
function passageNote({ tokens, passage: { before, text, after } }, unit) {
    const space = (a, b) => (unit === "word" && needsSpace(a, b) ? " " : "");
    return element(
        "div",
        { class: "passage" },
        element("p", { class: "hint" }, `Copied: ${tokens} tokens in a row. In the training text:`),
        element(
            "blockquote",
            { dir: "auto" },
            `… ${before}${space(before, text)}`,
            element("mark", { class: "copied" }, text),
            `${space(text, after)}${after} …`,
        ),
    );
}

/** The words of a text that has changed since it was scored: those at its beginning keep their scores. */
function carriedScores(scores, text) {
    const known = new Map(scores.words.map((word) => [word.start, word]));
    const same = commonLength(scores.text, text);
    return wordsOf(text).map(({ start, end }) => {
        const word = known.get(start);
        return { start, end, nats: end <= same && word?.end === end ? word.nats : null };
    });
}

/** The number of units at the beginning that two texts have in common. */
function commonLength(a, b) {
    let at = 0;
    while (at < a.length && at < b.length && a[at] === b[at]) {
        at += 1;
    }
    return at;
}

/** Gives typed words the probabilities that were found. */
function fillProbabilities(tree, words) {
    for (const { author, start, end, token } of tree.pieces()) {
        if (author !== "typed") {
            continue;
        }
        const own = words.filter((word) => word.start >= start && word.end <= end && word.nats !== null);
        if (own.length > 0) {
            token.probability = Math.exp(-own.reduce((sum, { nats }) => sum + nats, 0));
        }
    }
}
