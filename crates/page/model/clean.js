// The cleaning rules of a tokenizer, applied to a whole text: the rules of `text_prep::clean`.

import {
    WHITE_SPACE, ZERO_WIDTH_JOINER, isApostrophe, isExtender, isPunctuation, isSymbol, isWordCharacter, lowerCase,
    trimWhiteSpace,
} from "./unicode.js";

/** What a line end becomes where line ends are tokens. */
export const LINE_END = "\ufdd0";

/** By name, from a text and the values of the rule to the cleaned text. */
const RULES = {
    "prepend": (text, { text: before, times }) => before.repeat(times) + text,
    "lower-case": lowerCase,
    "replace": (text, { from, to, times }) => text.split(from).join(to.repeat(times)),
    "collapse-spaces": (text, { to }) => text.replace(/ {2,}/g, () => to),
    "trim": trimWhiteSpace,
    "trim-lines": (text) => text.split("\n").map(trimWhiteSpace).join("\n"),
    "keep-line-ends": keepLineEnds,
    "space-punctuation": (text, { set }) => (set === "keras" ? spaceKerasPunctuation(text) : spacePunctuation(text, set === "unicode")),
    "collapse-white-space": (text) => text.replace(severalSpaces, " "),
    "nfc": (text) => text.normalize("NFC"),
    "nfkc": (text) => text.normalize("NFKC"),
    "strip-punctuation": stripPunctuation,
    "digits-to-one": (text, { token }) => text.replace(/\p{Nd}+/gu, () => token),
};

const severalSpaces = new RegExp(`${WHITE_SPACE}{2,}`, "gu");
const spaceRun = new RegExp(`${WHITE_SPACE}+`, "gu");

/**
 * The cleaned text.
 *
 * @param {string} text
 * @param {{rule: string}[]} rules As in a configuration.
 */
export const clean = (text, rules) => rules.reduce((cleaned, rule) => RULES[rule.rule](cleaned, rule), text);

/** The rules for a part of a text, without those that only concern the ends of a whole text. */
export const rulesForPart = (rules) => rules.filter(({ rule }) => rule !== "prepend" && rule !== "trim");

/** Every line end becomes a word of its own, without the other white space around it. */
function keepLineEnds(text) {
    return text.replace(spaceRun, (run) => {
        const ends = run.split("\n").length - 1;
        return ends === 0 ? run : " " + `${LINE_END} `.repeat(ends);
    });
}

/** Spaces around ASCII punctuation without the apostrophe. */
const spaceKerasPunctuation = (text) => text.replace(/[!-&(-/:-@[-`{-~]/g, " $& ");

/**
 * Spaces around punctuation and symbols, but not around apostrophes inside words; modifiers stay with their symbol.
 *
 * @param {boolean} straight Whether the straight apostrophe is punctuation.
 */
function spacePunctuation(text, straight) {
    const counts = (c) => straight || c !== "'";
    let out = "";
    // The last character, unless it belongs to punctuation.
    let before = "";
    // An apostrophe, until the next character shows whether it is inside a word.
    let apostrophe = "";
    let needsSpace = false;
    let afterJoiner = false;
    const write = (c) => {
        out += ` ${c}`;
        needsSpace = true;
        afterJoiner = false;
        before = "";
    };
    for (const c of text) {
        if (apostrophe) {
            if (isWordCharacter(c)) {
                out += apostrophe;
            } else {
                write(apostrophe);
            }
            apostrophe = "";
        }
        if (needsSpace) {
            if (isExtender(c) || (afterJoiner && isSymbol(c))) {
                out += c;
                afterJoiner = c === ZERO_WIDTH_JOINER;
                continue;
            }
            out += " ";
            needsSpace = false;
        }
        if (isApostrophe(c) && counts(c) && isWordCharacter(before)) {
            apostrophe = c;
            before = "";
        } else if (isPunctuation(c) && counts(c)) {
            write(c);
        } else {
            out += c;
            before = c;
        }
    }
    if (apostrophe) {
        write(apostrophe);
    }
    return needsSpace ? `${out} ` : out;
}

/** Without punctuation and symbols; between word characters they become one space. Apostrophes inside words are kept. */
function stripPunctuation(text) {
    let out = "";
    // The last character that was kept, and what was removed since then: "", an apostrophe, or something else.
    let before = "";
    let gap = "";
    for (const c of text) {
        if (isPunctuation(c)) {
            gap = gap === "" && isWordCharacter(before) && isApostrophe(c) ? c : "removed";
            continue;
        }
        if (gap === "removed" && isExtender(c)) {
            continue;
        }
        if (gap !== "" && gap !== "removed" && isWordCharacter(c)) {
            out += gap;
        } else if (gap !== "" && isWordCharacter(c) && isWordCharacter(before)) {
            out += " ";
        }
        gap = "";
        out += c;
        before = c;
    }
    return out;
}
