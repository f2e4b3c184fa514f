// How far two lists of numbers are apart.

/** The most by which a logit of a page may differ from that of the program. */
export const LARGEST_DIFFERENCE = 1e-5;

/** The largest difference of `found` from as many numbers of `expected`, from number `first`; NaN if one is no number. */
export function largestDifference(found, expected, first = 0) {
    let largest = 0;
    found.forEach((value, index) => {
        const apart = Math.abs(value - expected[first + index]);
        largest = apart > largest || Number.isNaN(apart) ? apart : largest;
    });
    return largest;
}
