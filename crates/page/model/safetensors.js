// Reads a file of weights in the format safetensors: <https://github.com/huggingface/safetensors>.

/**
 * A tensor of a file.
 *
 * @typedef {object} StoredTensor
 * @property {number[]} shape
 * @property {Int8Array | Float32Array} values
 */

/**
 * The tensors of a file by name. Half-precision floats are widened.
 *
 * @param {Uint8Array} bytes
 * @returns {Map<string, StoredTensor>}
 */
export function readSafetensors(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const start = 8 + view.getUint32(0, true);
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, start)));
    delete header.__metadata__;
    return new Map(Object.entries(header).map(([name, { dtype, shape, data_offsets: [from, to] }]) => {
        // A copy, because its first byte has any position.
        const data = bytes.slice(start + from, start + to);
        return [name, { shape, values: VALUES[dtype](data.buffer) }];
    }));
}

const VALUES = {
    I8: (buffer) => new Int8Array(buffer),
    F32: (buffer) => new Float32Array(buffer),
    F16: (buffer) => Float32Array.from(new Uint16Array(buffer), widen),
};

/** The value of a half-precision float. */
function widen(bits) {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 0x1f;
    const fraction = bits & 0x3ff;
    return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}
