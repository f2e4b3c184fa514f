// The view in which a text is written: what people type, what they choose of the model's next words, and what the model
// writes.

import { BranchesList } from "./branches_list.js";
import { ChoicesList } from "./choices_list.js";
import { delayed, element, isComposing } from "./dom.js";
import { keepDraft, keptDraft } from "./draft_store.js";
import { exportPanel } from "./export_panel.js";
import { joinedText, needsSpace, typedTokens } from "./joining.js";
import { ModelChoice } from "./model_choice.js";
import { SampleSteps } from "./sample_steps.js";
import { SamplingForm } from "./sampling_form.js";
import { WriteText } from "./write_text.js";

/** The choices that are shown. */
const CHOICES = 18;
/** How long the page waits for the next change before it asks for choices and scores, in milliseconds. */
const PAUSE = 60;

/** The view. */
export class WriteView {
    /**
     * `sources` are the models with their info, `[{source, info}]`; `status` shows a line; `program` is named in saved
     * files.
     */
    constructor({ sources, status, program }) {
        this.status = status;
        this.tree = keptDraft();
        this.requests = new AbortController();
        this.sample = null;
        this.hasFailed = false;
        this.model = new ModelChoice({ label: "Model", sources, onChange: (chosen) => this.setModel(chosen) });
        this.choices = new ChoicesList((choice) => this.choose(choice));
        this.text = new WriteText((position) => this.goTo(position));
        this.branches = new BranchesList({
            onGo: (step) => this.change(() => this.tree.go(step)),
            onDelete: () => this.change(() => this.tree.deleteOtherBranches()),
        });
        this.refreshSoon = delayed(() => this.refresh(), PAUSE);
        this.sampling = new SamplingForm(this.refreshSoon);
        this.export = exportPanel({
            tree: () => this.tree,
            program,
            status,
            onOpen: (tree) =>
                this.change(() => {
                    this.tree = tree;
                }),
        });
        this.build();
        this.setModel(sources[0]);
    }

    build() {
        const button = (label, keys, action) =>
            element("button", { type: "button", title: keys, onclick: action }, label);
        this.undoButton = button("Undo", "Ctrl+Z, or Backspace where nothing is typed", () => this.undo());
        this.redoButton = button("Redo", "Ctrl+Shift+Z", () => this.redo());
        this.writeButton = button("Write on", "Ctrl+Enter", () => this.write());
        this.writeButton.classList.add("primary");
        this.againButton = button("Try again", "Another version of what the model wrote last", () => this.writeAgain());
        this.stopButton = button("Stop", "Escape", () => this.stop());
        this.newButton = button("New text", "Goes to the beginning; what is written stays as a branch", () =>
            this.change(() => this.tree.go(0)),
        );
        this.input = element("textarea", {
            "rows": "1",
            "dir": "auto",
            "aria-label": "Your own words",
            "placeholder": "Type your own words, Enter adds them",
            "autocomplete": "off",
            "spellcheck": "false",
            "onkeydown": (event) => this.onInputKey(event),
            "oninput": () => this.updateSpace(),
        });
        this.space = element("input", { type: "checkbox" });
        const form = element(
            "form",
            {
                class: "typing",
                onsubmit: (event) => {
                    event.preventDefault();
                    this.type();
                },
            },
            this.input,
            element("label", { class: "inline" }, this.space, "space before it"),
            element("button", { type: "submit" }, "Add"),
        );
        const keys = "Arrow down goes to the next words; there, arrows, Enter and the digits choose. ";
        this.typingNote = element("span", {}, "");
        this.node = element(
            "div",
            { class: "columns", onkeydown: (event) => this.onKey(event) },
            element(
                "div",
                { class: "main" },
                element(
                    "div",
                    { class: "toolbar" },
                    this.model.node,
                    this.undoButton,
                    this.redoButton,
                    this.writeButton,
                    this.againButton,
                    this.stopButton,
                    this.newButton,
                ),
                this.text.node,
                form,
                element("p", { class: "hint" }, keys, this.typingNote),
                this.choices.node,
            ),
            element(
                "aside",
                { "aria-label": "Settings, branches and export" },
                this.text.details,
                this.sampling.node,
                this.branches.node,
                this.export,
            ),
        );
    }

    setModel({ source, info }) {
        Object.assign(this, { source, info });
        this.sampling.setModel(info);
        this.text.setModel(info);
        this.typingNote.textContent = info.noTyping === null ? "" : `Note: ${info.noTyping}.`;
        this.refresh();
    }

    /** Changes the tree and shows it, unless the model is writing. Returns whether it did. */
    change(action) {
        const canChange = this.sample === null;
        if (canChange) {
            action();
            this.changed();
        }
        return canChange;
    }

    changed() {
        keepDraft(this.tree);
        this.refresh();
    }

    undo() {
        this.change(() => this.tree.undo());
    }

    redo() {
        this.change(() => this.tree.redo());
    }

    goTo(position) {
        this.change(() => this.tree.cutAt(position));
        this.input.focus();
    }

    origin() {
        const { name, hash, label } = this.info;
        return { model: name, model_sha256: hash, ...(label === null ? {} : { label }) };
    }

    choose({ text, replaces, probability }) {
        const added = joinedText(this.tree.text(), text);
        this.change(() => this.tree.add("chosen", [{ text: added, replaces, probability }], this.origin()));
    }

    /** Adds what was typed. */
    type() {
        const typed = this.input.value;
        if (typed === "" || this.sample !== null) {
            return;
        }
        this.change(() => this.tree.add("typed", typedTokens((this.space.checked ? " " : "") + typed), this.origin()));
        this.input.value = "";
        this.updateSpace();
        this.input.focus();
    }

    updateSpace() {
        this.space.checked = this.info.unit !== "character" && needsSpace(this.tree.text(), this.input.value || "a");
    }

    onInputKey(event) {
        if (isComposing(event)) {
            return;
        }
        const isEmpty = this.input.value === "";
        if (event.key === "Enter" && !event.shiftKey && !event.ctrlKey && !event.metaKey) {
            this.type();
        } else if (event.key === "Backspace" && isEmpty) {
            this.undo();
        } else if (event.key === "ArrowDown" && (isEmpty || this.input.selectionEnd === this.input.value.length)) {
            if (!this.choices.focus()) {
                return;
            }
        } else {
            return;
        }
        event.preventDefault();
    }

    onKey(event) {
        if (isComposing(event)) {
            return;
        }
        const hasCommand = event.ctrlKey || event.metaKey;
        const isEdited = event.target.matches("textarea, input[type=text]") && event.target.value !== "";
        const key = event.key.toLowerCase();
        if (key === "escape" && this.sample !== null) {
            this.stop();
        } else if (hasCommand && key === "enter") {
            this.write();
        } else if (hasCommand && !isEdited && ((key === "z" && event.shiftKey) || key === "y")) {
            this.redo();
        } else if (hasCommand && !isEdited && key === "z") {
            this.undo();
        } else {
            return;
        }
        event.preventDefault();
    }

    /** Lets the model go on. */
    async write() {
        if (this.sample !== null) {
            return;
        }
        const sample = new AbortController();
        this.sample = sample;
        this.requests.abort();
        const [sampling, maxTokens, seed] = [
            this.sampling.sampling(),
            this.sampling.maxTokens(),
            this.sampling.chosenSeed(),
        ];
        const origin = { ...this.origin(), seed, sampling };
        const steps = new SampleSteps(([first, ...rest]) => {
            const text = joinedText(this.tree.text(), first.text);
            this.tree.add("sampled", [{ ...first, text }, ...rest], origin);
            this.text.show(this.tree);
        });
        // A button that is disabled or hidden loses the focus, and with it the keys of the view.
        const hadFocus = [this.writeButton, this.againButton].includes(document.activeElement);
        this.updateButtons();
        if (hadFocus) {
            this.stopButton.focus();
        }
        this.status("The model is writing …");
        try {
            const request = { text: this.tree.text(), maxTokens, seed, sampling, signal: sample.signal };
            const { isComplete } = await this.source.generate(request, (piece) => steps.push(piece));
            this.status(isComplete ? "The model has ended the text." : "");
        } catch (error) {
            this.status(error.name === "AbortError" ? "Stopped." : error.message, error.name !== "AbortError");
        }
        steps.finish();
        this.sample = null;
        const isStopFocused = document.activeElement === this.stopButton;
        this.changed();
        if (isStopFocused) {
            this.writeButton.focus();
        }
    }

    /** Writes another version of what the model wrote last: with the next seed, if its seed is in the form. */
    writeAgain() {
        const { seed } = this.tree.steps[this.tree.current].origin ?? {};
        if (this.sample === null && this.tree.undoSample()) {
            this.sampling.replaceSeed(seed);
            this.write();
        }
    }

    stop() {
        this.sample?.abort();
    }

    updateButtons() {
        const isWriting = this.sample !== null;
        const { parent, next, author } = this.tree.steps[this.tree.current];
        this.undoButton.disabled = isWriting || parent === null;
        this.redoButton.disabled = isWriting || next === null;
        this.newButton.disabled = isWriting || parent === null;
        this.writeButton.disabled = isWriting;
        this.againButton.disabled = isWriting || author !== "sampled";
        this.stopButton.hidden = !isWriting;
    }

    /** Shows the text, and asks for the next words and the scores of the text. */
    refresh() {
        this.updateButtons();
        this.updateSpace();
        this.text.show(this.tree);
        this.branches.show(this.tree);
        this.choices.disable();
        this.export.update();
        if (this.sample !== null) {
            return;
        }
        this.requests.abort();
        this.requests = new AbortController();
        const { signal } = this.requests;
        const text = this.tree.text();
        const failed = (error) => {
            if (error.name !== "AbortError" && !signal.aborted) {
                this.hasFailed = true;
                this.status(error.message, true);
            }
        };
        const request = { text, count: CHOICES, sampling: this.sampling.sampling(), signal };
        const choices = this.source.next(request).then((found) => {
            if (signal.aborted) {
                return;
            }
            this.choices.show(found, this.info.unit, text);
            if (this.hasFailed) {
                this.hasFailed = false;
                this.status("");
            }
        });
        // The next words come first: the server would read the text for its scores at the same time.
        const afterChoices = choices.catch(failed);
        const scored = afterChoices.then(() => (signal.aborted ? null : this.text.score(this.source, this.tree, signal)));
        scored.then(() => this.export.update()).catch(failed);
    }
}
