// Which tokens the sampling options let a model choose, as the program does it: temperature, then min-p, then top-p. No
// DOM.

/** The options that a writer starts with: those of `generate`. */
export const DEFAULT_SAMPLING = { temperature: 0.8, topP: 0.9, minP: 0, maxCopied: 0 };

/**
 * For each of these probabilities, the likeliest first, whether the options let its token be chosen. They may be only
 * the first ones of a vocabulary: what is missing to 1 counts as tokens that are less likely. The tokens that
 * `isExcluded` marks are left out before the filters, so that others take their place.
 *
 * @param {number[]} probabilities
 * @param {{temperature: number, topP: number, minP: number}} sampling
 * @param {boolean[]} isExcluded For each token whether it is left out; none is if this is empty.
 */
export function allowedTokens(probabilities, { temperature, topP, minP }, isExcluded = []) {
    const best = probabilities.findIndex((_, at) => isExcluded[at] !== true);
    if (temperature === 0) {
        return probabilities.map((_, at) => at === best);
    }
    const largest = probabilities[best] ?? 0;
    const weights = probabilities.map((probability, at) =>
        isExcluded[at] === true ? 0 : Math.pow(probability / largest, 1 / temperature),
    );
    const listed = probabilities.reduce((sum, probability) => sum + probability, 0);
    const isKept = weights.map((weight) => weight > 0 && weight >= minP);
    const kept = weights.filter((_, at) => isKept[at]).reduce((sum, weight) => sum + weight, 0);
    // The others are below the last one of the list; their share at temperature 1 stands for that at any.
    const others = minP > 0 || largest === 0 ? 0 : Math.max(0, 1 - listed) / largest;
    const target = topP * (kept + others);
    let reached = 0;
    return weights.map((weight, at) => {
        const isAllowed = isKept[at] && (topP === 1 || reached < target);
        reached += isKept[at] ? weight : 0;
        return isAllowed;
    });
}
