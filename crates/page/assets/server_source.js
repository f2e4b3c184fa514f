// A source of text that asks the server for one of its models. No DOM.

import { SourceError } from "./source.js";
import { allowedTokens } from "./sampling_filters.js";
import { readEvents } from "./sse.js";

/** The tokens that are asked for, so that the filters see nearly the whole distribution. */
const LISTED_TOKENS = 1000;

/** A model of the server: see source.js for the methods. */
export class ServerSource {
    /**
     * `model` is an entry of `models` in the answer of `/api/models`; `blend` the other source that it is blended with and
     * the share of `model`, and `label` that of the texts, or null.
     */
    constructor(api, model, { blend = null, label = null } = {}) {
        Object.assign(this, { api, model, blend, label });
    }

    async info() {
        return this.currentInfo();
    }

    adapted({ blend, label }) {
        const source = new ServerSource(this.api, this.model, { blend, label });
        return { source, info: source.currentInfo() };
    }

    currentInfo() {
        const { unit, max_tokens, no_training_text, labels, blends_with } = this.model;
        const models = [this.model, ...(this.blend === null ? [] : [this.blend.source.model])];
        return {
            name: this.modelName(),
            unit,
            hash: models.map(({ sha256 }) => sha256).join(", "),
            labels: labels ?? [],
            label: this.label,
            blendsWith: blends_with ?? [],
            maxTokens: max_tokens,
            noCopied: no_training_text,
            noCopyLimit: no_training_text,
            noTyping:
                unit === "subword"
                    ? null
                    : `${unit}s that are not in the vocabulary are read as an unknown one, left out or rejected, as in training`,
        };
    }

    /** The name by which the server is asked for the model or the blend. */
    modelName() {
        if (this.blend === null) {
            return this.model.name;
        }
        const { source, share } = this.blend;
        const weight = (part) => Number(part.toFixed(4));
        return `blend:${this.model.name}=${weight(share)},${source.model.name}=${weight(1 - share)}`;
    }

    /** What each request about probabilities says. */
    modelFields() {
        return { model: this.modelName(), ...(this.label === null ? {} : { label: this.label }) };
    }

    async next({ text, count, sampling, signal }) {
        const body = { ...this.modelFields(), text, k: Math.max(count, LISTED_TOKENS), ...this.copyLimit(sampling) };
        const { next } = await this.api.post("/api/next", body, signal);
        const isTooLong = next.map((token) => token.is_allowed === false);
        // Where every token that can come next would make a copy too long, the program copies one.
        const isWhole = next.length < body.k;
        const isExcluded = isWhole && !isTooLong.includes(false) ? [] : isTooLong;
        const isAllowed = allowedTokens(
            next.map(({ probability }) => probability),
            sampling,
            isExcluded,
        );
        return next.slice(0, count).map((token, at) => ({
            text: token.text,
            replaces: unitsAtEnd(text, token.replaces),
            probability: token.probability,
            isAllowed: isAllowed[at],
            isCopied: token.is_copied === true,
            isEnd: token.is_end,
        }));
    }

    async generate({ text, maxTokens, seed, sampling, signal }, onPiece) {
        const { temperature, topP, minP } = sampling;
        const body = {
            ...this.modelFields(),
            prompt: text,
            max_tokens: maxTokens,
            seed,
            temperature,
            top_p: topP,
            ...(minP > 0 ? { min_p: minP } : {}),
            stream: true,
            logprobs: 0,
            ...this.copyLimit(sampling),
        };
        const response = await this.api.open("/v1/completions", { body, signal });
        let logProb = null;
        for await (const { data } of readEvents(response.body)) {
            if (data === "[DONE]") {
                break;
            }
            const part = JSON.parse(data);
            if (part.error) {
                throw new SourceError(part.error.message, part.error.code ?? "");
            }
            const [choice] = part.choices;
            for (const value of choice.logprobs?.token_logprobs ?? []) {
                logProb = (logProb ?? 0) + value;
            }
            // Tokens that write nothing yet count for the next piece.
            if (choice.text !== "") {
                onPiece({ text: choice.text, logProb });
                logProb = null;
            }
            if (choice.finish_reason !== null) {
                return { seed: part.seed, isComplete: choice.finish_reason === "stop" };
            }
        }
        throw new SourceError("the server has ended the text early: try again", "ended");
    }

    async read({ text, signal }) {
        const body = { ...this.modelFields(), prompt: text, echo: true, max_tokens: 0, logprobs: 0 };
        const { choices } = await this.api.post("/v1/completions", body, signal);
        const { text: read, tokens: names, text_offset: starts, token_logprobs: logProbs } = choices[0].logprobs;
        const units = unitsOfCharacters(read);
        const tokens = starts.map((start, at) => ({
            start: units[start],
            end: units[starts[at + 1] ?? units.length - 1],
            logProb: logProbs[at],
        }));
        return { text: read, tokens: tokens.slice(paddingLength(tokens, names)) };
    }

    async copied({ text, minTokens, signal }) {
        const body = { model: this.model.name, text, shortest: minTokens };
        const { text: read, runs } = await this.api.post("/api/trace", body, signal);
        const units = unitsOfCharacters(read);
        const passages = runs.map(({ start, end, tokens, source: { before, text: copied, after } }) => ({
            start: units[start],
            end: units[end],
            tokens,
            passage: { before, text: copied, after },
        }));
        return { text: read, passages };
    }

    copyLimit({ maxCopied }) {
        return maxCopied > 0 ? { max_copied: maxCopied } : {};
    }
}

/** The number of equal tokens that write nothing, with which a model pads a short text at its beginning. */
function paddingLength(tokens, names) {
    const end = tokens.findIndex((token, at) => token.end > token.start || names[at] !== names[0]);
    return end > 1 ? end : 0;
}

/** Where each character (code point) of a text begins in UTF-16 units, and at the end the length of the text. */
export function unitsOfCharacters(text) {
    const units = [];
    let at = 0;
    for (const character of text) {
        units.push(at);
        at += character.length;
    }
    units.push(at);
    return units;
}

/** The UTF-16 units of the last `count` characters of a text. */
export function unitsAtEnd(text, count) {
    const units = unitsOfCharacters(text);
    return text.length - units[Math.max(0, units.length - 1 - count)];
}
