// Saving the text, with the share of each author, and opening a saved one.

import { element, saveFile, setChildren } from "./dom.js";
import { AUTHOR_NAMES, authorShares, exportJson, exportMarkdown, exportText } from "./provenance.js";
import { TextTree } from "./text_tree.js";

/**
 * The panel: `tree()` is the tree that is saved, `onOpen` gets one that was opened and returns whether it is shown now;
 * call `update()` when the tree has changed.
 */
export function exportPanel({ tree, program, status, onOpen }) {
    const shares = element("ul", { class: "shares" });
    const save = (label, name, type, text) =>
        element("button", { type: "button", onclick: () => saveFile(name, type, text()) }, label);
    const file = element("input", {
        "type": "file",
        "accept": ".json,application/json",
        "class": "file",
        "aria-label": "Open a saved text (JSON)",
    });
    file.addEventListener("change", async () => {
        const [chosen] = file.files;
        if (chosen === undefined) {
            return;
        }
        try {
            const isOpen = onOpen(TextTree.fromJson(parseJson(await chosen.text())));
            if (isOpen) {
                status(`${chosen.name} is open.`);
            } else {
                status(`${chosen.name} is not open, because the model is writing: stop it, then open the file.`, true);
            }
        } catch (error) {
            status(error.message, true);
        }
        file.value = "";
    });
    const node = element(
        "section",
        {},
        element("h2", {}, "Who wrote it"),
        shares,
        element(
            "div",
            { class: "toolbar" },
            save("Save text", "text.txt", "text/plain", () => exportText(tree())),
            save("Save Markdown", "text.md", "text/markdown", () => exportMarkdown(tree())),
            save("Save JSON", "text.json", "application/json", () => exportJson(tree(), program)),
        ),
        element("label", { class: "field" }, element("span", { class: "name" }, "Open a saved text (JSON)"), file),
    );
    node.update = () =>
        setChildren(
            shares,
            ...authorShares(tree()).map(({ author, percent }) =>
                element("li", { class: `share-${author}` }, `${percent.toFixed(0)} % ${AUTHOR_NAMES[author]}`),
            ),
        );
    return node;
}

function parseJson(text) {
    try {
        return JSON.parse(text);
    } catch {
        throw new Error("this is no saved text: it is no JSON; expected a file that this page has saved");
    }
}
