// Whether a typed word needs a space before it. No DOM.

/** Letters of scripts that are written without spaces between words. */
const WITHOUT_SPACES = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

/**
 * Whether a space belongs between `text` and `typed`, as between two words: not at the beginning, after white space or an opening
 * mark, before a comma or another closing mark, or in a script without spaces.
 */
export function needsSpace(text, typed) {
    const last = [...text].at(-1);
    const first = [...typed][0];
    if (last === undefined || first === undefined || /\s/u.test(last) || /\s/u.test(first)) {
        return false;
    }
    if (WITHOUT_SPACES.test(last) || WITHOUT_SPACES.test(first)) {
        return false;
    }
    return !/[\p{Ps}\p{Pi}\p{Pd}¿¡]/u.test(last) && !/^[.,;:!?%…،؛؟।\p{Pe}\p{Pf}]/u.test(first);
}

/** What a token adds to `text`: at the beginning it has no space before it. */
export function joinedText(text, added) {
    return text === "" && added.trim() !== "" ? added.trimStart() : added;
}

/** A typed text as tokens of a step: one for each word, with the white space before it. Their probabilities are not known yet. */
export function typedTokens(text) {
    const parts = text.match(/\s*\S+|\s+$/gu) ?? [];
    return parts.map((part) => ({ text: part, replaces: 0, probability: null }));
}
