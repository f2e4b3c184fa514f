// Character tokens: Unicode scalar values, with options for capitals and Hangul syllables.

import { Composer, Decomposer } from "./hangul.js";
import { lowerCase } from "./unicode.js";

/** The token that capitalizes the letter after it. */
export const SHIFT = "<shift>";

const ofOneCharacter = (text) => (Array.from(text).length === 1 ? text : "");

/** The lower-case letter of a capital, if upper-casing that letter gives the capital again; else "". */
function lowerOf(capital) {
    const lower = ofOneCharacter(capital.toLowerCase());
    return lower !== capital && ofOneCharacter(lower.toUpperCase()) === capital ? lower : "";
}

/** The capital whose lower-case letter is `c`; else "". */
function capitalOf(c) {
    const capital = ofOneCharacter(c.toUpperCase());
    return capital !== "" && lowerOf(capital) === c ? capital : "";
}

/**
 * The tokens of a cleaned text.
 *
 * @param {string} text
 * @param {{capitals?: "keep" | "lower" | "shift", jamo?: boolean}} options
 */
export function characterTokens(text, { capitals, jamo }) {
    const cased = capitals === "lower" ? lowerCase(text) : text;
    const decomposer = new Decomposer();
    return Array.from(cased).flatMap((character) => {
        const lower = capitals === "shift" ? lowerOf(character) : "";
        const bare = lower === "" ? character : lower;
        const tokens = jamo ? decomposer.tokens(bare) : [bare];
        return lower === "" ? tokens : [SHIFT, ...tokens];
    });
}

/** Joins the tokens of one text. */
export class CharacterDetokenizer {
    constructor({ capitals, jamo }) {
        this.hasShift = capitals === "shift";
        // Whether the last token was SHIFT.
        this.isShifted = false;
        this.composer = jamo ? new Composer() : null;
    }

    clone() {
        const copy = Object.assign(Object.create(CharacterDetokenizer.prototype), this);
        copy.composer = this.composer?.clone() ?? null;
        return copy;
    }

    /** What `token` adds to the text that is determined. */
    push(token) {
        if (!this.hasShift) {
            return this.compose(token);
        }
        const isShifted = this.isShifted;
        this.isShifted = token === SHIFT;
        if (this.isShifted) {
            return this.composer === null ? "" : this.composer.finish();
        }
        const [first] = token;
        const capital = isShifted ? capitalOf(first) : "";
        return this.compose(capital === "" ? token : capital + token.slice(first.length));
    }

    compose(text) {
        return this.composer === null ? text : this.composer.push(text);
    }

    /** The pending text. */
    finish() {
        return this.composer === null ? "" : this.composer.finish();
    }

    /** Ends a document: returns the pending text, and forgets a pending SHIFT. */
    endDocument() {
        this.isShifted = false;
        return this.finish();
    }
}
