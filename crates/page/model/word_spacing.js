// Joins words to text with typographic spacing: no space before a comma or inside brackets and quotes, document separators as
// paragraph breaks. Cleaning and splitting the text must give the same tokens again, so two tokens are joined without a space
// only if cleaning separates them.

import { isExtender, isPunctuation } from "./unicode.js";
import { NEWLINE } from "./words.js";

const LEFT = new Set([...",.;:!?)]}%”’»›…、。，！？」』》〉"]);
const RIGHT = new Set([..."([{“‘«‹「『《〈$£€₩¿¡"]);
const BOTH = new Set([..."-‐‑–—"]);
const SPACE = " ";

/** Which punctuation cleaning separates from its neighbours: the widest set of the rules, or null. */
function separatedSet(rules) {
    const sets = rules.filter(({ rule }) => rule === "space-punctuation").map(({ set }) => set);
    return ["unicode", "typographic", "keras"].find((set) => sets.includes(set)) ?? null;
}

/** Joins the tokens of one text. */
export class WordDetokenizer {
    /**
     * @param {{rule: string}[]} rules Those of the cleaner.
     * @param {string | null} separator The token between two documents.
     */
    constructor(rules, separator) {
        this.separator = separator;
        this.separated = separatedSet(rules);
        // What `replace` rules would match; it must not arise by attaching tokens.
        this.patterns = rules.filter(({ rule, from }) => rule === "replace" && !/\p{White_Space}/u.test(from)).map(({ from }) => from);
        this.longest = Math.max(0, ...this.patterns.map((pattern) => pattern.length));
        this.endDocument();
    }

    clone() {
        return Object.assign(Object.create(WordDetokenizer.prototype), this);
    }

    /** Forgets all tokens so far; the next one is written as the first of a text. */
    endDocument() {
        // The end of the output, without white space.
        this.tail = "";
        this.lastIsSeparated = false;
        this.lastAttachesRight = false;
        this.started = false;
        this.pendingBreak = false;
        this.afterWhiteSpace = false;
        this.atLineStart = true;
        this.closeQuotes();
        return "";
    }

    /** What `token` adds to the text. */
    push(token) {
        if (token === this.separator) {
            this.pendingBreak = this.started;
            this.closeQuotes();
            return "";
        }
        if (token === SPACE || token === NEWLINE) {
            return this.pushWhiteSpace(token);
        }
        const { left, right } = this.attachment(token);
        const separated = this.isSeparated(token);
        let before = "";
        if (!this.started || this.pendingBreak || this.afterWhiteSpace) {
            before = this.pendingBreak ? "\n\n" : "";
            this.tail = "";
        } else if (!((this.lastAttachesRight || left) && (separated || this.lastIsSeparated) && this.mayAttach(token))) {
            before = " ";
            this.tail = "";
        }
        this.started = true;
        this.pendingBreak = false;
        this.afterWhiteSpace = false;
        this.atLineStart = false;
        this.lastAttachesRight = right;
        this.lastIsSeparated = separated;
        this.tail = this.longest === 0 ? "" : (this.tail + token).slice(-this.longest);
        return before + token;
    }

    /** There is no pending text. */
    finish() {
        return "";
    }

    /** A token of white space has no spaces around it. */
    pushWhiteSpace(token) {
        const atLineStart = !this.started || this.atLineStart;
        if (this.pendingBreak || (token === SPACE && (atLineStart || this.afterWhiteSpace))) {
            return "";
        }
        if (token === NEWLINE && atLineStart) {
            this.closeQuotes();
        }
        this.started = true;
        this.afterWhiteSpace = true;
        this.atLineStart = token === NEWLINE;
        return token;
    }

    closeQuotes() {
        this.doubleQuoteOpen = false;
        this.singleQuoteOpen = false;
    }

    /** Whether `token` is a single character that cleaning separates from its neighbours. */
    isSeparated(token) {
        const [c, ...rest] = token;
        if (rest.length > 0 || this.separated === null || (c === "'" && this.separated !== "unicode")) {
            return false;
        }
        return this.separated === "keras" ? c < "\u0080" && isPunctuation(c) : isPunctuation(c);
    }

    /** Whether `token` does not modify the output before it, and no `replace` rule would match across the boundary. */
    mayAttach(token) {
        const [first] = token;
        if (isExtender(first)) {
            return false;
        }
        const before = this.tail.length;
        const joined = this.tail + token;
        return !this.patterns.some((pattern) => {
            for (let at = joined.indexOf(pattern); at >= 0 && at < before; at = joined.indexOf(pattern, at + pattern.length)) {
                if (at + pattern.length > before) {
                    return true;
                }
            }
            return false;
        });
    }

    /** The sides on which a token is written without a space. Straight quotes open and close alternately. */
    attachment(token) {
        if (token === '"') {
            this.doubleQuoteOpen = !this.doubleQuoteOpen;
            return { left: !this.doubleQuoteOpen, right: this.doubleQuoteOpen };
        }
        // If cleaning keeps apostrophes inside words, a separate one is a quote.
        if (token === "'" && this.separated === "unicode") {
            this.singleQuoteOpen = !this.singleQuoteOpen;
            return { left: !this.singleQuoteOpen, right: this.singleQuoteOpen };
        }
        return { left: LEFT.has(token) || BOTH.has(token), right: RIGHT.has(token) || BOTH.has(token) };
    }
}
