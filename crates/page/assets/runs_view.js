// The view of a run that is being trained: its losses, its samples, and whether anything still comes.

import { element, labelled, setChildren } from "./dom.js";
import { LossChart } from "./loss_chart.js";
import { RunMetrics, sampleTexts } from "./run_metrics.js";
import { followRun } from "./run_stream.js";

/** The epochs whose samples are shown. */
const SHOWN_SAMPLES = 6;

/** The view. */
export class RunsView {
    constructor({ api, status }) {
        Object.assign(this, { api, status });
        this.metrics = new RunMetrics();
        this.samples = [];
        this.following = null;
        this.isDrawn = true;
        this.select = element("select", { onchange: () => this.follow(this.select.value) });
        this.refreshButton = element("button", { type: "button", onclick: () => this.list() }, "Look for runs");
        this.state = element("p", { class: "state", role: "status" }, "");
        this.chart = new LossChart();
        this.numbers = element("dl", { class: "numbers" });
        this.samplesNode = element("div", { class: "samples", tabindex: "0", role: "group", "aria-label": "Samples" });
        const legend = element("p", { class: "legend" }, element("span", { class: "key train" }, "training loss"), element("span", { class: "key valid" }, "validation loss"), element("span", { class: "hint" }, "nats per token"));
        this.body = element("div", { class: "columns", hidden: true },
            element("div", { class: "main" }, element("div", { class: "paper" }, this.chart.node, legend), this.numbers),
            element("aside", { "aria-label": "Samples of the run" }, element("section", {}, element("h2", {}, "Samples"), this.samplesNode)));
        this.empty = element("p", { class: "placeholder", hidden: true });
        this.node = element("div", {}, element("div", { class: "toolbar" }, labelled("Run", this.select), this.refreshButton, this.state), this.empty, this.body);
    }

    /** Called when the view is shown. */
    async shown() {
        if (this.following === null) {
            await this.list();
        }
    }

    /** Asks for the runs, and follows the newest one if none is followed. */
    async list() {
        try {
            const { runs } = await this.api.get("/api/runs");
            const before = this.select.value;
            setChildren(this.select, ...runs.map(({ name, is_training: isTraining }) => element("option", { value: name }, isTraining ? `${name} (training)` : name)));
            this.empty.hidden = runs.length > 0;
            this.empty.textContent = "There are no runs in the folder runs/ of the server: train one, then look again.";
            if (runs.some(({ name }) => name === before)) {
                this.select.value = before;
            } else if (runs.length > 0) {
                this.follow(runs[0].name);
            }
        } catch (error) {
            this.status(error.message, true);
        }
    }

    /** Follows a run instead of the one before. */
    async follow(name) {
        this.following?.abort();
        const following = new AbortController();
        this.following = following;
        this.metrics.clear();
        this.samples = [];
        this.body.hidden = false;
        this.draw();
        const states = { open: "Connected; new losses appear as they are written.", complete: "The run is complete.", waiting: "Waiting for the server to come back." };
        const onState = (state) => {
            this.state.textContent = states[state];
            this.state.classList.toggle("live", state === "open");
        };
        try {
            await followRun(this.api, name, { onEvent: (event) => this.add(event), onState, signal: following.signal });
        } catch (error) {
            this.state.textContent = error.message;
            this.state.classList.remove("live");
        }
    }

    add({ event, data }) {
        if (event === "truncated") {
            this.metrics.clear();
            this.samples = [];
        } else if (event === "samples") {
            this.samples.push(...sampleTexts(data));
        } else if (event === "message") {
            this.addLine(data);
        }
        if (this.isDrawn) {
            this.isDrawn = false;
            requestAnimationFrame(() => this.draw());
        }
    }

    addLine(data) {
        let line;
        try {
            line = JSON.parse(data);
        } catch {
            return; // Another program wrote it.
        }
        this.metrics.add(line);
    }

    draw() {
        this.isDrawn = true;
        const { metrics } = this;
        this.chart.show([
            { name: "training loss", className: "train", points: metrics.trainCurve() },
            { name: "validation loss", className: "valid", points: metrics.valid },
        ]);
        const number = (value, digits) => (Number.isFinite(value) ? value.toFixed(digits) : "–");
        const best = metrics.bestEpoch();
        const last = metrics.epochs.at(-1);
        const train = metrics.trainCurve().at(-1);
        const rows = [
            ["Step", train === undefined ? "–" : String(train[0])],
            ["Training loss", number(train?.[1], 3)],
            ["Validation loss", number(last?.valid_loss_nats_per_token, 3)],
            ["Best epoch", best === null ? "–" : `${best.epoch} (${number(best.valid_loss_nats_per_token, 3)})`],
            ["Perplexity", number(last?.valid_perplexity, 1)],
            ["Learning rate", metrics.latest?.learning_rate === undefined ? "–" : metrics.latest.learning_rate.toPrecision(3)],
            ["Tokens per second", number(metrics.latest?.tokens_per_second, 0)],
            ...(metrics.rollbacks.length > 0 ? [["Rollbacks", String(metrics.rollbacks.length)]] : []),
        ];
        setChildren(this.numbers, ...rows.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))));
        const samples = this.samples.slice(-SHOWN_SAMPLES).reverse();
        setChildren(this.samplesNode, ...(samples.length === 0 ? [element("p", { class: "hint" }, "None yet: a sample is written at the end of each epoch.")] : samples.map((text) => element("pre", { dir: "auto" }, text.trim()))));
    }
}
