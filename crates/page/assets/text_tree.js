// A text that is written in steps, with all of its branches and where each step comes from. No DOM.

/** Who can write a step. */
export const AUTHORS = ["typed", "chosen", "sampled"];

/** The form of a saved tree; a later one has another number. */
const TREE_VERSION = 1;

/**
 * @typedef {object} StepToken
 * @property {string} text What it writes.
 * @property {number} replaces The UTF-16 units before it that it replaces, because it completes a syllable.
 * @property {number | null} probability Its probability under the model; null if it is not known.
 */

/**
 * @typedef {object} Origin Where a step comes from.
 * @property {string} model The name of the model, or "" for a text that was typed without one.
 * @property {string} model_sha256 The hash of the model; of a blend those of all models.
 * @property {string} [label] The label of the text.
 * @property {number} [seed] The seed of a sample.
 * @property {object} [sampling] The sampling options.
 */

/**
 * @typedef {object} Piece A part of the text of one step.
 * @property {number} step The number of its step.
 * @property {string} author Who wrote it.
 * @property {number} start Where it begins in the text, in UTF-16 units.
 * @property {number} end Where it ends.
 * @property {StepToken} token Its token.
 */

/** A tree of steps. Step 0 is the empty text. The text is that of the steps from there to the current one. */
export class TextTree {
    constructor() {
        this.steps = [{ parent: null, author: null, tokens: [], origin: null, next: null }];
        this.current = 0;
    }

    /** Appends a step; the same step as an earlier one after the same text is that one. Returns its number. */
    add(author, tokens, origin) {
        const parent = this.current;
        const texts = (step) => step.tokens.map(({ text, replaces }) => [text, replaces]);
        const keyOf = (step) => JSON.stringify([step.author, step.origin, texts(step)]);
        const key = keyOf({ author, tokens, origin });
        let number = this.steps.findIndex((step) => step.parent === parent && keyOf(step) === key);
        if (number < 0) {
            number = this.steps.length;
            this.steps.push({ parent, author, tokens, origin, next: null });
        }
        this.go(number);
        return number;
    }

    /** Goes one step back. Returns whether there was one. */
    undo() {
        const { parent } = this.steps[this.current];
        if (parent === null) {
            return false;
        }
        this.steps[parent].next = this.current;
        this.current = parent;
        return true;
    }

    /** Goes to the step after the current one that was visited last. Returns whether there is one. */
    redo() {
        const { next } = this.steps[this.current];
        if (next === null) {
            return false;
        }
        this.current = next;
        return true;
    }

    /** Goes to a step; `redo` from any step before it leads there again. */
    go(number) {
        const path = this.path(number);
        for (let at = 1; at < path.length; at += 1) {
            this.steps[path[at - 1]].next = path[at];
        }
        this.current = number;
    }

    /** Forgets all steps that the text does not consist of. */
    deleteOtherBranches() {
        const steps = this.path().map((number) => this.steps[number]);
        this.steps = steps.map((step, number) => ({
            ...step,
            parent: number === 0 ? null : number - 1,
            next: number + 1 < steps.length ? number + 1 : null,
        }));
        this.current = steps.length - 1;
    }

    /** The numbers of the steps from the first one to `number`. */
    path(number = this.current) {
        const path = [];
        for (let at = number; at !== null; at = this.steps[at].parent) {
            path.push(at);
        }
        return path.reverse();
    }

    /** The number of the last step of each branch. */
    leaves() {
        const parents = new Set(this.steps.map((step) => step.parent));
        return this.steps.map((_, number) => number).filter((number) => !parents.has(number));
    }

    /** The pieces of the text up to a step, which join to the text. */
    pieces(number = this.current) {
        const pieces = [];
        let text = "";
        for (const step of this.path(number)) {
            const { author, tokens } = this.steps[step];
            for (const token of tokens) {
                const start = text.length - Math.min(token.replaces, text.length);
                while (pieces.length > 0 && pieces.at(-1).end > start) {
                    pieces.at(-1).end = start;
                    if (pieces.at(-1).start >= start) {
                        pieces.pop();
                    }
                }
                text = text.slice(0, start) + token.text;
                if (token.text !== "") {
                    pieces.push({ step, author, start, end: text.length, token });
                }
            }
        }
        return pieces;
    }

    /** The text up to a step. */
    text(number = this.current) {
        let text = "";
        for (const step of this.path(number)) {
            for (const token of this.steps[step].tokens) {
                text = text.slice(0, text.length - token.replaces) + token.text;
            }
        }
        return text;
    }

    /**
     * Goes to the text before `position`: to the step that ends there, or to a new one that has the first part of the
     * step in which it lies.
     */
    cutAt(position) {
        const pieces = this.pieces();
        const at = pieces.findIndex(({ end }) => position < end);
        if (at < 0) {
            return;
        }
        const { step, start, token } = pieces[at];
        const { parent, author, origin, tokens } = this.steps[step];
        const before = tokens.slice(0, tokens.indexOf(token));
        if (position > start) {
            before.push({ text: token.text.slice(0, position - start), replaces: token.replaces, probability: null });
        }
        this.go(parent);
        if (before.length > 0) {
            this.add(author, before, origin);
        }
    }

    /** Goes back over the steps that one call sampled, if the text ends with them. Returns whether it does. */
    undoSample() {
        const { author, origin } = this.steps[this.current];
        if (author !== "sampled") {
            return false;
        }
        while (this.steps[this.current].origin === origin) {
            this.undo();
        }
        return true;
    }

    /** The characters of the text by author, counted as code points. */
    shares() {
        const text = this.text();
        const shares = Object.fromEntries(AUTHORS.map((author) => [author, 0]));
        for (const { author, start, end } of this.pieces()) {
            shares[author] += [...text.slice(start, end)].length;
        }
        return shares;
    }

    /** The tree as an object for JSON: what each step wrote, who wrote it, and each different origin once. */
    toJson() {
        const origins = [];
        const keys = new Map();
        const originNumber = (origin) => {
            const key = JSON.stringify(origin);
            if (!keys.has(key)) {
                keys.set(key, origins.length);
                origins.push(origin);
            }
            return keys.get(key);
        };
        const steps = this.steps.map(({ parent, author, tokens, origin }) => ({
            parent,
            author,
            origin: origin === null ? null : originNumber(origin),
            tokens,
        }));
        const text = this.text();
        return { version: TREE_VERSION, text, characters: this.shares(), current: this.current, origins, steps };
    }

    /** The tree of such an object. Throws an Error of one line if it has another form. */
    static fromJson(saved) {
        const invalid = (reason) =>
            new Error(`this is no saved text: ${reason}; expected a file that this page has saved`);
        if (
            typeof saved !== "object" ||
            saved === null ||
            !Array.isArray(saved.steps) ||
            !Array.isArray(saved.origins)
        ) {
            throw invalid("it has no steps");
        }
        if (saved.version !== TREE_VERSION) {
            throw invalid(`its version is ${JSON.stringify(saved.version)}, and not ${TREE_VERSION}`);
        }
        const tree = new TextTree();
        if (!saved.origins.every(isOrigin)) {
            throw invalid("an origin of its steps is incomplete");
        }
        const lengths = [0];
        saved.steps.forEach((step, number) => {
            const { parent, author, origin, tokens } = step ?? {};
            if (number === 0) {
                if (parent !== null) {
                    throw invalid("its first step has another one before it");
                }
                return;
            }
            const isStep = Number.isInteger(parent) && parent >= 0 && parent < number && AUTHORS.includes(author);
            const hasOrigin = Number.isInteger(origin) && origin >= 0 && origin < saved.origins.length;
            if (!isStep || !hasOrigin || !Array.isArray(tokens) || !tokens.every(isToken)) {
                throw invalid(`step ${number} is incomplete`);
            }
            let length = lengths[parent];
            for (const { text, replaces } of tokens) {
                if (replaces > length) {
                    throw invalid(`step ${number} replaces more than the text before it`);
                }
                length += text.length - replaces;
            }
            lengths.push(length);
            const own = tokens.map(({ text, replaces, probability }) => ({ text, replaces, probability }));
            tree.steps.push({ parent, author, tokens: own, origin: saved.origins[origin], next: null });
        });
        if (!Number.isInteger(saved.current) || !(saved.current in tree.steps)) {
            throw invalid("it does not say which step is the last one of the text");
        }
        tree.go(saved.current);
        return tree;
    }
}

/** Whether a saved value is a StepToken. */
function isToken(token) {
    const { text, replaces, probability } = token ?? {};
    const isProbability = typeof probability === "number" && probability >= 0 && probability <= 1;
    return (
        typeof text === "string" &&
        Number.isInteger(replaces) &&
        replaces >= 0 &&
        (probability === null || isProbability)
    );
}

/** Whether a saved value is an Origin. */
function isOrigin(origin) {
    const { model, model_sha256, label, seed, sampling } = origin ?? {};
    return (
        typeof model === "string" &&
        typeof model_sha256 === "string" &&
        (label === undefined || typeof label === "string") &&
        (seed === undefined || (Number.isInteger(seed) && seed >= 0)) &&
        (sampling === undefined || (typeof sampling === "object" && sampling !== null))
    );
}
