// One step of the recurrent cells. The equations are those of the crate `kernels`, with the gates of an LSTM in the
// order i, f, g, o and those of a GRU in the order z, r, n. States are 32-bit floats, as in the program; sums have 64
// bits.

const sigmoid = (x) => 1 / (1 + Math.exp(-x));

const ACTIVATIONS = { tanh: Math.tanh, sigmoid, relu: (x) => Math.max(0, x) };

/** What is added to a variance before its root. */
const NORM_EPSILON = 1e-5;

/** x with mean 0 and variance 1. */
export function normalize(x) {
    const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
    const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length;
    const root = Math.sqrt(variance + NORM_EPSILON);
    return Float64Array.from(x, (value) => (value - mean) / root);
}

/** The outputs of layer normalisation, with gain γ and bias β. */
export const layerNorm = (x, { gain, bias }) => normalize(x).map((value, at) => value * gain[at] + bias[at]);

/**
 * A recurrent layer without its normalisation.
 *
 * @typedef {object} Cell
 * @property {() => Float32Array[]} initState The state before the first id: h, and c of an LSTM.
 * @property {(x: Float32Array | Float64Array, state: Float32Array[]) => Float32Array[]} step The state after an input.
 */

/**
 * Makes a cell.
 *
 * @param {object} layer The configuration of the layer.
 * @param {(name: string) => object} matrix By the name of a parameter of the cell, its matrix.
 * @param {(name: string) => Float32Array | null} vector By the name of a parameter of the cell, its values; null if
 *   there is none.
 * @param {import("./matrix.js").MatrixMemory} memory
 * @returns {Cell}
 */
export function makeCell(layer, matrix, vector, memory) {
    const weights = {
        units: layer.units,
        kernel: matrix("kernel"),
        recurrent: matrix("recurrent_kernel"),
        bias: vector("bias"),
    };
    const product = (factor, x) => memory.multiply(factor, x);
    if (layer.cell === "rnn") {
        return rnn(weights, ACTIVATIONS[layer.activation ?? "tanh"], product);
    }
    if (layer.cell === "gru") {
        const recurrentBias = vector("recurrent_bias");
        return recurrentBias === null
            ? gruBefore(weights, weights.recurrent, product)
            : gruAfter(weights, recurrentBias, product);
    }
    const norm = layer.cell_norm
        ? {
              inputGain: vector("norm.input_gain"),
              recurrentGain: vector("norm.recurrent_gain"),
              cell: { gain: vector("norm.cell.gain"), bias: vector("norm.cell.bias") },
          }
        : null;
    const factors = layer.mogrifier_rank > 0 ? [0, 1] : [0];
    const rounds = Array.from({ length: layer.mogrifier_rounds ?? 0 }, (_, round) =>
        factors.map((factor) => matrix(`modulations.${round}.factors.${factor}`)),
    );
    return lstm(weights, norm, rounds, product);
}

const zeros = (units) => new Float32Array(units);

/** x W + h U + b. */
function sums({ kernel, recurrent, bias }, x, h, product) {
    const all = product(kernel, x).map((value, at) => value + bias[at]);
    const ofState = product(recurrent, h);
    return all.map((value, at) => value + ofState[at]);
}

function rnn(weights, activation, product) {
    return {
        initState: () => [zeros(weights.units)],
        step: (x, [h]) => [Float32Array.from(sums(weights, x, h, product), activation)],
    };
}

/** A GRU whose reset gate is applied after the product with the recurrent weights. */
function gruAfter({ units, kernel, recurrent, bias }, recurrentBias, product) {
    const step = (x, [h]) => {
        const a = product(kernel, x).map((value, at) => value + bias[at]);
        const b = product(recurrent, h).map((value, at) => value + recurrentBias[at]);
        const next = h.map((before, unit) => {
            const z = sigmoid(a[unit] + b[unit]);
            const r = sigmoid(a[units + unit] + b[units + unit]);
            const n = Math.tanh(a[2 * units + unit] + r * b[2 * units + unit]);
            return n + z * (before - n);
        });
        return [next];
    };
    return { initState: () => [zeros(units)], step };
}

/** A GRU whose reset gate is applied before the product, as in Cho et al. 2014. */
function gruBefore({ units, kernel, bias }, recurrent, product) {
    // The rows of z and r, and those of n.
    const rows = (from, to) => ({
        ...recurrent,
        rows: to - from,
        values: recurrent.values.subarray(
            (from * recurrent.values.length) / recurrent.rows,
            (to * recurrent.values.length) / recurrent.rows,
        ),
        scales: recurrent.scales?.subarray(from, to) ?? null,
    });
    const [ofGates, ofCandidate] = [rows(0, 2 * units), rows(2 * units, 3 * units)];
    const step = (x, [h]) => {
        const a = product(kernel, x).map((value, at) => value + bias[at]);
        const gates = product(ofGates, h).map((value, at) => sigmoid(a[at] + value));
        const ofReset = product(
            ofCandidate,
            Float64Array.from(h, (before, unit) => gates[units + unit] * before),
        );
        const next = h.map((before, unit) => {
            const n = Math.tanh(a[2 * units + unit] + ofReset[unit]);
            return n + gates[unit] * (before - n);
        });
        return [next];
    };
    return { initState: () => [zeros(units)], step };
}

/** An LSTM: plain, with normalisation inside the cell, with the mogrifier, or with both. */
function lstm(weights, norm, rounds, product) {
    const { units, kernel, recurrent, bias } = weights;
    const normalizedSums = (x, h) => {
        const ofInput = normalize(product(kernel, x).slice());
        const ofState = normalize(product(recurrent, h).slice());
        return ofInput.map((value, at) => value * norm.inputGain[at] + ofState[at] * norm.recurrentGain[at] + bias[at]);
    };
    const step = (input, [before, c]) => {
        const [x, h] = modulated(input, before, rounds, product);
        const a = norm === null ? sums(weights, x, h, product) : normalizedSums(x, h);
        const nextC = c.map(
            (value, unit) => sigmoid(a[units + unit]) * value + sigmoid(a[unit]) * Math.tanh(a[2 * units + unit]),
        );
        const read = norm === null ? nextC : layerNorm(nextC, norm.cell);
        const nextH = Float32Array.from(read, (value, unit) => sigmoid(a[3 * units + unit]) * Math.tanh(value));
        return [nextH, nextC];
    };
    return { initState: () => [zeros(units), zeros(units)], step };
}

/** x and h after all rounds of the mogrifier: the odd ones are of x, the even ones of h. */
function modulated(input, before, rounds, product) {
    let [x, h] = [input, before];
    rounds.forEach((factors, round) => {
        const gates = factors.reduce((vector, factor) => product(factor, vector).slice(), round % 2 === 0 ? h : x);
        const scaled = (vector) => Float64Array.from(vector, (value, at) => value * 2 * sigmoid(gates[at]));
        [x, h] = round % 2 === 0 ? [scaled(x), h] : [x, scaled(h)];
    });
    return [x, h];
}
