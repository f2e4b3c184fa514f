// A text with several layers of marks that may overlap, cut into segments that each have one set of marks. No DOM.

/**
 * The segments of a text: `[{start, end, marks}]`, where `marks[name]` is the range of the layer `name` that covers the segment, or
 * undefined. The ranges of a layer must be in order; of ranges that overlap, the later one begins where the earlier one ends.
 *
 * @param {string} text
 * @param {Object<string, {start: number, end: number}[]>} layers
 */
export function segmentsOf(text, layers) {
    const cuts = new Set([0, text.length]);
    for (const ranges of Object.values(layers)) {
        for (const { start, end } of ranges) {
            if (start < end && end <= text.length) {
                cuts.add(start).add(end);
            }
        }
    }
    const places = [...cuts].sort((a, b) => a - b);
    const next = Object.fromEntries(Object.keys(layers).map((name) => [name, 0]));
    const segments = [];
    for (let at = 0; at + 1 < places.length; at += 1) {
        const [start, end] = [places[at], places[at + 1]];
        const marks = {};
        for (const [name, ranges] of Object.entries(layers)) {
            while (next[name] < ranges.length && ranges[next[name]].end <= start) {
                next[name] += 1;
            }
            const range = ranges[next[name]];
            if (range !== undefined && range.start <= start && end <= range.end) {
                marks[name] = range;
            }
        }
        segments.push({ start, end, marks });
    }
    return segments;
}
