// Hangul syllables as jamo. Unicode composes a leading consonant and a vowel, and the result with a final consonant, in
// normalisation form C; form D divides them again.

/** The token between two jamo of the text that are not one syllable: the detokenizer removes it and does not compose them. */
export const JAMO_SEPARATOR = "<seam>";

const isLead = (c) => /^[\u1100-\u1112]$/.test(c);
const isVowel = (c) => /^[\u1161-\u1175]$/.test(c);
const isFinal = (c) => /^[\u11a8-\u11c2]$/.test(c);
const isSyllable = (c) => /^[\uac00-\ud7a3]$/.test(c);
const isOpenSyllable = (c) => isSyllable(c) && c.normalize("NFD").length === 2;

/** The syllable of `open`, a leading consonant or a syllable without a final one, and `c`; "" if they are not one. */
const join = (open, c) => ((isLead(open) && isVowel(c)) || (isOpenSyllable(open) && isFinal(c)) ? (open + c).normalize("NFC") : "");

/** Divides the characters of one text. */
export class Decomposer {
    constructor() {
        // What the next jamo would be composed with.
        this.open = "";
    }

    /** The tokens of a character: its jamo if it is a syllable, else itself, after a separator if it would be composed. */
    tokens(character) {
        if (isSyllable(character)) {
            const jamo = Array.from(character.normalize("NFD"));
            this.open = jamo.length === 2 ? character : "";
            return jamo;
        }
        const separated = join(this.open, character) !== "" ? [JAMO_SEPARATOR] : [];
        this.open = isLead(character) ? character : "";
        return [...separated, character];
    }
}

/** Composes the tokens of one text. */
export class Composer {
    constructor() {
        // The character that the next token may extend; not written yet.
        this.open = "";
    }

    clone() {
        return Object.assign(new Composer(), this);
    }

    /** The text that is determined by `token`. */
    push(token) {
        const joined = join(this.open, token);
        if (joined !== "") {
            const isComplete = isSyllable(this.open);
            this.open = isComplete ? "" : joined;
            return isComplete ? joined : "";
        }
        const before = this.finish();
        if (isLead(token)) {
            this.open = token;
            return before;
        }
        return token === JAMO_SEPARATOR ? before : before + token;
    }

    /** The pending character. */
    finish() {
        const pending = this.open;
        this.open = "";
        return pending;
    }
}
