// Words of a text, the tokens of a model that belong to them, and their surprise. No DOM.

/** The surprise in nats from which each level begins, as in the terminal; level 0 is below the first one. */
export const SURPRISE_LEVELS = [1, 2, 4, 6, 8];

/** How far after its expected place a token is looked for in the draft, in UTF-16 units. */
const LOOK_AHEAD = 80;

/** The level of a surprise in nats, from 0 to 5; 0 if it is not known. */
export function surpriseLevel(nats) {
    return nats === null ? 0 : SURPRISE_LEVELS.filter((from) => nats >= from).length;
}

/** The words of a text and its marks, such as commas: `[{start, end}]`, without white space. */
export function wordsOf(text) {
    const words = [];
    if (typeof Intl !== "undefined" && Intl.Segmenter) {
        for (const { segment, index } of new Intl.Segmenter(undefined, { granularity: "word" }).segment(text)) {
            if (segment.trim() !== "") {
                words.push({ start: index, end: index + segment.length });
            }
        }
        return words;
    }
    for (const match of text.matchAll(/[\p{L}\p{M}\p{N}]+(?:['’][\p{L}\p{M}]+)*|[^\s\p{L}\p{M}\p{N}]/gu)) {
        words.push({ start: match.index, end: match.index + match[0].length });
    }
    return words;
}

/**
 * Where in `draft` the tokens of a text stand that was read from it: `[{start, end, logProb}]`. The text of the tokens may have
 * other spaces and capitals, and "<unknown>" for words that the model does not know; such a token gets what stands between its
 * neighbours, or its word if there are as many words as tokens.
 *
 * @param {string} draft
 * @param {{text: string, tokens: {start: number, end: number, logProb: number | null}[]}} read
 */
export function alignTokens(draft, read) {
    const { folded, starts } = foldForSearch(draft);
    const aligned = [];
    let at = 0;
    let pending = [];
    const settle = (end) => {
        const range = trimmedRange(draft, starts[at], starts[end]);
        const words = pending.length > 1 ? wordsOf(draft.slice(range.start, range.end)) : [];
        pending.forEach((logProb, number) => {
            const { start, end: wordEnd } = words.length === pending.length ? words[number] : { start: 0, end: range.end - range.start };
            aligned.push({ start: range.start + start, end: range.start + wordEnd, logProb });
        });
        pending = [];
    };
    for (const { start, end, logProb } of read.tokens) {
        const token = foldForSearch(read.text.slice(start, end)).folded;
        const beginsWord = start === 0 || /\s/u.test(read.text[start - 1] + read.text[start]);
        const found = token === "" ? -1 : findToken(draft, folded, starts, token, at, beginsWord);
        if (found < 0) {
            pending.push(logProb);
            continue;
        }
        settle(found);
        aligned.push({ start: starts[found], end: starts[found + token.length - 1] + 1, logProb });
        at = found + token.length;
    }
    settle(folded.length);
    return aligned;
}

/**
 * Where in `draft` the passages of a text stand that was read from it, as `alignTokens`: each passage with its own `start` and `end`.
 * Their words are known to the model, so that all of a passage is in the draft.
 *
 * @param {string} draft
 * @param {{text: string, passages: {start: number, end: number}[]}} read
 */
export function alignPassages(draft, read) {
    const { folded, starts } = foldForSearch(draft);
    const aligned = [];
    let at = 0;
    for (const passage of read.passages) {
        const wanted = foldForSearch(read.text.slice(passage.start, passage.end)).folded;
        const found = wanted === "" ? -1 : folded.indexOf(wanted, at);
        if (found >= 0) {
            at = found + wanted.length;
            aligned.push({ ...passage, start: starts[found], end: starts[at - 1] + 1 });
        }
    }
    return aligned;
}

/** Where a token stands in the folded draft from `at` on, within reach; −1 if nowhere. The beginning of a word is found as one. */
function findToken(draft, folded, starts, token, at, beginsWord) {
    const reach = folded.slice(at, at + LOOK_AHEAD + token.length);
    for (let found = reach.indexOf(token); found >= 0; found = reach.indexOf(token, found + 1)) {
        const before = starts[at + found] - 1;
        if (!beginsWord || before < 0 || !/[\p{L}\p{N}]{2}/u.test(draft.slice(before, before + 2)) || found === 0) {
            return at + found;
        }
    }
    return -1;
}

/** The text without white space, in lower case, unit by unit, and where each unit stands in the text, with its end. */
function foldForSearch(text) {
    let folded = "";
    const starts = [];
    for (let at = 0; at < text.length; at += 1) {
        if (text[at].trim() === "") {
            continue;
        }
        const lower = text[at].toLowerCase();
        folded += lower.length === 1 ? lower : text[at];
        starts.push(at);
    }
    starts.push(text.length);
    return { folded, starts };
}

function trimmedRange(text, start, end) {
    const part = text.slice(start, end);
    const trimmed = part.trimStart();
    return { start: start + part.length - trimmed.length, end: Math.max(start, start + part.trimEnd().length) };
}

/**
 * The surprise of each word of a draft: `[{start, end, nats}]`. A token counts for the word in which it begins, or the next one,
 * as a space does; `nats` is null for a word without scored tokens.
 */
export function surpriseOfWords(draft, read) {
    const words = wordsOf(draft).map((word) => ({ ...word, nats: null }));
    let at = 0;
    for (const { start, logProb } of alignTokens(draft, read)) {
        while (at < words.length - 1 && words[at].end <= start) {
            at += 1;
        }
        if (logProb !== null && words.length > 0) {
            words[at].nats = (words[at].nats ?? 0) - logProb;
        }
    }
    return words;
}

/** The sum of the surprise of words in nats, and the number of those that have one. */
export function totalSurprise(words) {
    const scored = words.filter((word) => word.nats !== null);
    return { nats: scored.reduce((sum, word) => sum + word.nats, 0), words: scored.length };
}

/** A surprise in nats as people read it, in bits. */
export function bitsText(nats) {
    return nats === null ? "no score" : `${(nats / Math.LN2).toFixed(1)} bits`;
}

/** A probability as people read it. */
export function percentText(probability) {
    const percent = 100 * probability;
    if (percent > 0 && percent < 0.01) {
        return "< 0.01 %";
    }
    return `${percent.toFixed(percent >= 10 ? 0 : percent >= 1 ? 1 : 2)} %`;
}
