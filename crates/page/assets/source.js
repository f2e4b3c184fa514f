// A source of text: a language model with which the page writes and measures. There are several implementations: a
// server, which is asked over HTTP (server_source.js), and a model inside the page. A source stands for one model; the
// page gets a list.
//
// All positions are in UTF-16 units, as in JavaScript's strings. All probabilities are those of the model, before the
// temperature and the filters. Every method fails with a SourceError. A `signal` is an AbortSignal: an aborted call
// rejects with an AbortError.

/**
 * What a model is, and what it can do.
 *
 * @typedef {object} SourceInfo
 * @property {string} name The name that people see.
 * @property {"word" | "subword" | "character"} unit What a token is.
 * @property {string} hash The hash that identifies the model, or "" if it is not known; of a blend those of all models.
 * @property {string[]} labels The labels that a text can have.
 * @property {string | null} label The label of the texts; null is none.
 * @property {string[]} blendsWith The names of the other sources that it can be blended with.
 * @property {number} maxTokens The most tokens of one call of `generate`.
 * @property {string | null} noCopied Why copied passages cannot be shown, one line; null if they can.
 * @property {string | null} noCopyLimit Why `maxCopied` cannot be honoured; null if it can.
 * @property {string | null} noTyping Why some texts cannot be typed, such as words that are not in the vocabulary; null
 *   if all can.
 */

/**
 * How the next token is sampled.
 *
 * @typedef {object} SamplingOptions
 * @property {number} temperature At least 0; 0 takes the likeliest token.
 * @property {number} topP Above 0, at most 1; 1 is without effect.
 * @property {number} minP From 0 to 1; 0 is without effect.
 * @property {number} maxCopied The most tokens in a row that may be copied from the training text; 0 is without limit.
 */

/**
 * A token that can come next.
 *
 * @typedef {object} TextChoice
 * @property {string} text What it adds to the text, with the space before it if there is one.
 * @property {number} replaces The units at the end of the text in whose place it comes, such as the beginning of a
 *   syllable; mostly 0.
 * @property {number} probability Its probability.
 * @property {boolean} isAllowed Whether the sampling options let it be chosen.
 * @property {boolean} isCopied Whether it would continue a copied passage; false where that is not known.
 * @property {boolean} isEnd Whether it ends the text; `text` is then empty.
 */

/**
 * A piece of a text that is being written.
 *
 * @typedef {object} TextPiece
 * @property {string} text What it adds; may be empty.
 * @property {number | null} logProb The sum of ln p of its tokens; null if it has none.
 */

/**
 * A token of a text that was read.
 *
 * @typedef {object} ReadToken
 * @property {number} start Where it begins in the text that was read.
 * @property {number} end Where it ends.
 * @property {number | null} logProb ln p; null if nothing predicts it, as for the first token.
 */

/**
 * A passage of a text that is also in the training text.
 *
 * @typedef {object} CopiedPassage
 * @property {number} start Where it begins in the text that was read.
 * @property {number} end Where it ends.
 * @property {number} tokens The number of its tokens.
 * @property {{before: string, text: string, after: string}} passage The passage of the training text with what stands
 *   around it.
 */

/**
 * The methods of a source:
 *
 * - `info() → SourceInfo`.
 * - `adapted({blend, label}) → {source, info}`: the same model blended with another one, `blend` as `{source, share}`
 *   with the share of this model between 0 and 1, and with a label of the texts; null is none. Only where `blendsWith`
 *   and `labels` have them.
 * - `next({text, count, sampling, signal}) → TextChoice[]`: the likeliest next tokens, the likeliest first.
 * - `generate({text, maxTokens, seed, sampling, signal}, onPiece) → {seed, isComplete}`: continues a text, calls
 *   `onPiece` with each TextPiece, and says whether the model ended the text. The same text, seed and options give the
 *   same pieces.
 * - `read({text, signal}) → {text, tokens: ReadToken[]}`: the probability of each token of a text. The `text` of the
 *   answer is that of the tokens: it may have other spaces or capitals than the given one, and "<unknown>" for unknown
 *   words.
 * - `copied({text, minTokens, signal}) → {text, passages: CopiedPassage[]}`: the passages of at least `minTokens`
 *   tokens that are in the training text, in their order and without overlap; only where `noCopied` is null.
 */
export const SOURCE_METHODS = ["info", "adapted", "next", "generate", "read", "copied"];

/** Why a source cannot do something: the message is one line for people, `code` a word for programs or "". */
export class SourceError extends Error {
    constructor(message, code = "") {
        super(message);
        this.name = "SourceError";
        this.code = code;
    }
}
