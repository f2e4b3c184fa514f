// How far the logits of a page are from those of the program.

/**
 * The largest difference of `found` from as many logits of `expected`, from number `first`; NaN if one is no number. It
 * is not in proportion to the logits: probabilities depend on differences of logits, however large these are.
 */
export function largestDifference(found, expected, first = 0) {
    let largest = 0;
    found.forEach((value, index) => {
        const apart = Math.abs(value - expected[first + index]);
        largest = apart > largest || Number.isNaN(apart) ? apart : largest;
    });
    return largest;
}
