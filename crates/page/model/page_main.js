// The script of a page that is a model, which page_start.js starts: reads the model from the page, and shows the views.

import { App } from "../assets/app.js";
import { element } from "../assets/dom.js";
import { MeasureView } from "../assets/measure_view.js";
import { WriteView } from "../assets/write_view.js";
import { loadModel } from "./load_model.js";
import { showFailure } from "./page_failure.js";
import { readAbout, readPart } from "./page_parts.js";

const root = document.getElementById("app");

startModelPage().catch(showFailure);

async function startModelPage() {
    const about = readAbout();
    const { sha256 } = about;
    const names = ["weights", "tokenizer", "training-text"];
    const [weights, tokenizer, trainingText] = await Promise.all(names.map((name) => readPart(name, sha256)));
    const source = loadModel(about, weights, tokenizer, trainingText);
    const app = new App(root);
    const options = { sources: [{ source, info: await source.info() }], status: app.status, program: about.program };
    app.show(
        [
            { id: "write", name: "Write", title: "Write with a model", view: new WriteView(options) },
            { id: "measure", name: "Measure", title: "Measure a draft", view: new MeasureView(options) },
        ],
        notes(about, trainingText !== null),
    );
    // For tests: the source, when the page was ready, in milliseconds after the browser began to open it, and by what it
    // computes products.
    globalThis.modelSource = source;
    document.documentElement.dataset.ready = Math.round(performance.now());
    document.documentElement.dataset.product = source.reader.network.memory.usesWasm ? "wasm" : "script";
}

/** What this file holds. */
function notes({ program, name, parameters, precision, hash }, hasText) {
    const count = parameters.toLocaleString("en");
    const text = hasText
        ? "It contains the whole training text, by which copied passages are found: share it only if you may share that."
        : "The training text is not included, but a model holds parts of its text: it may write passages of it unchanged.";
    return element(
        "div",
        {},
        element(
            "p",
            {},
            `This file is the model ${name}: ${count} weights in ${precision}, its vocabulary and this page. ${text}`,
        ),
        element(
            "p",
            {},
            "It works without a network, and nothing that you write leaves this machine. The same seed gives another text " +
                "in the program, because the random numbers are others.",
        ),
        element("p", { class: "hint" }, `${program}; model ${hash.slice(0, 16)}`),
    );
}
