// Starts a page that is a model: unpacks the style sheet and the script of the page, which then reads the model.

import { showFailure } from "./page_failure.js";
import { canInflate, readAbout, readPart } from "./page_parts.js";

start().catch(showFailure);

async function start() {
    if (!canInflate()) {
        throw new Error("this browser is too old: use a version of 2023 or later");
    }
    const { sha256 } = readAbout();
    const names = ["style", "script"];
    const parts = await Promise.all(names.map((name) => readPart(name, sha256)));
    names.forEach((tag, at) => {
        const node = document.createElement(tag);
        // The security policy of the page has the hash of this text.
        node.textContent = new TextDecoder().decode(parts[at]);
        document.head.append(node);
    });
}
