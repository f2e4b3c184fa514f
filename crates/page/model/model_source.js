// A source of text that is a model inside the page: see source.js for the methods.

import { SourceError } from "../assets/source.js";
import { ModelReader, pause } from "./reader.js";
import { draw, randomNumbers, sampleWeights } from "./sampling.js";
import { TextEnd, textOfIds, withoutLastSpaces } from "./text_change.js";

/** The most tokens of one call of `generate`. */
const MAX_TOKENS = 1000;
/** The tokens after which the next one counts as a copy if it follows them in the training text. */
const COPIED_TOKENS = 4;
/** The tokens of the training text that are shown on each side of a copied passage. */
const AROUND = 12;

const NO_TEXT = "this page does not contain the training text";

/** A model of the page. */
export class ModelSource {
    /**
     * @param {object} model
     * @param {import("./network.js").Network} model.network
     * @param {import("./tokenizer.js").Tokenizer} model.tokenizer
     * @param {import("./training_text.js").TrainingText | null} model.trainingText
     * @param {{name: string, hash: string, window: number | null, config: {labels?: string[]}}} model.about
     * @param {string | null} label The label of the texts, one of those in `about`; null is none.
     */
    constructor(model, label = null) {
        const { network, tokenizer, trainingText, about } = model;
        Object.assign(this, { model, tokenizer, trainingText, about, label });
        this.labels = about.config.labels ?? [];
        // The network numbers the labels from 1; 0 is none.
        const number = this.labels.indexOf(label) + 1;
        this.reader = new ModelReader({ network, tokenizer, window: about.window, label: number });
    }

    async info() {
        return this.currentInfo();
    }

    currentInfo() {
        const { name, hash } = this.about;
        const { unit, unknownId } = this.tokenizer;
        const noCopied = this.trainingText === null ? NO_TEXT : null;
        const fate = unknownId === null ? "cannot be typed" : "count as an unknown one";
        const noTyping = unit === "subword" ? null : `${unit}s that are not in the vocabulary ${fate}`;
        const { labels, label } = this;
        return {
            name,
            unit,
            hash,
            labels,
            label,
            blendsWith: [],
            maxTokens: MAX_TOKENS,
            noCopied,
            noCopyLimit: noCopied,
            noTyping,
        };
    }

    adapted({ blend, label }) {
        if (blend !== null) {
            throw new SourceError("this page has only one model, so there is nothing to blend it with", "not_adaptable");
        }
        if (label !== null && !this.labels.includes(label)) {
            throw new SourceError(`the model has no label "${label}"`, "not_adaptable");
        }
        const source = new ModelSource(this.model, label);
        return { source, info: source.currentInfo() };
    }

    async next({ text, count, sampling, signal }) {
        const { documentId, unit } = this.tokenizer;
        const { ids, before } = this.encode(withoutLastSpaces(text, unit));
        const written = ids.slice(before);
        const logProbs = await this.reader.next(ids, signal);
        const weights = sampleWeights(without(logProbs, this.tooLong(written, sampling)), sampling);
        const copied = this.trainingText?.continuations(written, COPIED_TOKENS) ?? new Set();
        const end = new TextEnd(this.tokenizer, ids, text);
        const choices = [];
        for (const id of likeliest(logProbs)) {
            const isEnd = id === documentId;
            const change = isEnd ? { text: "", replaces: 0 } : end.change(id);
            if (choices.length === count) {
                break;
            }
            // A part of a character, or a token that writes nothing, cannot be chosen.
            if (change !== null && (isEnd || change.text !== "")) {
                choices.push({
                    ...change,
                    probability: Math.exp(logProbs[id]),
                    isAllowed: weights[id] > 0,
                    isCopied: copied.has(id),
                    isEnd,
                });
            }
        }
        return choices;
    }

    async generate({ text, maxTokens, seed, sampling, signal }, onPiece) {
        const { documentId, separatorId, unit } = this.tokenizer;
        const encoded = this.encode(withoutLastSpaces(text, unit));
        const ids = [...encoded.ids];
        const writer = new TextEnd(this.tokenizer, ids, text).writer();
        const random = randomNumbers(seed);
        let logProb = null;
        let isComplete = false;
        for (let written = 0; written < maxTokens && !isComplete; written++) {
            const logProbs = await this.reader.next(ids, signal);
            // A text does not begin with a document separator.
            const excluded = [
                ...this.tooLong(ids.slice(encoded.before), sampling),
                ...(written === 0 && separatorId !== null ? [separatorId] : []),
            ];
            const id = draw(sampleWeights(without(logProbs, excluded), sampling), random());
            isComplete = id === documentId;
            ids.push(id);
            if (!isComplete) {
                logProb = (logProb ?? 0) + logProbs[id];
                const piece = writer.push(id);
                if (piece !== "") {
                    onPiece({ text: piece, logProb });
                    logProb = null;
                }
            }
        }
        const rest = writer.finish();
        if (rest !== "") {
            onPiece({ text: rest, logProb });
        }
        return { seed, isComplete };
    }

    async read({ text, signal }) {
        if (text === "") {
            return { text, tokens: [] };
        }
        const { ids, before } = this.tokenizer.encodeBeginning(text);
        const read = textOfIds(this.tokenizer, ids, before);
        const scores = await this.reader.scores(ids, before, signal);
        return { text: read.text, tokens: read.ranges.map((range, at) => ({ ...range, logProb: scores[at] })) };
    }

    async copied({ text, minTokens, signal }) {
        if (this.trainingText === null) {
            throw new SourceError(NO_TEXT, "no_training_text");
        }
        await pause(signal);
        const { ids, before } = this.tokenizer.encodeBeginning(text);
        const { text: read, ranges } = textOfIds(this.tokenizer, ids, before);
        const copies = this.trainingText.copies(ids.slice(before), minTokens);
        const passages = copies.map(({ start, length, inText }) => ({
            start: ranges[start].start,
            end: ranges[start + length - 1].end,
            tokens: length,
            passage: this.passage(inText, length),
        }));
        return { text: read, passages: passages.filter(({ start, end }) => start < end) };
    }

    /** The ids of a text, which has no unknown tokens in a model without an unknown token. */
    encode(text) {
        const { unit, unknownId } = this.tokenizer;
        const encoded = this.tokenizer.encodeBeginning(text);
        if (encoded.unknown.length > 0 && unknownId === null) {
            throw new SourceError(
                `"${encoded.unknown[0]}" is not in the vocabulary of the model: use another ${unit}`,
                "unknown_token",
            );
        }
        return encoded;
    }

    /**
     * The ids with which a copied passage would be longer than the options allow. `written` are the ids of the text
     * without those before it.
     */
    tooLong(written, { maxCopied = 0 }) {
        return maxCopied > 0 ? [...(this.trainingText?.continuations(written, maxCopied) ?? [])] : [];
    }

    /** A passage of the training text with what stands around it. */
    passage(at, length) {
        const from = Math.max(0, at - AROUND);
        const { text, ranges } = textOfIds(
            this.tokenizer,
            [...this.trainingText.ids.subarray(from, at + length + AROUND)],
            0,
        );
        const [start, end] = [ranges[at - from].start, ranges[at - from + length - 1].end];
        return { before: text.slice(0, start), text: text.slice(start, end), after: text.slice(end) };
    }
}

/** The log-probabilities without some ids, unless no other is left. */
function without(logProbs, ids) {
    const left = logProbs.slice();
    ids.forEach((id) => {
        left[id] = -Infinity;
    });
    return left.some((logProb) => logProb > -Infinity) ? left : logProbs;
}

/** The possible ids, the likeliest first, of equals the smaller one. */
function likeliest(logProbs) {
    const ids = Array.from(logProbs.keys()).filter((id) => logProbs[id] > -Infinity);
    return ids.sort((a, b) => logProbs[b] - logProbs[a] || a - b);
}
