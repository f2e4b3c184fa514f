// Small models with random weights, for tests.

import { ModelSource } from "../model/model_source.js";
import { Network } from "../model/network.js";
import { Tokenizer } from "../model/tokenizer.js";
import { TrainingText } from "../model/training_text.js";
import { randomNumbers } from "../model/sampling.js";

const DEFAULTS = {
    cleaner: [],
    separator: null,
    unknown: false,
    document: false,
    counts: [],
    merges: [],
    special: [],
    start: [1],
    window: 4,
};

/** A tokenizer of words of the preset `prose`. */
export const words = (tokens, more = {}) => ({
    ...DEFAULTS,
    cleaner: [
        { rule: "nfc" },
        { rule: "replace", from: "\n", to: " ", times: 1 },
        { rule: "space-punctuation", set: "unicode" },
        { rule: "collapse-white-space" },
        { rule: "trim" },
    ],
    splitter: { kind: "words" },
    tokens,
    ...more,
});

/** A tokenizer of characters, with jamo. */
export const characters = (tokens, more = {}) => ({
    ...DEFAULTS,
    splitter: { kind: "characters", jamo: true },
    tokens,
    ...more,
});

/** A network of one LSTM with random weights for `size` ids. */
export function network(size, more = {}, seed = 1) {
    const random = randomNumbers(seed);
    const tensor = (...shape) => {
        const count = shape.reduce((product, length) => product * length, 1);
        return { shape, values: Float32Array.from({ length: count }, () => 2 * random() - 1) };
    };
    const [units, width] = [6, 5];
    const config = {
        vocabulary: size,
        embedding: width,
        layers: [{ cell: "lstm", units }],
        projection: 0,
        tied: false,
        labels: [],
        ...more,
    };
    const tensors = {
        "embedding.weight": tensor(size, width),
        "stack.layers.0.cell.Lstm.kernel": tensor(width, 4 * units),
        "stack.layers.0.cell.Lstm.recurrent_kernel": tensor(units, 4 * units),
        "stack.layers.0.cell.Lstm.bias": tensor(4 * units),
        "output.kernel": tensor(units, size),
        "output.bias": tensor(size),
        ...(config.labels.length > 0 ? { "label_embedding.weight": tensor(config.labels.length + 1, width) } : {}),
    };
    return new Network(config, new Map(Object.entries(tensors)));
}

/** A source with random weights. `trainingText` are ids, or null; `labels` the names of labels. */
export function source(stored, { trainingText = null, window = null, labels = [] } = {}) {
    const tokenizer = new Tokenizer(stored);
    const size = tokenizer.vocabularySize;
    const more = { labels, ...(tokenizer.documentId === null ? {} : { document_id: tokenizer.documentId }) };
    const ends = [tokenizer.documentId, tokenizer.unknownId].filter((id) => id !== null);
    const text = trainingText === null ? null : new TrainingText(Uint32Array.from(trainingText), ends);
    const about = { name: "small", hash: "0123", window, config: more };
    return new ModelSource({ network: network(size, more), tokenizer, trainingText: text, about });
}
