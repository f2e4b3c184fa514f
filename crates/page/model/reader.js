// The probabilities of the next token after a text. What was read is kept, so that a text that grows, and its branches,
// are not read again.

import { logSumExp } from "./sampling.js";

/** How long the page computes before it takes input, in milliseconds. */
const SLICE = 12;
/** The most bytes of states that are kept from one call to the next. */
const KEPT_BYTES = 64 * 2 ** 20;

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
     * @param {object} model
     * @param {import("./network.js").Network} model.network
     * @param {import("./tokenizer.js").Tokenizer} model.tokenizer
     * @param {number | null} model.window The number of last ids that each prediction reads from the first state; null
     *   if the state is carried from id to id.
     * @param {number} model.label The number of the texts' label; 0 is none.
     * @param {number} model.mostBytes The most bytes of states that are kept from one call to the next.
     */
    constructor({ network, tokenizer, window, label = 0, mostBytes = KEPT_BYTES }) {
        Object.assign(this, { network, tokenizer, window, label, mostBytes });
        this.root = new ReadText();
        this.root.state = network.initState();
        this.stateBytes = this.root.state.flat().reduce((bytes, values) => bytes + values.byteLength, 0);
        this.keptBytes = 0;
        // The text whose probabilities were computed last.
        this.last = { read: null, logProbs: null };
        this.started = 0;
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
            const state = recent.reduce((before, id) => this.step(id, before), this.network.initState());
            return this.keep(path[count], state);
        }
        let at = count;
        while (path[at].state === null) {
            at--;
        }
        let { state } = path[at];
        for (; at < count; at++) {
            await this.pauseIfDue(signal);
            state = this.keep(path[at + 1], this.step(ids[at], state));
        }
        return state;
    }

    /** The state after one more id of a text with the label. */
    step(id, state) {
        return this.network.step(id, state, this.label);
    }

    keep(read, state) {
        read.state = state;
        this.keptBytes += this.stateBytes;
        return state;
    }

    /** Forgets all texts but this one, and of this one every second state while there are too many. */
    forgetOthers(path) {
        path.forEach((read, at) => {
            read.longer = new Map([...read.longer].filter(([, longer]) => longer === path[at + 1]));
        });
        let known = path.filter(({ state }) => state !== null);
        while (known.length > 2 && known.length * this.stateBytes > this.mostBytes / 2) {
            const last = known.length - 1;
            known.forEach((read, at) => {
                read.state = at % 2 === 1 && at < last ? null : read.state;
            });
            known = known.filter(({ state }) => state !== null);
        }
        this.keptBytes = known.length * this.stateBytes;
    }

    /** Pauses when the page has computed for long enough. */
    async pauseIfDue(signal) {
        if (performance.now() - this.started > SLICE) {
            await pause(signal);
            this.started = performance.now();
        }
    }

    start(ids) {
        const path = this.path(ids);
        if (this.keptBytes > this.mostBytes) {
            this.forgetOthers(path);
        }
        this.started = performance.now();
        return path;
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
            const state = await this.readTo(path, ids, ids.length, signal);
            this.last = { read, logProbs: this.logProbs(state, ids.at(-1)) };
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
                const state = await this.readTo(path, ids, at, signal);
                path[at + 1].logProb = this.logProbs(state, ids[at - 1])[ids[at]];
            }
        }
        return path.slice(from + 1).map((read) => read.logProb);
    }

    logProbs(state, lastId) {
        const { neverSampled, documentId } = this.tokenizer;
        const logits = this.network.logits(state);
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
