// Reads the parts of the page: elements with compressed bytes as text, and what the page says about its model.

/**
 * The code units of such a text: those from 0xA0 to 0xD7FF and from 0xE000. They are numbered; the first SHORT numbers
 * stand for 15 bits, the others for 16. The crate's `packed_text.rs` writes it.
 */
const FIRST_UNIT = 0xa0;
const [GAP_START, GAP] = [0xd800, 0x800];
const SHORT = 2768;

/** What the page says about its model. */
export const readAbout = () => JSON.parse(document.getElementById("page-about").textContent);

/**
 * The bytes of a part, or null if the page does not have it.
 *
 * @param {string} name
 * @param {Record<string, string>} hashes The SHA-256 that the parts must have.
 * @returns {Promise<Uint8Array | null>}
 */
export async function readPart(name, hashes) {
    const node = document.getElementById(`page-${name}`);
    if (node === null) {
        return null;
    }
    const damaged = new Error(`the part "${name}" of this file is damaged: make the page again`);
    const bytes = await inflate(bytesOfText(node.textContent, Number(node.dataset.bytes))).catch(() => {
        throw damaged;
    });
    // The element is not needed any more, and the text is large.
    node.remove();
    if (globalThis.crypto?.subtle !== undefined && (await hexDigest(bytes)) !== hashes[name]) {
        throw damaged;
    }
    return bytes;
}

/** The bytes that a text stands for, of which there are `length`. */
export function bytesOfText(text, length) {
    const bytes = new Uint8Array(length);
    let at = 0;
    // The last bits that were read; the lowest `count` of them are not in a byte yet.
    let bits = 0;
    let count = 0;
    for (let index = 0; index < text.length; index++) {
        const unit = text.charCodeAt(index);
        const number = unit - FIRST_UNIT - (unit < GAP_START ? 0 : GAP);
        if (number < SHORT) {
            bits = (bits << 15) | number;
            count += 15;
        } else {
            bits = (bits << 16) | (number + SHORT);
            count += 16;
        }
        while (count >= 8) {
            count -= 8;
            // What comes after the last byte has no place, and is dropped.
            bytes[at++] = bits >> count;
        }
    }
    return bytes;
}

/** Whether this browser can read the parts. */
export function canInflate() {
    try {
        return new DecompressionStream("deflate-raw") !== null;
    } catch {
        return false;
    }
}

/** The bytes that were compressed to these. */
export async function inflate(bytes) {
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function hexDigest(bytes) {
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
