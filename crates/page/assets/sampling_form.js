// The sliders of sampling.

import { element, labelled } from "./dom.js";
import { DEFAULT_SAMPLING } from "./sampling_filters.js";
import { slider } from "./slider.js";

/** The most that the slider of copied tokens goes to; 0 is without limit. */
const MOST_COPIED = 20;
/** The fewest copied tokens that it can be: shorter sequences are in nearly every text. */
const FEWEST_COPIED = 3;
/** The longest text that the slider of the length asks for. */
const LONGEST = 400;

/** The form with the sampling options, the length of a sample and its seed. */
export class SamplingForm {
    /** `onChange` is called when an option has changed. */
    constructor(onChange) {
        const percent = (value) => `${Math.round(100 * value)} %`;
        const times = (value) => value.toFixed(2);
        this.temperature = slider({
            label: "Temperature",
            min: 0,
            max: 2,
            step: 0.05,
            value: DEFAULT_SAMPLING.temperature,
            format: times,
            hint: "Lower: likelier words. 0: the likeliest.",
        });
        this.topP = slider({
            label: "Top-p",
            min: 0.05,
            max: 1,
            step: 0.05,
            value: DEFAULT_SAMPLING.topP,
            format: percent,
            hint: "The likeliest words that together have this probability.",
        });
        this.minP = slider({
            label: "Min-p",
            min: 0,
            max: 0.5,
            step: 0.01,
            value: DEFAULT_SAMPLING.minP,
            format: percent,
            hint: "At least this part of the likeliest word's probability.",
        });
        const limit = (value) => (value < FEWEST_COPIED ? "no limit" : `${value} in a row`);
        this.maxCopied = slider({
            label: "Never copy more than",
            min: FEWEST_COPIED - 1,
            max: MOST_COPIED,
            step: 1,
            value: FEWEST_COPIED - 1,
            format: limit,
            hint: "Tokens in a row that stand in the training text.",
        });
        this.length = slider({
            label: "Length",
            min: 1,
            max: LONGEST,
            step: 1,
            value: 40,
            format: (value) => `${value} tokens`,
            hint: "What “Write on” adds at most.",
        });
        this.seed = element("input", {
            type: "text",
            inputmode: "numeric",
            pattern: "[0-9]*",
            maxlength: "15",
            placeholder: "a new one each time",
        });
        this.copyNote = element("p", { class: "hint", hidden: true });
        this.sliders = [this.temperature, this.topP, this.minP, this.maxCopied, this.length];
        this.node = element(
            "fieldset",
            { class: "settings", oninput: () => onChange() },
            element("legend", {}, "How the model writes"),
            ...this.sliders.map((each) => each.node),
            this.copyNote,
            labelled("Seed", this.seed),
        );
    }

    /** The sampling options; without a limit of copied tokens where the model cannot honour it. */
    sampling() {
        const hasLimit = !this.maxCopied.input.disabled && this.maxCopied.value() >= FEWEST_COPIED;
        const maxCopied = hasLimit ? this.maxCopied.value() : 0;
        return { temperature: this.temperature.value(), topP: this.topP.value(), minP: this.minP.value(), maxCopied };
    }

    /** The most tokens of a sample. */
    maxTokens() {
        return this.length.value();
    }

    /** The seed that was given, or a new one. */
    chosenSeed() {
        const given = this.seed.value.trim();
        return /^[0-9]+$/u.test(given) ? Number(given) : crypto.getRandomValues(new Uint32Array(1))[0];
    }

    /** If this seed is the given one, gives the next one instead. */
    replaceSeed(used) {
        if (this.seed.value.trim() !== "" && this.chosenSeed() === used) {
            this.seed.value = String(used + 1);
        }
    }

    /** Adapts the form to a model. */
    setModel({ maxTokens, noCopyLimit }) {
        this.length.input.max = String(Math.min(LONGEST, maxTokens));
        this.length.update();
        this.maxCopied.node.hidden = noCopyLimit !== null;
        this.maxCopied.input.disabled = noCopyLimit !== null;
        this.copyNote.hidden = noCopyLimit === null;
        this.copyNote.textContent = noCopyLimit === null ? "" : `Copies cannot be limited: ${noCopyLimit}`;
    }
}
