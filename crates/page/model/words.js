// Word tokens: text between white space.

import { LINE_END } from "./clean.js";
import { EXTENDER, PUNCTUATION, WHITE_SPACE, lowerCase } from "./unicode.js";

/** The token of a line end. */
export const NEWLINE = "\n";

const spaces = new RegExp(`${WHITE_SPACE}+`, "u");
const startPunctuation = new RegExp(`^(?:${PUNCTUATION}|${EXTENDER})+`, "u");
const endPunctuation = new RegExp(`${PUNCTUATION}+$`, "u");
const endExtenders = new RegExp(`${EXTENDER}+$`, "u");

/**
 * The tokens of a cleaned text.
 *
 * @param {string} text
 * @param {{punctuation?: "keep" | "remove", lower_case?: boolean}} options
 */
export function wordTokens(text, { punctuation, lower_case: isLowerCase }) {
    const tokens = text.split(spaces).filter((word) => word !== "").map((word) => {
        if (word === LINE_END) {
            return NEWLINE;
        }
        const bare = punctuation === "remove" ? trimPunctuation(word) : word;
        return isLowerCase ? lowerCase(bare).normalize("NFC") : bare;
    });
    return tokens.filter((token) => token !== "");
}

/** The word without punctuation and its modifiers at both ends. A combining mark after a letter is kept. */
function trimPunctuation(text) {
    let word = text.replace(startPunctuation, "");
    for (;;) {
        const bare = word.replace(endExtenders, "");
        const trimmed = bare.replace(endPunctuation, "");
        if (trimmed === bare) {
            return word;
        }
        word = trimmed;
    }
}
