// The view in which a draft is measured: every word coloured by the surprise of a model, or by the difference between
// two models.

import { element, setChildren } from "./dom.js";
import { MarkedText } from "./marked_text.js";
import { ModelChoice } from "./model_choice.js";
import { SURPRISE_LEVELS, bitsText, percentText, surpriseLevel, surpriseOfWords, totalSurprise } from "./words.js";

/** The words that the table lists. */
const LISTED_WORDS = 12;
/** What the parts of the second choice are called. */
const SECOND_NAMES = { blend: "… blended with", share: "Its shares", label: "Its label" };
/** The differences in nats from which the two levels of a colour begin. */
const DIFFERENCE_LEVELS = [0.5, 2];

/** The view. */
export class MeasureView {
    constructor({ sources, status }) {
        this.status = status;
        this.request = null;
        this.measured = null;
        const onChange = () => this.measureAgain();
        this.first = new ModelChoice({ label: "Model", sources, onChange });
        this.second = new ModelChoice({
            label: "Compare with",
            sources,
            onChange,
            none: "no other model",
            names: SECOND_NAMES,
        });
        this.draft = element("textarea", {
            "rows": "7",
            "dir": "auto",
            "aria-label": "Your draft",
            "placeholder": "Paste a draft here",
            "spellcheck": "false",
            "onkeydown": (event) => {
                if ((event.ctrlKey || event.metaKey) && event.key === "Enter" && !event.isComposing) {
                    this.measure();
                }
            },
        });
        this.text = new MarkedText("The measured draft. The arrow keys select a word.", {
            onSelect: (number) => this.showWord(number),
        });
        this.word = element(
            "p",
            { "class": "reading", "aria-live": "polite" },
            "Point to a word, or select one with the arrow keys.",
        );
        this.summary = element("table", { class: "summary" });
        this.list = element("table", { class: "summary" });
        this.legend = element("p", { class: "legend" });
        this.result = element(
            "div",
            { hidden: true },
            element("div", { class: "paper" }, this.text.node, this.legend),
            this.word,
        );
        this.tables = element(
            "aside",
            { "aria-label": "Sums and the most surprising words", "hidden": true },
            this.summary,
            this.list,
        );
        const button = element("button", { type: "submit", class: "primary", title: "Ctrl+Enter" }, "Measure");
        this.node = element(
            "div",
            { class: "columns" },
            element(
                "div",
                { class: "main" },
                element(
                    "form",
                    {
                        onsubmit: (event) => {
                            event.preventDefault();
                            this.measure();
                        },
                    },
                    element("div", { class: "toolbar" }, this.first.node, this.second.node, button),
                    this.draft,
                ),
                this.result,
            ),
            this.tables,
        );
    }

    measureAgain() {
        if (this.measured !== null) {
            this.measure();
        }
    }

    /** Measures the draft with the chosen models. */
    async measure() {
        const draft = this.draft.value;
        if (draft.trim() === "") {
            this.status("There is no draft yet: paste a text into the field.", true);
            this.draft.focus();
            return;
        }
        this.request?.abort();
        const request = new AbortController();
        this.request = request;
        this.status("Measuring …");
        try {
            const chosen = [this.first.chosen(), this.second.chosen()].filter((each) => each !== null);
            const models = await Promise.all(
                chosen.map(async ({ source, info }) => {
                    const words = surpriseOfWords(draft, await source.read({ text: draft, signal: request.signal }));
                    return { name: info.name, words, total: totalSurprise(words) };
                }),
            );
            if (!request.signal.aborted) {
                this.measured = { draft, models };
                this.show();
                this.status("");
            }
        } catch (error) {
            if (error.name !== "AbortError" && !request.signal.aborted) {
                this.status(error.message, true);
            }
        }
    }

    show() {
        const { draft, models } = this.measured;
        const [first, second] = models;
        const words = first.words.map(({ start, end }, at) => ({ start, end, classes: this.classes(at) }));
        this.text.show(draft, { words });
        this.result.hidden = false;
        this.tables.hidden = false;
        const key = (className, text) => element("span", { class: className }, text);
        setChildren(
            this.legend,
            ...(second === undefined
                ? SURPRISE_LEVELS.map((nats, at) =>
                      key(`level-${at + 1}`, `${bitsText(nats)}${at === SURPRISE_LEVELS.length - 1 ? " or more" : ""}`),
                  )
                : [
                      key("more-2", `more surprising for ${first.name}`),
                      key("less-2", `more surprising for ${second.name}`),
                  ]),
        );
        this.showSums();
        this.showList();
    }

    /**
     * How much more surprising a word is for the first model than for the second one, in nats; null if that is not
     * known.
     */
    difference(at) {
        const [first, second] = this.measured.models;
        const [a, b] = [first.words[at].nats, second.words[at].nats];
        return a === null || b === null ? null : a - b;
    }

    classes(at) {
        const { models } = this.measured;
        if (models.length === 1) {
            const { nats } = models[0].words[at];
            return nats === null ? [] : [`level-${surpriseLevel(nats)}`];
        }
        const difference = this.difference(at) ?? 0;
        const level = DIFFERENCE_LEVELS.filter((from) => Math.abs(difference) >= from).length;
        return level === 0 ? [] : [`${difference > 0 ? "more" : "less"}-${level}`];
    }

    showWord(number) {
        if (number === null || this.measured === null) {
            return;
        }
        const { draft, models } = this.measured;
        const { start, end } = models[0].words[number];
        const parts = models.map(({ name, words }) => {
            const { nats } = words[number];
            return `${name}: ${nats === null ? "no score" : `${bitsText(nats)}, ${percentText(Math.exp(-nats))}`}`;
        });
        const difference = models.length === 2 ? this.difference(number) : null;
        const signed =
            difference === null ? "" : `; difference ${difference > 0 ? "+" : "−"}${bitsText(Math.abs(difference))}`;
        setChildren(
            this.word,
            element("bdi", { class: "word" }, draft.slice(start, end)),
            ` — ${parts.join("; ")}${signed}`,
        );
    }

    showSums() {
        const { models } = this.measured;
        const rows = models.map(({ name, total: { nats, words } }) =>
            element(
                "tr",
                {},
                element("th", { scope: "row" }, element("bdi", {}, name)),
                element("td", {}, words === 0 ? "–" : bitsText(nats / words)),
                element("td", {}, bitsText(nats)),
                element("td", {}, String(words)),
            ),
        );
        setChildren(
            this.summary,
            element("caption", {}, "Surprise"),
            element("thead", {}, headerRow("Model", "per word", "in all", "words")),
            element("tbody", {}, ...rows),
        );
    }

    /** The most surprising words, or those with the largest differences. */
    showList() {
        const { draft, models } = this.measured;
        const isCompared = models.length === 2;
        const value = (at) => (isCompared ? this.difference(at) : models[0].words[at].nats);
        const order = models[0].words.map((_, at) => at).filter((at) => value(at) !== null);
        order.sort((a, b) => Math.abs(value(b)) - Math.abs(value(a)));
        const rows = order.slice(0, LISTED_WORDS).map((at) => {
            const { start, end } = models[0].words[at];
            return element(
                "tr",
                {},
                element("th", { scope: "row" }, element("bdi", {}, draft.slice(start, end))),
                ...models.map(({ words }) => element("td", {}, bitsText(words[at].nats))),
            );
        });
        setChildren(
            this.list,
            element("caption", {}, isCompared ? "Largest differences" : "Most surprising"),
            element("thead", {}, headerRow("Word", ...models.map(({ name }) => name))),
            element("tbody", {}, ...rows),
        );
    }
}

function headerRow(...names) {
    return element("tr", {}, ...names.map((name) => element("th", { scope: "col" }, element("bdi", {}, name))));
}
