// The view in which a passage is turned into questions: its answers are highlighted, and the questions can be saved.

import { element, labelled, saveFile, setChildren } from "./dom.js";
import { segmentsOf } from "./segments.js";
import { unitsOfCharacters } from "./server_source.js";
import { slider } from "./slider.js";

/** The forms in which questions are saved: the name of the server, the file and its type. */
const QUESTION_FILES = [
    { format: "csv", label: "Save CSV", name: "questions.csv", type: "text/csv" },
    { format: "jsonl", label: "Save JSON Lines", name: "questions.jsonl", type: "application/jsonl" },
    { format: "anki", label: "Save for Anki", name: "questions-anki.txt", type: "text/plain" },
];

/** The view. */
export class QuestionsView {
    constructor({ api, status, models }) {
        Object.assign(this, { api, status, models });
        this.model = element(
            "select",
            { onchange: () => this.updateModel() },
            ...models.map(({ name }) => element("option", { value: name }, name)),
        );
        this.asked = null;
        this.items = [];
        this.answers = [];
        this.passage = element("textarea", {
            "rows": "7",
            "dir": "auto",
            "aria-label": "The passage",
            "placeholder": "Paste a passage here",
            "spellcheck": "false",
        });
        this.note = element(
            "p",
            { class: "hint", hidden: true },
            "There is no question model: questions are asked by rules alone, about English sentences.",
        );
        this.confidence = slider({
            label: "Confidence of at least",
            min: 0,
            max: 0.9,
            step: 0.05,
            value: 0,
            format: (value) => (value === 0 ? this.defaultConfidence() : `${Math.round(100 * value)} %`),
        });
        this.text = element("div", { class: "marked-text", dir: "auto" });
        this.list = element("ol", { class: "questions" });
        this.summary = element("p", { class: "hint", role: "status" });
        const save = QUESTION_FILES.map((file) =>
            element("button", { type: "button", onclick: () => this.save(file) }, file.label),
        );
        this.result = element("div", { class: "paper", hidden: true }, this.text);
        this.side = element(
            "aside",
            { "aria-label": "The questions", "hidden": true },
            element(
                "section",
                {},
                element("h2", {}, "Questions"),
                this.summary,
                this.list,
                element("div", { class: "toolbar" }, ...save),
            ),
        );
        const form = element(
            "form",
            {
                onsubmit: (event) => {
                    event.preventDefault();
                    this.ask();
                },
            },
            element(
                "div",
                { class: "toolbar" },
                labelled("Questions by", this.model),
                this.confidence.node,
                element("button", { type: "submit", class: "primary" }, "Find questions"),
            ),
            this.passage,
            this.note,
        );
        this.updateModel();
        this.node = element(
            "div",
            { class: "columns" },
            element("div", { class: "main" }, form, this.result),
            this.side,
        );
    }

    /** Whether a network asks, and not rules alone. */
    hasNetwork() {
        return this.models.find(({ name }) => name === this.model.value)?.has_network !== false;
    }

    /** Says what asks. */
    updateModel() {
        this.note.hidden = this.hasNetwork();
        this.confidence.update();
    }

    /** What the slider says if no confidence is given. */
    defaultConfidence() {
        return this.hasNetwork() ? "the model's own" : "the default";
    }

    request() {
        const confidence = this.confidence.value();
        return {
            model: this.model.value,
            text: this.passage.value,
            ...(confidence > 0 ? { min_confidence: confidence } : {}),
        };
    }

    /** Asks about the passage. */
    async ask() {
        if (this.passage.value.trim() === "") {
            this.status("There is no passage yet: paste a text into the field.", true);
            this.passage.focus();
            return;
        }
        this.status("Looking for questions …");
        const request = this.request();
        try {
            const { questions } = await this.api.post("/api/questions", request);
            this.asked = request;
            this.show(request.text, questions);
            this.status("");
        } catch (error) {
            this.status(error.message, true);
        }
    }

    show(text, questions) {
        const units = unitsOfCharacters(text);
        const ranges = questions.map(({ answer_characters: [start, end] }, number) => ({
            start: units[start],
            end: units[end],
            number,
        }));
        const inOrder = [...ranges].sort((a, b) => a.start - b.start || b.end - a.end);
        this.answers = questions.map(() => []);
        const parts = segmentsOf(text, { answer: inOrder }).map(({ start, end, marks: { answer } }) => {
            const part = text.slice(start, end);
            if (answer === undefined) {
                return part;
            }
            // Questions about the same words share their mark.
            const numbers = ranges
                .filter((range) => range.start < end && start < range.end)
                .map(({ number }) => number);
            const mark = element(
                "mark",
                {
                    class: "answer",
                    title: numbers.map((number) => questions[number].question).join("\n"),
                    onpointerover: () => this.select(numbers[0]),
                },
                part,
            );
            numbers.forEach((number) => this.answers[number].push(mark));
            return mark;
        });
        setChildren(this.text, ...parts);
        this.items = questions.map((question, number) => this.item(question, number));
        setChildren(this.list, ...this.items);
        this.summary.textContent =
            questions.length === 0
                ? "No question was found: try another passage, or a lower confidence."
                : `${questions.length} questions; select one to see its answer.`;
        this.result.hidden = false;
        this.side.hidden = false;
    }

    item({ question, answer, confidence }, number) {
        const shown = confidence === undefined || confidence === null ? "" : `${Math.round(100 * confidence)} %`;
        return element(
            "li",
            {},
            element(
                "button",
                {
                    type: "button",
                    class: "question",
                    onfocus: () => this.select(number),
                    onpointerover: () => this.select(number),
                },
                element("bdi", { class: "asked" }, question),
                element("bdi", { class: "answer" }, answer),
                element("span", { class: "percent" }, shown),
            ),
        );
    }

    select(number) {
        const update = (nodes, isSelected) => nodes.forEach((node) => node.classList.toggle("selected", isSelected));
        this.answers.forEach((marks) => update(marks, false));
        this.items.forEach((item, at) => item.classList.toggle("selected", at === number));
        update(this.answers[number], true);
    }

    /** Saves the questions in the form of `ask --format`. */
    async save({ format, name, type }) {
        try {
            const response = await this.api.open("/api/questions", { body: { ...this.asked, format } });
            saveFile(name, type, await response.text());
        } catch (error) {
            this.status(error.message, true);
        }
    }
}
