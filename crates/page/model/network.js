// A language model, token by token: embedding, recurrent layers, output layer. The equations are those of
// `models::PackedModel`.

import { layerNorm, makeCell } from "./cells.js";
import { MatrixMemory, matrixBytes, matrixRow } from "./matrix.js";
import { logSumExp } from "./sampling.js";

const CELLS = { rnn: "Elman", lstm: "Lstm", gru: "Gru" };
const cellName = (layer) =>
    layer.cell === "lstm" && (layer.cell_norm || layer.mogrifier_rounds > 0) ? "ExtendedLstm" : CELLS[layer.cell];

/** ln softmax of a row. */
export function logSoftmax(logits) {
    const logSum = logSumExp(logits);
    return logits.map((logit) => logit - logSum);
}

/**
 * The state of all layers after some ids. States are never changed, so that texts can share them.
 *
 * @typedef {Float32Array[][]} NetworkState
 */

/** A network with its weights. */
export class Network {
    /**
     * @param {object} config The configuration of the model, as in its manifest.
     * @param {Map<string, import("./safetensors.js").StoredTensor>} tensors
     * @param {boolean} useWasm False for plain JavaScript.
     */
    constructor(config, tensors, useWasm = true) {
        const names = [...tensors.keys()].filter(
            (name) => tensors.get(name).shape.length === 2 && !name.endsWith(".scale"),
        );
        const shapes = names.map((name) => tensors.get(name).shape);
        const bytes = names.reduce((sum, name) => sum + storedBytes(name, tensors.get(name)), 0);
        this.memory = new MatrixMemory(bytes, Math.max(...shapes.flat()), useWasm);
        const matrices = new Map(names.map((name) => [name, this.load(name, tensors)]));
        const matrix = (name) => matrices.get(name) ?? null;
        const vector = (name) => tensors.get(name)?.values ?? null;
        const norm = (path) => ({ gain: vector(`${path}.gain`), bias: vector(`${path}.bias`) });
        const dense = (path) => ({ matrix: matrix(`${path}.kernel`), bias: vector(`${path}.bias`) });

        this.vocabularySize = config.vocabulary;
        this.documentId = config.document_id ?? null;
        this.embedding = matrix("embedding.weight");
        this.labelEmbedding = matrix("label_embedding.weight");
        this.layers = config.layers.map((layer, index) => {
            const path = `stack.layers.${index}`;
            const parameter = (name) => `${path}.cell.${cellName(layer)}.${name}`;
            const cell = makeCell(
                layer,
                (name) => matrix(parameter(name)),
                (name) => vector(parameter(name)),
                this.memory,
            );
            return { ...cell, norm: layer.layer_norm ? norm(`${path}.norm`) : null };
        });
        this.projection = config.projection > 0 ? dense("output.projection") : null;
        // A tied output layer has the weights of the embedding.
        this.head = { ...dense("output"), matrix: matrix("output.kernel") ?? this.embedding };
        const clusters = config.adaptive_softmax?.cutoffs.length ?? 0;
        this.clusters = Array.from({ length: clusters }, (_, index) =>
            ["projection", "kernel"].map((part) => matrix(`output.clusters.${index}.${part}`)),
        );
    }

    load(name, tensors) {
        const {
            shape: [rows, columns],
            values,
        } = tensors.get(name);
        const scales = tensors.get(`${name}.scale`)?.values ?? null;
        // The rows of an embedding are those of ids, which are outputs where it is tied to the output layer.
        const byOutput = name.endsWith(".weight");
        return this.memory.matrix(values, scales, byOutput ? [columns, rows] : [rows, columns], byOutput);
    }

    /** @returns {NetworkState} The state before the first id. */
    initState() {
        return this.layers.map((layer) => layer.initState());
    }

    /**
     * The state after one more id. The state is reset before the document token.
     *
     * @param {number} id
     * @param {NetworkState} state
     * @param {number} label The number of the text's label; 0 is none.
     * @returns {NetworkState}
     */
    step(id, state, label = 0) {
        const before = id === this.documentId ? this.initState() : state;
        let x = matrixRow(this.embedding, id);
        if (this.labelEmbedding !== null) {
            const ofLabel = matrixRow(this.labelEmbedding, label);
            x = x.map((value, at) => value + ofLabel[at]);
        }
        return this.layers.map((layer, index) => {
            const after = layer.step(x, before[index]);
            x = outputs(layer, after);
            return after;
        });
    }

    /**
     * The logits of the next token, one for each id, in an array of their own; those of an adaptive softmax are
     * log-probabilities.
     *
     * @param {NetworkState} state
     * @returns {Float64Array}
     */
    logits(state) {
        const last = this.layers.length - 1;
        const hidden = outputs(this.layers[last], state[last]);
        const x = this.projection === null ? hidden : this.affine(this.projection, hidden);
        const head = this.affine(this.head, x);
        if (this.clusters.length === 0) {
            return head;
        }
        const ofHead = logSoftmax(head);
        const tokens = head.length - this.clusters.length;
        const logits = new Float64Array(this.vocabularySize);
        logits.set(ofHead.subarray(0, tokens));
        let first = tokens;
        this.clusters.forEach(([projection, kernel], index) => {
            const within = logSoftmax(this.memory.multiply(kernel, this.memory.multiply(projection, x)));
            logits.set(
                within.map((value) => ofHead[tokens + index] + value),
                first,
            );
            first += within.length;
        });
        return logits;
    }

    affine({ matrix, bias }, x) {
        return this.memory.multiply(matrix, x).map((value, at) => value + bias[at]);
    }
}

/** The outputs of a layer in a state. */
const outputs = ({ norm }, [hidden]) => (norm === null ? hidden : layerNorm(hidden, norm));

function storedBytes(name, { shape: [rows, columns], values }) {
    const [inputs, outputCount] = name.endsWith(".weight") ? [columns, rows] : [rows, columns];
    return matrixBytes(outputCount, inputs, values instanceof Int8Array);
}
