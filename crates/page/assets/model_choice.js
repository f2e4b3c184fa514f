// The choice of a model: blended with another one, and with a label of its documents, where it can have these.

import { element, labelled, setChildren } from "./dom.js";
import { slider } from "./slider.js";

/** What the parts of the choice are called. */
const PART_NAMES = { blend: "Blend with", share: "Shares", label: "Label" };
/** The percents of the first model of a blend: the least, the most, and those at the beginning. */
const [LEAST_SHARE, MOST_SHARE, FIRST_SHARE] = [5, 95, 50];

/** The choice. */
export class ModelChoice {
    /**
     * `sources` are `[{source, info}]`, `onChange` gets such a pair or null, `none` is the label of a first entry without a
     * model, if there is one, and `names` are those of the parts if there are two choices in one view.
     */
    constructor({ label, sources, onChange, none = null, names = PART_NAMES }) {
        Object.assign(this, { sources, onChange });
        const first = none === null ? null : element("option", { value: "" }, none);
        this.model = element(
            "select",
            { onchange: () => this.changeModel() },
            first,
            ...sources.map(({ info }, at) => element("option", { value: at }, info.name)),
        );
        this.other = element("select", { onchange: () => this.changeOther() });
        this.label = element("select", { onchange: () => this.changed() });
        this.share = slider({
            label: names.share,
            min: LEAST_SHARE,
            max: MOST_SHARE,
            step: 5,
            value: FIRST_SHARE,
            format: (percent) => this.shareText(percent),
            hint: "How much each model counts: the probabilities of both are averaged with these shares.",
        });
        this.share.input.addEventListener("change", () => this.changed());
        this.otherField = labelled(names.blend, this.other);
        this.labelField = labelled(names.label, this.label);
        this.node = element(
            "div",
            { class: "model-choice" },
            labelled(label, this.model),
            this.otherField,
            this.share.node,
            this.labelField,
        );
        this.fillOthers();
        this.fillLabels();
    }

    /** The chosen model as `{source, info}`, or null. */
    chosen() {
        const model = this.chosenModel();
        const other = this.chosenOther();
        const label = this.label.value === "" ? null : this.label.value;
        if (model === null || (other === null && label === null)) {
            return model;
        }
        const blend = other === null ? null : { source: other.source, share: this.share.value() / 100 };
        return model.source.adapted({ blend, label });
    }

    chosenModel() {
        return this.model.value === "" ? null : this.sources[Number(this.model.value)];
    }

    /** The model that the chosen one is blended with, or null. */
    chosenOther() {
        return this.sources.find(({ info }) => info.name === this.other.value) ?? null;
    }

    changeModel() {
        this.fillOthers();
        this.fillLabels();
        this.changed();
    }

    changeOther() {
        this.share.node.hidden = this.chosenOther() === null;
        this.share.update();
        this.fillLabels();
        this.changed();
    }

    changed() {
        this.onChange(this.chosen());
    }

    /** Lists the models with which the chosen one can be blended; none is chosen. */
    fillOthers() {
        const names = this.chosenModel()?.info.blendsWith ?? [];
        fill(this.other, "none", names);
        this.other.value = "";
        this.otherField.hidden = names.length === 0;
        this.share.node.hidden = true;
    }

    /** Lists the labels that all models of the choice have, and keeps the chosen one if it is among them. */
    fillLabels() {
        const models = [this.chosenModel(), this.chosenOther()].filter((model) => model !== null);
        const [labels = [], others = labels] = models.map(({ info }) => info.labels);
        const common = labels.filter((label) => others.includes(label));
        fill(this.label, "none", common);
        this.labelField.hidden = common.length === 0;
    }

    shareText(percent) {
        const [model, other] = [this.chosenModel(), this.chosenOther()];
        return other === null ? "" : `${percent} % ${model.info.name}, ${100 - percent} % ${other.info.name}`;
    }
}

/** Fills a select with names after an entry without a value, and keeps the chosen one if it is among them. */
function fill(select, none, names) {
    const chosen = select.value;
    const options = names.map((name) => element("option", { value: name }, name));
    setChildren(select, element("option", { value: "" }, none), ...options);
    select.value = names.includes(chosen) ? chosen : "";
}
