// The likeliest next words as buttons with their probabilities.

import { element, isComposing, setChildren } from "./dom.js";
import { percentText } from "./words.js";

/** What the tokens of a unit are called in the heading. */
const UNIT_HEADINGS = { word: "Next words", subword: "Next words and parts of words", character: "Next characters" };

/** The list of choices. */
export class ChoicesList {
    /** `onChoose` gets the choice that was clicked. */
    constructor(onChoose) {
        this.onChoose = onChoose;
        this.heading = element("h2", {}, UNIT_HEADINGS.word);
        this.list = element("ol", { class: "choices", onkeydown: (event) => this.onKey(event) });
        this.note = element("p", { class: "hint" });
        this.node = element("section", { "aria-label": "Next words" }, this.heading, this.list, this.note);
    }

    /** Shows the choices of a model with this unit after `text`. */
    show(choices, unit, text) {
        const hadFocus = this.list.contains(document.activeElement);
        this.heading.textContent = UNIT_HEADINGS[unit];
        const shown = choices.filter(({ text, isEnd }) => text !== "" && !isEnd);
        const largest = shown[0]?.probability ?? 1;
        setChildren(this.list, ...shown.map((choice, at) => this.item(choice, at, largest, visibleChoice(choice, unit, text))));
        const end = choices.find(({ isEnd }) => isEnd);
        const notes = [];
        if (end !== undefined) {
            notes.push(`The text ends here with a probability of ${percentText(end.probability)}.`);
        }
        if (shown.some(({ isAllowed }) => !isAllowed)) {
            notes.push("Dashed: the sliders keep the model from writing it; you can choose it.");
        }
        this.note.textContent = notes.join(" ");
        if (hadFocus) {
            this.focus();
        }
    }

    item(choice, at, largest, visible) {
        const bar = element("span", { class: "bar" });
        bar.style.width = `${(100 * choice.probability) / largest}%`;
        const classes = ["choice", choice.isAllowed ? null : "excluded"].filter((name) => name !== null).join(" ");
        const word = element("bdi", { class: choice.isCopied ? "copied" : null }, visible);
        const description = [
            at < 9 ? `key ${at + 1}` : null,
            choice.isCopied ? "continues a copied passage" : null,
            choice.isAllowed ? null : "excluded by the sliders",
        ]
            .filter((part) => part !== null)
            .join("; ");
        const percent = element("span", { class: "percent" }, percentText(choice.probability));
        return element(
            "li",
            {},
            element(
                "button",
                {
                    type: "button",
                    class: classes,
                    title: description === "" ? null : description,
                    onclick: (event) => {
                        if (event.currentTarget.ariaDisabled !== "true") {
                            this.onChoose(choice);
                        }
                    },
                },
                bar,
                word,
                percent,
            ),
        );
    }

    /** Disables the choices, which are those of another text, until others are shown. They keep the focus. */
    disable() {
        for (const button of this.buttons()) {
            button.ariaDisabled = "true";
        }
    }

    buttons() {
        return [...this.list.querySelectorAll("button")];
    }

    /** Moves the focus to the first choice. Returns whether there is one. */
    focus() {
        const [first] = this.buttons();
        first?.focus();
        return first !== undefined;
    }

    onKey(event) {
        if (isComposing(event) || event.ctrlKey || event.metaKey || event.altKey) {
            return;
        }
        const buttons = this.buttons();
        const at = buttons.indexOf(document.activeElement);
        const number = Number(event.key);
        if (event.key >= "1" && event.key <= "9" && number <= buttons.length) {
            buttons[number - 1].click();
        } else if (event.key === "ArrowRight" || event.key === "ArrowDown") {
            buttons[Math.min(at + 1, buttons.length - 1)]?.focus();
        } else if (event.key === "ArrowLeft" || event.key === "ArrowUp") {
            buttons[Math.max(at - 1, 0)]?.focus();
        } else if (event.key === "Home") {
            buttons[0]?.focus();
        } else if (event.key === "End") {
            buttons.at(-1)?.focus();
        } else {
            return;
        }
        event.preventDefault();
        event.stopPropagation();
    }
}

/**
 * A choice as its button shows it: white space that is all of it as a sign, and where it continues a word of `before`,
 * three dots before it. At the beginning of a text and after white space, its first letter begins a word.
 */
export function visibleChoice({ text, replaces }, unit, before) {
    if (text.trim() === "") {
        return [...text]
            .map((character) => ({ " ": "␣ space", "\n": "⏎ line", "\t": "⇥ tab" })[character] ?? "␣")
            .join(" ");
    }
    const kept = before.slice(0, before.length - replaces);
    const continues = unit === "subword" && /\S$/u.test(kept) && /^[\p{L}\p{M}\p{N}]/u.test(text);
    return (continues ? "…" : "") + text.trim();
}
