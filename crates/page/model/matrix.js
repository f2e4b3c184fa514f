// Matrices in one block of memory and their products with vectors: by 128-bit SIMD in WebAssembly (product.wat) where
// the browser has it, else in plain JavaScript. Sums are 64-bit floats.

import { PRODUCT_WASM } from "./product_wasm.js";

/** Rows of matrices and vectors are padded with zeros to a multiple of this number of values. */
const PAD = 16;
const PAGE_BYTES = 65536;

const padded = (count) => Math.ceil(count / PAD) * PAD;

/**
 * A matrix in the memory.
 *
 * @typedef {object} Matrix
 * @property {number} rows The number of outputs.
 * @property {number} columns The number of inputs.
 * @property {Int8Array | Float32Array} values Row by row, with padding.
 * @property {Float32Array | null} scales By row; null if the values are floats.
 */

/** The bytes of the memory that a matrix takes. */
export const matrixBytes = (rows, columns, isInt8) =>
    rows * padded(columns) * (isInt8 ? 1 : 4) + (isInt8 ? 4 * padded(rows) : 0);

/** The memory of all matrices, one input vector and one output vector. */
export class MatrixMemory {
    /**
     * @param {number} bytes Those of all matrices.
     * @param {number} width The largest number of rows or columns of a matrix.
     * @param {boolean} useWasm False for plain JavaScript.
     */
    constructor(bytes, width, useWasm = true) {
        const all = bytes + 2 * 8 * padded(width);
        const pages = Math.ceil(all / PAGE_BYTES);
        this.product = null;
        if (useWasm) {
            try {
                const memory = new WebAssembly.Memory({ initial: pages });
                const module = new WebAssembly.Module(Uint8Array.from(atob(PRODUCT_WASM), (c) => c.charCodeAt(0)));
                this.product = new WebAssembly.Instance(module, { page: { memory } }).exports;
                this.buffer = memory.buffer;
            } catch {
                // There is no SIMD in this browser, or WebAssembly is switched off.
                this.product = null;
            }
        }
        this.buffer = this.product === null ? new ArrayBuffer(pages * PAGE_BYTES) : this.buffer;
        this.used = 0;
        this.input = this.take(Float64Array, padded(width));
        this.output = this.take(Float64Array, padded(width));
    }

    /** Whether products are computed by WebAssembly. */
    get usesWasm() {
        return this.product !== null;
    }

    take(Type, count) {
        const values = new Type(this.buffer, this.used, count);
        this.used += values.byteLength;
        return values;
    }

    /**
     * Copies a matrix into the memory.
     *
     * @param {Int8Array | Float32Array} values Of `[inputs, outputs]` row by row, or of `[outputs, inputs]` if
     *   `byOutput`.
     * @param {Float32Array | null} scales By output, for integers.
     * @returns {Matrix}
     */
    matrix(values, scales, [inputs, outputs], byOutput) {
        const width = padded(inputs);
        const copy = this.take(scales === null ? Float32Array : Int8Array, outputs * width);
        if (byOutput) {
            for (let row = 0; row < outputs; row++) {
                copy.set(values.subarray(row * inputs, (row + 1) * inputs), row * width);
            }
        } else {
            transpose(values, copy, inputs, outputs, width);
        }
        const own = scales === null ? null : this.take(Float32Array, padded(outputs));
        own?.set(scales);
        return { rows: outputs, columns: inputs, values: copy, scales: own };
    }

    /**
     * The product of a matrix and a vector: a view that is valid until the next product.
     *
     * @param {Matrix} matrix
     * @param {Float32Array | Float64Array} vector With as many values as the matrix has columns.
     */
    multiply({ rows, columns, values, scales }, vector) {
        const width = padded(columns);
        this.input.set(vector);
        this.input.fill(0, columns, width);
        if (this.product === null) {
            multiplyRows(values, scales, this.input, this.output, rows, width);
        } else if (scales === null) {
            this.product.float32(values.byteOffset, 0, this.input.byteOffset, this.output.byteOffset, rows, width);
        } else {
            const { byteOffset } = scales;
            this.product.int8(
                values.byteOffset,
                byteOffset,
                this.input.byteOffset,
                this.output.byteOffset,
                rows,
                width,
            );
        }
        return this.output.subarray(0, rows);
    }
}

/** Blocks of rows and columns, so that neither side leaves the processor's cache. */
function transpose(from, to, inputs, outputs, width) {
    const BLOCK = 32;
    for (let first = 0; first < inputs; first += BLOCK) {
        const last = Math.min(first + BLOCK, inputs);
        for (let output = 0; output < outputs; output++) {
            for (let input = first; input < last; input++) {
                to[output * width + input] = from[input * outputs + output];
            }
        }
    }
}

function multiplyRows(values, scales, x, y, rows, width) {
    for (let row = 0, at = 0; row < rows; row++) {
        let [s0, s1, s2, s3] = [0, 0, 0, 0];
        for (let column = 0; column < width; column += 4, at += 4) {
            s0 += values[at] * x[column];
            s1 += values[at + 1] * x[column + 1];
            s2 += values[at + 2] * x[column + 2];
            s3 += values[at + 3] * x[column + 3];
        }
        const sum = s0 + s1 + (s2 + s3);
        y[row] = scales === null ? sum : scales[row] * sum;
    }
}

/** The values of a row of a matrix, such as the vector of an id in an embedding. */
export function matrixRow({ columns, values, scales }, row) {
    const width = padded(columns);
    const found = Float32Array.from(values.subarray(row * width, row * width + columns));
    return scales === null ? found : found.map((value) => value * scales[row]);
}
