// The training text of a model as ids, and where sequences of tokens stand in it.

/** A hash of the ids from `at` on. */
function hashOf(ids, at, length) {
    let hash = length;
    for (let index = at; index < at + length; index++) {
        hash = Math.imul(hash ^ ids[index], 0x9e3779b1);
        hash ^= hash >>> 15;
    }
    return hash >>> 0;
}

/** Where the sequences of a length stand in a text. */
class SequenceIndex {
    constructor(ids, length) {
        this.ids = ids;
        this.length = length;
        const bits = Math.max(1, Math.ceil(Math.log2(ids.length + 1)));
        this.mask = 2 ** bits - 1;
        // By hash the last position, and by position the one before with the same hash; 0 is none, and positions are
        // counted from 1.
        this.last = new Uint32Array(2 ** bits);
        this.before = new Uint32Array(ids.length + 1);
        for (let at = 0; at + length <= ids.length; at++) {
            const slot = hashOf(ids, at, length) & this.mask;
            this.before[at + 1] = this.last[slot];
            this.last[slot] = at + 1;
        }
    }

    /** The positions of the sequence at `at` in `sample`. */
    *find(sample, at) {
        const { ids, length } = this;
        for (let found = this.last[hashOf(sample, at, length) & this.mask]; found > 0; found = this.before[found]) {
            let same = 0;
            while (same < length && ids[found - 1 + same] === sample[at + same]) {
                same++;
            }
            if (same === length) {
                yield found - 1;
            }
        }
    }
}

/** The length of the longest sequences whose positions are indexed; those of longer ones begin there. */
const LONGEST_INDEXED = 4;
/** The positions of a sequence that are looked at. */
const MOST_POSITIONS = 4096;

/** A training text. */
export class TrainingText {
    /**
     * @param {Uint32Array} ids
     * @param {number[]} ends Ids that no copied passage contains: the document token, and the unknown token, which
     *   stands for different words.
     */
    constructor(ids, ends) {
        this.ids = ids;
        this.ends = new Set(ends);
        this.indices = new Map();
    }

    index(length) {
        if (!this.indices.has(length)) {
            this.indices.set(length, new SequenceIndex(this.ids, length));
        }
        return this.indices.get(length);
    }

    /**
     * The ids that follow the last `length` ids of `sample` somewhere in the text: with them, a passage of more than
     * `length` tokens would be copied.
     *
     * @returns {Set<number>}
     */
    continuations(sample, length) {
        const start = sample.length - length;
        const next = new Set();
        if (length === 0 || start < 0 || sample.slice(start).some((id) => this.ends.has(id))) {
            return next;
        }
        const indexed = Math.min(length, LONGEST_INDEXED);
        for (const found of this.index(indexed).find(sample, sample.length - indexed)) {
            const [first, following] = [found + indexed - length, found + indexed];
            const isWhole = first >= 0 && this.isSame(first, sample, start, length - indexed);
            if (isWhole && following < this.ids.length && !this.ends.has(this.ids[following])) {
                next.add(this.ids[following]);
            }
        }
        return next;
    }

    /** Whether `count` ids of the text from `at` on are those of `sample` from `start` on. */
    isSame(at, sample, start, count) {
        for (let index = 0; index < count; index++) {
            if (this.ids[at + index] !== sample[start + index]) {
                return false;
            }
        }
        return true;
    }

    /**
     * The sequences of at least `shortest` tokens that are in the text, in their order and without overlap: at each
     * position the longest.
     *
     * @returns {{start: number, length: number, inText: number}[]}
     */
    copies(sample, shortest) {
        const copies = [];
        const indexed = Math.min(shortest, LONGEST_INDEXED);
        const index = this.index(indexed);
        for (let start = 0; start + shortest <= sample.length;) {
            let best = { start, length: 0, inText: 0 };
            let seen = 0;
            for (const inText of sample.slice(start, start + shortest).some((id) => this.ends.has(id))
                ? []
                : index.find(sample, start)) {
                let length = indexed;
                while (
                    start + length < sample.length &&
                    this.ids[inText + length] === sample[start + length] &&
                    !this.ends.has(sample[start + length])
                ) {
                    length++;
                }
                if (length >= shortest && length > best.length) {
                    best = { start, length, inText };
                }
                seen++;
                if (seen === MOST_POSITIONS) {
                    break;
                }
            }
            if (best.length > 0) {
                copies.push(best);
            }
            start += Math.max(1, best.length);
        }
        return copies;
    }
}
