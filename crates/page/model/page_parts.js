// Reads the parts of the page: elements with compressed bytes in base64, and what the page says about its model.

/** What the page says about its model. */
export const readAbout = () => JSON.parse(document.getElementById("page-about").textContent);

/**
 * The bytes of a part, or null if the page does not have it.
 *
 * @param {string} name
 * @param {string | undefined} sha256 The hash that they must have.
 * @returns {Promise<Uint8Array | null>}
 */
export async function readPart(name, sha256) {
    const node = document.getElementById(`page-${name}`);
    if (node === null) {
        return null;
    }
    const bytes = await inflate(fromBase64(node.textContent));
    // The element is not needed any more, and the text is large.
    node.remove();
    if (globalThis.crypto?.subtle !== undefined && (await hexDigest(bytes)) !== sha256) {
        throw new Error(`the part "${name}" of this file is damaged: make the page again`);
    }
    return bytes;
}

/** The bytes that a text in base64 stands for. */
export function fromBase64(text) {
    if (Uint8Array.fromBase64 !== undefined) {
        return Uint8Array.fromBase64(text);
    }
    const characters = atob(text);
    const bytes = new Uint8Array(characters.length);
    for (let at = 0; at < bytes.length; at++) {
        bytes[at] = characters.charCodeAt(at);
    }
    return bytes;
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
