// From text to ids and back: the cleaner, the division into tokens and the vocabulary of a model, as in the crate `text-prep`.

import { CharacterDetokenizer, characterTokens } from "./characters.js";
import { clean, rulesForPart } from "./clean.js";
import { Merges, SubwordDetokenizer, preTokens } from "./subwords.js";
import { WordDetokenizer } from "./word_spacing.js";
import { wordTokens } from "./words.js";

/** The id of padding. */
const PADDING = 0;

/**
 * A tokenizer as the program writes it into a page.
 *
 * @typedef {object} StoredTokenizer
 * @property {{rule: string}[]} cleaner The cleaning rules.
 * @property {{kind: "words" | "characters" | "subwords"}} splitter How a cleaned text is divided, with its options.
 * @property {string | null} separator The token between two documents of a running text.
 * @property {boolean} unknown Whether there is an unknown token.
 * @property {boolean} document Whether there is a document token.
 * @property {string[]} tokens Those that are not reserved, in the order of their ids.
 * @property {number[]} counts How often each token occurs in the training text; for subwords.
 * @property {number[]} merges The merges of subwords: left, right, left, right, ..., numbered as `tokens`.
 * @property {number[]} special The subwords that no text is encoded to, numbered as `tokens`.
 * @property {number[]} start The ids that an empty text begins with.
 * @property {number} window The number of ids in a training window.
 */

/** A tokenizer. */
export class Tokenizer {
    /** @param {StoredTokenizer} stored */
    constructor(stored) {
        const { cleaner, splitter, separator, unknown, document, tokens, special } = stored;
        this.stored = stored;
        this.rules = cleaner;
        this.rulesOfPart = rulesForPart(cleaner);
        this.unknownId = unknown ? 1 : null;
        this.documentId = document ? 1 + Number(unknown) : null;
        this.first = 1 + Number(unknown) + Number(document);
        const isSpecial = new Set(special);
        const known = tokens.map((token, index) => [token, index]);
        this.indices = new Map(known.filter(([, index]) => !isSpecial.has(index)));
        this.merges = splitter.kind === "subwords" ? new Merges(this.indices, stored.merges, tokens) : null;
        this.separatorId = separator !== null && this.indices.has(separator) ? this.first + this.indices.get(separator) : null;
        this.vocabularySize = this.first + tokens.length;
        this.neverSampled = [PADDING, ...(unknown ? [this.unknownId] : []), ...special.map((index) => this.first + index)];
    }

    /** "word", "subword" or "character". */
    get unit() {
        return this.stored.splitter.kind.replace(/s$/, "");
    }

    /** What a text has for an id: nothing for padding and the document token. */
    written(id) {
        if (id === PADDING || id === this.documentId) {
            return "";
        }
        return id === this.unknownId ? "<unknown>" : (this.stored.tokens[id - this.first] ?? "");
    }

    /**
     * The ids of a text, and its tokens that are not in the vocabulary. They become the unknown token, or are left out if there
     * is none.
     *
     * @returns {{ids: number[], unknown: string[]}}
     */
    encode(text, rules = this.rules) {
        const cleaned = clean(text.isWellFormed?.() === false ? text.toWellFormed() : text, rules);
        const ids = [];
        const unknown = [];
        for (const token of this.divide(cleaned)) {
            if (this.merges !== null) {
                ids.push(...this.merges.encode(token).map((index) => this.first + index));
            } else if (this.indices.has(token)) {
                ids.push(this.first + this.indices.get(token));
            } else {
                unknown.push(token);
                ids.push(...(this.unknownId === null ? [] : [this.unknownId]));
            }
        }
        return { ids, unknown };
    }

    divide(cleaned) {
        const { splitter } = this.stored;
        if (this.merges !== null) {
            return preTokens(cleaned);
        }
        return splitter.kind === "words" ? wordTokens(cleaned, splitter) : characterTokens(cleaned, splitter);
    }

    /**
     * The ids of a text from its beginning: first the document token, document separators, or the line ends before a paragraph. In a
     * text without tokens, those that an empty text begins with.
     *
     * @returns {{ids: number[], before: number, unknown: string[]}} `before` is the number of ids that come first.
     */
    encodeBeginning(text) {
        const { start, window } = this.stored;
        const lineEnd = this.documentId === null && this.separatorId === null ? this.lineEnd() : null;
        const { ids, unknown } = this.encode(lineEnd === null ? text : this.asParagraph(text));
        let before = [];
        if (this.documentId !== null) {
            before = [this.documentId];
        } else if (this.separatorId !== null) {
            const missing = ids[0] === this.separatorId ? 0 : Math.max(0, window - ids.length);
            before = new Array(missing).fill(this.separatorId);
        } else if (lineEnd !== null && ids[0] !== lineEnd) {
            before = [lineEnd, lineEnd];
        }
        const all = [...before, ...ids];
        if (all.length === 0) {
            return { ids: start, before: start.length, unknown };
        }
        // The cleaning rules may have put separators before the text, too.
        const isText = (id, at) => at >= before.length && id !== this.separatorId;
        const first = all.findIndex(isText);
        return { ids: all, before: first < 0 ? all.length : first, unknown };
    }

    /** The id of a line end in a vocabulary of subwords, if the training text has line ends. */
    lineEnd() {
        const index = this.merges?.encode("\n").at(-1) ?? null;
        return index !== null && this.stored.counts[index] > 0 ? this.first + index : null;
    }

    /**
     * A text as the beginning of a paragraph of subwords: without a single space before it. A word in lower case seldom begins a
     * paragraph: it gets a space if it then has fewer tokens, or as many of which the first is more frequent.
     */
    asParagraph(text) {
        const bare = text.startsWith(" ") ? text.slice(1) : text;
        if (bare === "" || /^\p{White_Space}/u.test(bare)) {
            return text;
        }
        if (!/^\p{Lowercase}/u.test(bare)) {
            return bare;
        }
        const [word] = /^\p{Alphabetic}*/u.exec(bare);
        const [inside, atStart] = [word, ` ${word}`].map((form) => this.merges.encode(form));
        const countOf = ([index]) => (index === undefined ? 0 : this.stored.counts[index]);
        const isBetter =
            atStart.length < inside.length || (atStart.length === inside.length && countOf(atStart) > countOf(inside));
        return isBetter ? ` ${bare}` : bare;
    }

    /** A detokenizer, which joins the tokens of one text. */
    detokenizer() {
        const { splitter, separator } = this.stored;
        if (this.merges !== null) {
            return new SubwordDetokenizer();
        }
        return splitter.kind === "words" ? new WordDetokenizer(this.rules, separator) : new CharacterDetokenizer(splitter);
    }

    /** What `id` adds to the text of a detokenizer. */
    push(detokenizer, id) {
        if (id === this.documentId) {
            return detokenizer.endDocument();
        }
        const token = this.written(id);
        return token === "" ? "" : detokenizer.push(token);
    }

    /** The text of ids. */
    decode(ids) {
        const detokenizer = this.detokenizer();
        return ids.map((id) => this.push(detokenizer, id)).join("") + detokenizer.finish();
    }
}
