// A text whose words are marked: the surprise of each as a background, copied passages underlined, typed words dotted. A word is
// selected with the pointer or, when the text has the focus, with the arrow keys.

import { element, setChildren } from "./dom.js";
import { segmentsOf } from "./segments.js";

/** The text as an element with its marks. */
export class MarkedText {
    /**
     * `label` names the text for screen readers. `onSelect` gets the number of the selected word, or null; `onOpen` that of a word on
     * which Enter or a double click was given.
     */
    constructor(label, { onSelect, onOpen = null }) {
        this.onSelect = onSelect;
        this.onOpen = onOpen;
        this.words = [];
        this.spans = [];
        this.selected = null;
        this.node = element("div", {
            class: "marked-text", dir: "auto", tabindex: "0", role: "group", "aria-label": label,
            onkeydown: (event) => this.onKey(event),
            onpointerover: (event) => this.select(this.wordAt(event.target)),
            onpointerdown: (event) => this.select(this.wordAt(event.target)),
            ondblclick: (event) => this.open(this.wordAt(event.target)),
            onfocus: () => this.select(this.selected ?? (this.words.length > 0 ? this.words.length - 1 : null)),
        });
    }

    /**
     * Shows a text. Each of `words` is `{start, end, classes}` with the names of CSS classes; `pieces` are `{start, end, author}` and
     * `passages` `{start, end}`; all in order.
     */
    show(text, { words, pieces = [], passages = [] }) {
        this.words = words.map((word, number) => ({ ...word, number }));
        this.spans = words.map(() => []);
        this.selected = null;
        const children = [];
        let passage = null;
        for (const { start, end, marks } of segmentsOf(text, { word: this.words, piece: pieces, passage: passages })) {
            const part = this.segment(text.slice(start, end), marks);
            if (marks.passage === undefined) {
                children.push(part);
            } else if (marks.passage === passage?.of) {
                passage.node.append(part);
            } else {
                passage = { of: marks.passage, node: element("mark", { class: "copied" }, part) };
                children.push(passage.node);
            }
        }
        setChildren(this.node, ...children);
    }

    segment(text, { word, piece }) {
        const classes = [...(word?.classes ?? [])];
        if (piece !== undefined && text.trim() !== "") {
            classes.push(piece.author);
        }
        if (word === undefined && classes.length === 0) {
            return text;
        }
        const span = element("span", { class: classes.length > 0 ? classes.join(" ") : null }, text);
        if (word !== undefined) {
            span.dataset.word = word.number;
            this.spans[word.number].push(span);
        }
        return span;
    }

    wordAt(target) {
        const span = target.closest?.("[data-word]");
        return span === null || span === undefined ? this.selected : Number(span.dataset.word);
    }

    /** Selects a word by its number, or none. */
    select(number) {
        if (number === this.selected || (number !== null && !(number in this.words))) {
            return;
        }
        this.spans[this.selected]?.forEach((span) => span.classList.remove("selected"));
        this.spans[number]?.forEach((span) => span.classList.add("selected"));
        this.selected = number;
        this.onSelect(number);
    }

    open(number) {
        if (number !== null && this.onOpen !== null) {
            this.onOpen(number);
        }
    }

    onKey(event) {
        if (event.ctrlKey || event.metaKey || event.altKey || this.words.length === 0) {
            return;
        }
        const last = this.words.length - 1;
        const isRightToLeft = getComputedStyle(this.node).direction === "rtl";
        const step = { ArrowRight: isRightToLeft ? -1 : 1, ArrowLeft: isRightToLeft ? 1 : -1 }[event.key];
        if (step !== undefined) {
            this.select(Math.min(last, Math.max(0, (this.selected ?? last) + step)));
        } else if (event.key === "Home") {
            this.select(0);
        } else if (event.key === "End") {
            this.select(last);
        } else if (event.key === "Enter") {
            this.open(this.selected);
        } else {
            return;
        }
        event.preventDefault();
        this.spans[this.selected]?.[0]?.scrollIntoView({ block: "nearest" });
    }
}
