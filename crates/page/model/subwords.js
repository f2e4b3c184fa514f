// Subwords: byte-level byte pair encoding as in GPT-2. Pre-tokens are runs of letters, of digits or of other characters with the
// space before them; the bytes of a pre-token are merged in the order of a list.

const PRE_TOKENS =
    /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;

/** By byte, the character that stands for it: a printable byte of Latin-1 is its own, the others are U+0100 and the next ones. */
const CHARACTERS = (() => {
    let next = 0x100;
    return Array.from({ length: 256 }, (_, byte) => {
        const isPrintable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte !== 0xad);
        return String.fromCharCode(isPrintable ? byte : next++);
    });
})();

const BYTES = new Map(CHARACTERS.map((character, byte) => [character, byte]));

/** The bytes that a token stands for; a character that stands for no byte is that of a reserved token, shown as it is. */
function bytesOf(token) {
    return Array.from(token).flatMap((c) => {
        const byte = BYTES.get(c);
        return byte === undefined ? [...new TextEncoder().encode(c)] : [byte];
    });
}

/** The pre-tokens of a text; together they are the text. */
export const preTokens = (text) => text.match(PRE_TOKENS) ?? [];

/** Encodes pre-tokens. Tokens are numbered without the reserved ids. */
export class Merges {
    /**
     * @param {Map<string, number>} indices The number of each token that is not special.
     * @param {number[]} pairs The merges in their order: left, right, left, right, ...
     * @param {string[]} tokens By number.
     */
    constructor(indices, pairs, tokens) {
        this.bytes = CHARACTERS.map((character) => indices.get(character));
        this.count = tokens.length;
        this.ranks = new Map();
        this.results = [];
        for (let rank = 0; rank < pairs.length / 2; rank++) {
            const [left, right] = [pairs[2 * rank], pairs[2 * rank + 1]];
            const key = left * this.count + right;
            if (!this.ranks.has(key)) {
                this.ranks.set(key, rank);
            }
            this.results.push(indices.get(tokens[left] + tokens[right]));
        }
        this.known = new Map();
    }

    /** The tokens of a pre-token. */
    encode(preToken) {
        let tokens = this.known.get(preToken);
        if (tokens === undefined) {
            tokens = this.merge(Array.from(new TextEncoder().encode(preToken), (byte) => this.bytes[byte]));
            this.known.set(preToken, tokens);
        }
        return tokens;
    }

    /** Merges the pair of neighbours with the lowest rank, the first of several, until there is none. */
    merge(tokens) {
        for (;;) {
            let best = Infinity;
            let at = -1;
            for (let left = 0; left + 1 < tokens.length; left++) {
                const rank = this.ranks.get(tokens[left] * this.count + tokens[left + 1]);
                if (rank !== undefined && rank < best) {
                    [best, at] = [rank, left];
                }
            }
            if (at < 0) {
                return tokens;
            }
            tokens.splice(at, 2, this.results[best]);
        }
    }
}

/** The length of the longest beginning of `bytes` after which no character is incomplete. */
function completeLength(bytes) {
    for (let back = 1; back <= Math.min(3, bytes.length); back++) {
        const byte = bytes[bytes.length - back];
        if (byte >= 0x80 && byte < 0xc0) {
            continue;
        }
        const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
        return length > back && mayContinue(bytes.slice(-back)) ? bytes.length - back : bytes.length;
    }
    return bytes.length;
}

/** Whether these first bytes of a character can begin one: not those of surrogates, of overlong forms, or above U+10FFFF. */
function mayContinue([first, second]) {
    if (first < 0xc2 || first > 0xf4) {
        return false;
    }
    if (second === undefined) {
        return true;
    }
    const least = { 0xe0: 0xa0, 0xf0: 0x90 }[first] ?? 0x80;
    const most = { 0xed: 0x9f, 0xf4: 0x8f }[first] ?? 0xbf;
    return second >= least && second <= most;
}

/** Joins the tokens of one text. A character may be several tokens, so its first bytes are held back until it is complete. */
export class SubwordDetokenizer {
    constructor() {
        this.pending = [];
    }

    clone() {
        const copy = new SubwordDetokenizer();
        copy.pending = [...this.pending];
        return copy;
    }

    /** What is certain after `token`. Bytes that are not UTF-8 become U+FFFD. */
    push(token) {
        this.pending.push(...bytesOf(token));
        return this.take(completeLength(this.pending));
    }

    /** The pending text: an incomplete character is U+FFFD. */
    finish() {
        return this.take(this.pending.length);
    }

    endDocument() {
        return this.finish();
    }

    take(length) {
        return new TextDecoder("utf-8", { ignoreBOM: true }).decode(new Uint8Array(this.pending.splice(0, length)));
    }
}
