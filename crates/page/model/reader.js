// The probabilities of the next token after a text. What was read is kept, so that a text that grows, and its branches,
// are not read again.

import { logSumExp } from "./sampling.js";

/** How long the page computes before it takes input, in milliseconds. */
const SLICE = 12;
/** The bytes of states that are kept. */
const KEPT_BYTES = 64 * 2 ** 20;
/** When there are more, so many ids lie between two states of a text that are kept. */
const SPACING = 64;

/** A text that has been read: what is known after its last id, and the texts with one more id. */
class ReadText {
    constructor() {
        this.longer = new Map();
        // The state of the network, and the log-probability of the last id; null if they are not known.
        this.state = null;
        this.logProb = null;
    }
}

/** Lets the page take input; fails with an AbortError if the call was aborted. */
export function pause(signal) {
    signal?.throwIfAborted();
    return new Promise((resolve, reject) => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => {
            port1.close();
            if (signal?.aborted) {
                reject(signal.reason);
            } else {
                resolve();
            }
        };
        port2.postMessage(null);
    });
}

/** Reads texts with a network. */
export class ModelReader {
    /**
     * @param {import("./network.js").Network} network
     * @param {import("./tokenizer.js").Tokenizer} tokenizer
     * @param {number | null} window The number of last ids that each prediction reads from the first state; null if the
     *   state is carried from id to id.
     */
    constructor(network, tokenizer, window) {
        Object.assign(this, { network, tokenizer, window });
        this.forget();
        this.started = 0;
    }

    forget() {
        this.root = new ReadText();
        this.root.state = this.network.initState();
        this.keptBytes = 0;
        // The text whose probabilities were computed last.
        this.last = { read: null, logProbs: null };
    }

    /** The texts that `ids` begin with, from the empty one on. */
    path(ids) {
        const path = [this.root];
        for (const id of ids) {
            const { longer } = path.at(-1);
            if (!longer.has(id)) {
                longer.set(id, new ReadText());
            }
            path.push(longer.get(id));
        }
        return path;
    }

    /** Computes the state after the first `count` ids. */
    async readTo(path, ids, count, signal) {
        if (this.window !== null && path[count].state === null) {
            await this.pauseIfDue(signal);
            const recent = ids.slice(Math.max(0, count - this.window), count);
            this.keep(
                path[count],
                recent.reduce((state, id) => this.network.step(id, state), this.network.initState()),
            );
            return;
        }
        let at = count;
        while (path[at].state === null) {
            at--;
        }
        for (; at < count; at++) {
            await this.pauseIfDue(signal);
            this.keep(path[at + 1], this.network.step(ids[at], path[at].state));
        }
    }

    keep(read, state) {
        read.state = state;
        this.keptBytes += state.flat().reduce((bytes, values) => bytes + values.byteLength, 0);
    }

    /** Pauses when the page has computed for long enough. */
    async pauseIfDue(signal) {
        if (performance.now() - this.started > SLICE) {
            await pause(signal);
            this.started = performance.now();
        }
    }

    start(ids) {
        if (this.keptBytes > KEPT_BYTES) {
            this.forgetMost(ids);
        }
        this.started = performance.now();
        return this.path(ids);
    }

    /** Forgets other texts, and of this one all states but the last one that is known and some before it. */
    forgetMost(ids) {
        const path = this.path(ids);
        const last = path.findLastIndex((read) => read.state !== null);
        this.forget();
        this.path(ids).forEach((read, at) => {
            read.logProb = path[at].logProb;
            if (at > 0 && path[at].state !== null && (at === last || at % SPACING === 0)) {
                this.keep(read, path[at].state);
            }
        });
    }

    /**
     * The log-probability of each next id after `ids`, among those that a text can have there; −Infinity for the
     * others.
     *
     * @returns {Promise<Float64Array>}
     */
    async next(ids, signal) {
        signal?.throwIfAborted();
        const path = this.start(ids);
        const read = path.at(-1);
        if (this.last.read !== read) {
            await this.readTo(path, ids, ids.length, signal);
            this.last = { read, logProbs: this.logProbs(read.state, ids.at(-1)) };
        }
        return this.last.logProbs;
    }

    /**
     * The log-probability of each id from number `from` on after those before it; null for the very first one.
     *
     * @returns {Promise<(number | null)[]>}
     */
    async scores(ids, from, signal) {
        signal?.throwIfAborted();
        const path = this.start(ids);
        for (let at = Math.max(1, from); at < ids.length; at++) {
            if (path[at + 1].logProb === null) {
                await this.readTo(path, ids, at, signal);
                path[at + 1].logProb = this.logProbs(path[at].state, ids[at - 1])[ids[at]];
            }
        }
        return path.slice(from + 1).map((read) => read.logProb);
    }

    logProbs(state, lastId) {
        const { neverSampled, documentId } = this.tokenizer;
        const logits = Float64Array.from(this.network.logits(state));
        for (const id of neverSampled) {
            logits[id] = -Infinity;
        }
        // No document is empty.
        if (documentId !== null && lastId === documentId) {
            logits[documentId] = -Infinity;
        }
        const logSum = logSumExp(logits);
        return logits.map((logit) => logit - logSum);
    }
}
