// How far the logits of a page are from those of the program.

/** The most by which a logit may differ, in proportion to a logit above 1, whose last bits stand for more. */
export const LARGEST_DIFFERENCE = 1e-5;

/** The largest difference of `found` from as many logits of `expected`, from number `first`; NaN if one is no number. */
export function largestDifference(found, expected, first = 0) {
    let largest = 0;
    found.forEach((value, index) => {
        const other = expected[first + index];
        const apart = Math.abs(value - other) / Math.max(1, Math.abs(other));
        largest = apart > largest || Number.isNaN(apart) ? apart : largest;
    });
    return largest;
}
