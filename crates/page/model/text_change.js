// What a token changes at the end of a text as people see it.

/** Whether a unit is the first half of a character of two. */
const isFirstHalf = (unit) => unit >= 0xd800 && unit < 0xdc00;

/** The length of what two texts begin with, in whole characters. */
function commonLength(a, b) {
    let length = 0;
    while (length < a.length && a[length] === b[length]) {
        length++;
    }
    return length > 0 && length < a.length && isFirstHalf(a.charCodeAt(length - 1)) ? length - 1 : length;
}

/** The text without spaces at its end: they belong to the next word. Characters are taken as they are. */
export const withoutLastSpaces = (text, unit) => (unit === "character" ? text : text.replace(/ +$/, ""));

/** The end of a text that has been encoded. */
export class TextEnd {
    /**
     * @param {import("./tokenizer.js").Tokenizer} tokenizer
     * @param {number[]} ids Those of `text` without the spaces at its end.
     * @param {string} text
     */
    constructor(tokenizer, ids, text) {
        this.tokenizer = tokenizer;
        this.detokenizer = tokenizer.detokenizer();
        this.begun = ids.map((id) => tokenizer.push(this.detokenizer, id)).join("");
        // The text of the ids, to which a token may add, or whose end it may change.
        this.shown = this.begun + this.detokenizer.clone().finish();
        const bare = withoutLastSpaces(text, tokenizer.unit);
        this.isEmpty = bare === "";
        this.spaces = text.length - bare.length;
        this.endsInSpace = this.spaces > 0 || (tokenizer.unit === "word" && /\s$/u.test(text));
    }

    /**
     * What the token adds, and the units at the end of the text in whose place it comes; null if it ends within a character.
     *
     * @returns {{text: string, replaces: number} | null}
     */
    change(id) {
        const detokenizer = this.detokenizer.clone();
        const certain = this.begun + this.tokenizer.push(detokenizer, id);
        const whole = certain + detokenizer.finish();
        if (whole.endsWith("\ufffd")) {
            return null;
        }
        const kept = commonLength(this.shown, whole);
        const added = whole.slice(kept);
        if (this.isEmpty) {
            return { text: added.trimStart(), replaces: 0 };
        }
        if (this.endsInSpace && added.startsWith(" ")) {
            return { text: added.slice(1), replaces: Math.max(0, this.spaces - 1) };
        }
        return { text: added, replaces: this.shown.length - kept + this.spaces };
    }

    /** Writes on after the text, which stays as it is: a function from an id to what it adds, and one for the end. */
    writer() {
        const detokenizer = this.detokenizer.clone();
        detokenizer.finish();
        let isFirst = true;
        const push = (id) => {
            const piece = this.tokenizer.push(detokenizer, id);
            if (!isFirst || piece === "") {
                return piece;
            }
            const bare = this.isEmpty ? piece.trimStart() : this.endsInSpace ? piece.replace(/^ /, "") : piece;
            isFirst = bare === "";
            return bare;
        };
        return { push, finish: () => detokenizer.finish() };
    }
}

/**
 * The text of ids after the first ones, and where each token stands in it.
 *
 * @param {import("./tokenizer.js").Tokenizer} tokenizer
 * @param {number[]} ids
 * @param {number} before The number of ids that come before the text.
 * @returns {{text: string, ranges: {start: number, end: number}[]}}
 */
export function textOfIds(tokenizer, ids, before) {
    const detokenizer = tokenizer.detokenizer();
    ids.slice(0, before).forEach((id) => tokenizer.push(detokenizer, id));
    detokenizer.finish();
    let text = "";
    const ranges = ids.slice(before).map((id) => {
        const start = text.length;
        text += tokenizer.push(detokenizer, id);
        return { start, end: text.length };
    });
    text += detokenizer.finish();
    if (ranges.length > 0) {
        ranges.at(-1).end = text.length;
    }
    return { text, ranges };
}
