// Classes of characters and lower case, with the definitions of the crate `text-prep`. A character is a string of one code point.
// The classes are those of the browser's version of Unicode.

/** U+200D connects the symbols of a composed emoji. */
export const ZERO_WIDTH_JOINER = "\u200d";

/** White space as in Python's `str.isspace`, as a part of a regular expression. */
export const WHITE_SPACE = "[\\p{White_Space}\\u001c-\\u001f]";

/** Combining marks, variation selectors, joiners and skin tones, which stay with the symbol before them. */
export const EXTENDER = "[\\p{M}\\u200d\\u{1f3fb}-\\u{1f3ff}]";

/** Punctuation and symbols. */
export const PUNCTUATION = "[\\p{P}\\p{S}]";

const whiteSpace = new RegExp(`^${WHITE_SPACE}$`, "u");
const extender = new RegExp(`^${EXTENDER}$`, "u");
const punctuation = new RegExp(`^${PUNCTUATION}$`, "u");
const symbol = /^\p{S}$/u;
const alphanumeric = /^[\p{Alphabetic}\p{N}\p{M}]$/u;

export const isWhiteSpace = (c) => whiteSpace.test(c);
export const isExtender = (c) => extender.test(c);
export const isPunctuation = (c) => punctuation.test(c);
export const isSymbol = (c) => symbol.test(c);
export const isApostrophe = (c) => c === "'" || c === "’";

/** A letter, a digit or a combining mark. */
export const isWordCharacter = (c) => alphanumeric.test(c) && !punctuation.test(c);

/** The text in lower case, character by character: Σ becomes σ even at the end of a word. */
export const lowerCase = (text) => Array.from(text, (c) => c.toLowerCase()).join("");

/** The text without white space at its ends. */
export const trimWhiteSpace = (text) => text.replace(startSpace, "").replace(endSpace, "");

const startSpace = new RegExp(`^${WHITE_SPACE}+`, "u");
const endSpace = new RegExp(`${WHITE_SPACE}+$`, "u");
