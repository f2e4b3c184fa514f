// Reads a page that is a model from its file, as a browser does.

import assert from "node:assert/strict";
import fs from "node:fs";
import { bytesOfText, inflate } from "../model/page_parts.js";

const PART = /<script type="text\/plain" id="page-([a-z-]+)" data-bytes="(\d+)">([^<]*)<\/script>/gu;
const ABOUT = /<script type="application\/json" id="page-about">([^<]*)<\/script>/u;

/**
 * What a page says about its model, and the bytes of its parts, whose hashes are checked.
 *
 * @returns {Promise<{about: object, parts: Map<string, Uint8Array>}>}
 */
export async function readPage(path) {
    const html = fs.readFileSync(path, "utf16le");
    const about = JSON.parse(ABOUT.exec(html)[1]);
    const parts = new Map();
    for (const [, name, length, text] of html.matchAll(PART)) {
        const bytes = await inflate(bytesOfText(text, Number(length)));
        const digest = Buffer.from(await crypto.subtle.digest("SHA-256", bytes));
        assert.equal(digest.toString("hex"), about.sha256[name]);
        parts.set(name, bytes);
    }
    assert.deepEqual([...parts.keys()].sort(), Object.keys(about.sha256).sort());
    return { about, parts };
}
