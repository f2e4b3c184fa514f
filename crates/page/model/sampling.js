// Which token comes next: temperature, then top-k, min-p and top-p, each on the probabilities that those before it leave.

/**
 * The probability of each token up to a common factor; 0 for those that the options exclude.
 *
 * @param {Float64Array} logits −Infinity for tokens that are impossible.
 * @param {{temperature: number, topK?: number, topP?: number, minP?: number}} options
 * @returns {Float64Array}
 */
export function sampleWeights(logits, { temperature, topK = Infinity, topP = 1, minP = 0 }) {
    const largest = largestOf(logits);
    if (temperature === 0) {
        const best = logits.indexOf(largest);
        return logits.map((_, id) => (id === best ? 1 : 0));
    }
    const weights = logits.map((logit) => Math.exp((logit - largest) / temperature));
    if (topK < weights.length) {
        const kept = new Set(byWeight(weights, 0).slice(0, topK));
        weights.forEach((_, id) => { weights[id] = kept.has(id) ? weights[id] : 0; });
    }
    if (minP > 0) {
        weights.forEach((weight, id) => { weights[id] = weight < minP ? 0 : weight; });
    }
    return topP < 1 ? nucleus(weights, topP) : weights;
}

/** Without all but the largest weights that together are at least this fraction of the sum. */
function nucleus(weights, fraction) {
    const total = sum(weights);
    // Weights below this are too small to be, even together, all that may be left out.
    const least = (0.5 * (1 - fraction) * total) / weights.length;
    const kept = new Float64Array(weights.length);
    let reached = 0;
    for (const id of byWeight(weights, least)) {
        if (reached >= fraction * total) {
            break;
        }
        reached += weights[id];
        kept[id] = weights[id];
    }
    return kept;
}

/** The ids with a weight above `least`, the largest first, of equal ones the smaller id. */
function byWeight(weights, least) {
    const ids = [];
    for (let id = 0; id < weights.length; id++) {
        if (weights[id] > least) {
            ids.push(id);
        }
    }
    return ids.sort((a, b) => weights[b] - weights[a] || a - b);
}

function sum(weights) {
    let all = 0;
    for (let id = 0; id < weights.length; id++) {
        all += weights[id];
    }
    return all;
}

/** The largest of some numbers; −Infinity if there are none. */
export function largestOf(values) {
    let largest = -Infinity;
    for (let at = 0; at < values.length; at++) {
        largest = values[at] > largest ? values[at] : largest;
    }
    return largest;
}

/** ln Σ exp of some logits, in 64 bits. */
export function logSumExp(logits) {
    const largest = largestOf(logits);
    let sumOfExponentials = 0;
    for (let at = 0; at < logits.length; at++) {
        sumOfExponentials += Math.exp(logits[at] - largest);
    }
    return largest + Math.log(sumOfExponentials);
}

/** The id whose part of the cumulative sum contains `uniform`, from 0 to below 1, times the sum of all. */
export function draw(weights, uniform) {
    const target = uniform * sum(weights);
    let reached = 0;
    let last = 0;
    for (let id = 0; id < weights.length; id++) {
        if (weights[id] > 0) {
            last = id;
            reached += weights[id];
            if (reached > target) {
                return id;
            }
        }
    }
    return last;
}

/**
 * Random numbers from 0 to below 1: the generator xoshiro128** of Blackman and Vigna, started by SplitMix32. The program has
 * another one, so that a seed gives other texts there.
 *
 * @param {number} seed
 * @returns {() => number}
 */
export function randomNumbers(seed) {
    let mixed = (seed ^ Math.floor(seed / 2 ** 32)) >>> 0;
    const s = Uint32Array.from({ length: 4 }, () => {
        mixed = (mixed + 0x9e3779b9) >>> 0;
        let z = mixed;
        z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
        z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
        return z ^ (z >>> 15);
    });
    const rotated = (x, count) => ((x << count) | (x >>> (32 - count))) >>> 0;
    const next = () => {
        const result = Math.imul(rotated(Math.imul(s[1], 5) >>> 0, 7), 9) >>> 0;
        const t = s[1] << 9;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = rotated(s[3], 11);
        return result;
    };
    return () => (next() * 2 ** 21 + (next() >>> 11)) / 2 ** 53;
}
