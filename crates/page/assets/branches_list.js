// The branches of a text, as buttons that lead to the end of each.

import { element, setChildren } from "./dom.js";

/** The characters of a branch that its button shows. */
const SHOWN = 60;

/** The list of branches. */
export class BranchesList {
    /**
     * `onGo` gets the number of the step that is the end of a branch; `onDelete` is called to delete all but the
     * current one.
     */
    constructor({ onGo, onDelete }) {
        this.onGo = onGo;
        this.deleteButton = element(
            "button",
            { type: "button", hidden: true, onclick: () => this.confirmDeletion() && onDelete() },
            "Delete the other branches",
        );
        this.list = element("ol", { class: "branches" });
        this.empty = element("p", { class: "hint" }, "Undo, then choose another word: both versions stay here.");
        this.node = element("section", {}, element("h2", {}, "Branches"), this.list, this.empty, this.deleteButton);
    }

    /** Asks whether the other branches are to be deleted, which cannot be undone. */
    confirmDeletion() {
        const others = this.list.childElementCount - 1;
        const what = others === 1 ? "the other branch? It" : `the ${others} other branches? They`;
        return confirm(`Delete ${what} cannot be brought back.`);
    }

    /** Shows the branches of a tree: each by what is its own, after the beginning that it shares with the text. */
    show(tree) {
        const leaves = tree.leaves();
        this.empty.hidden = leaves.length > 1;
        this.deleteButton.hidden = leaves.length <= 1;
        const path = new Set(tree.path());
        setChildren(this.list, ...(leaves.length > 1 ? leaves.map((leaf) => this.item(tree, leaf, path)) : []));
    }

    item(tree, leaf, path) {
        const shared = tree
            .path(leaf)
            .filter((step) => path.has(step))
            .at(-1);
        const isCurrent = path.has(leaf);
        const whole = tree.text(leaf);
        const own = isCurrent ? whole : whole.slice(Math.min(tree.text(shared).length, whole.length));
        const text = own.length <= SHOWN ? own : isCurrent ? `…${own.slice(-SHOWN)}` : `${own.slice(0, SHOWN)}…`;
        const steps = tree.path(leaf).length - 1;
        return element(
            "li",
            {},
            element(
                "button",
                {
                    "type": "button",
                    "class": "branch",
                    "aria-current": isCurrent ? "true" : null,
                    "onclick": () => this.onGo(leaf),
                },
                element("bdi", {}, text.trim() === "" ? "(the beginning)" : text),
                element("span", { class: "hint" }, `${steps} steps`),
            ),
        );
    }
}
