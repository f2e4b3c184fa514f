// Keeps the text in the browser, so that a reload does not lose it.

import { TextTree } from "./text_tree.js";

/** The name under which the browser keeps it. */
const DRAFT_KEY = "pastiche-draft";

/** Keeps the tree. Where the browser does not allow it, nothing is kept. */
export function keepDraft(tree) {
    try {
        localStorage.setItem(DRAFT_KEY, JSON.stringify(tree.toJson()));
    } catch {
        // Storage is full or switched off: the text stays on the page.
    }
}

/** The tree that was kept, or an empty one. */
export function keptDraft() {
    try {
        const kept = localStorage.getItem(DRAFT_KEY);
        return kept === null ? new TextTree() : TextTree.fromJson(JSON.parse(kept));
    } catch {
        return new TextTree();
    }
}
