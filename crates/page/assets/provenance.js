// What a text is exported as: the text, Markdown with the share of each author, or JSON with all branches. No DOM.

import { AUTHORS } from "./text_tree.js";

/** What people read for each author. */
export const AUTHOR_NAMES = {
    typed: "typed",
    chosen: "chosen from the model's words",
    sampled: "written by the model",
};

/** The share of each author in the characters of a text: `[{author, characters, percent}]`. */
export function authorShares(tree) {
    const shares = tree.shares();
    const all = Math.max(
        1,
        AUTHORS.reduce((sum, author) => sum + shares[author], 0),
    );
    return AUTHORS.map((author) => ({
        author,
        characters: shares[author],
        percent: (100 * shares[author]) / all,
    }));
}

/** The text alone. */
export function exportText(tree) {
    return `${tree.text()}\n`;
}

/** The text, the share of each author, and the models and seeds that wrote parts of it. */
export function exportMarkdown(tree) {
    const rows = authorShares(tree).map(
        ({ author, characters, percent }) => `| ${AUTHOR_NAMES[author]} | ${characters} | ${percent.toFixed(1)} % |`,
    );
    const lines = [tree.text(), "", "---", "", "| author | characters | share |", "|---|---|---|", ...rows];
    const models = modelsOf(tree);
    if (models.length > 0) {
        lines.push("", ...models.map((model) => `- ${modelLine(model)}`));
    }
    return `${lines.join("\n")}\n`;
}

/** The tree with all branches, as JSON. */
export function exportJson(tree, program) {
    return `${JSON.stringify({ program, ...tree.toJson() }, null, 2)}\n`;
}

/** The models that chose or sampled parts of the text, each with its seeds: `[{model, sha256, label, seeds}]`. */
function modelsOf(tree) {
    const models = new Map();
    for (const number of tree.path()) {
        const { author, origin } = tree.steps[number];
        if (author === null || author === "typed") {
            continue;
        }
        const key = JSON.stringify([origin.model, origin.model_sha256, origin.label]);
        if (!models.has(key)) {
            const { model, model_sha256: sha256, label } = origin;
            models.set(key, { model, sha256, label, seeds: new Set() });
        }
        if (origin.seed !== undefined) {
            models.get(key).seeds.add(origin.seed);
        }
    }
    return [...models.values()];
}

function modelLine({ model, sha256, label, seeds }) {
    const manifests = sha256.includes(", ") ? "the manifests" : "its manifest";
    const hash = sha256 === "" ? "" : `, SHA-256 of ${manifests} ${sha256}`;
    const labelled = label === undefined ? "" : `, label ${label}`;
    const used = seeds.size === 0 ? "" : `, seeds ${[...seeds].join(", ")}`;
    return `model ${model}${labelled}${hash}${used}`;
}
