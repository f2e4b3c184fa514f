// Keeps the text in the browser, so that a reload does not lose it.

import { TextTree } from "./text_tree.js";

/** The name under which the browser keeps it. Pages that were opened from disk share what is kept. */
const draftKey = () => (location.protocol === "file:" ? `pastiche-draft ${location.pathname}` : "pastiche-draft");

/** Keeps the tree. Where the browser does not allow it, nothing is kept. */
export function keepDraft(tree) {
    try {
        localStorage.setItem(draftKey(), JSON.stringify(tree.toJson()));
    } catch {
        // Storage is full or switched off: the text stays on the page.
    }
}

/** The tree that was kept, or an empty one. */
export function keptDraft() {
    try {
        const kept = localStorage.getItem(draftKey());
        return kept === null ? new TextTree() : TextTree.fromJson(JSON.parse(kept));
    } catch {
        return new TextTree();
    }
}
