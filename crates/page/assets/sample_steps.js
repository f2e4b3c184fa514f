// Divides a text that a model writes into steps, so that it can be undone word by word. No DOM.

/** Collects the pieces of a sample and makes a step of each word. */
export class SampleSteps {
    /** `onStep` gets the tokens of each complete step. */
    constructor(onStep) {
        this.onStep = onStep;
        this.tokens = [];
    }

    /** Adds a piece (see source.js): one with white space before it begins the next step. */
    push({ text, logProb }) {
        if (/^\s/u.test(text)) {
            this.finish();
        }
        this.tokens.push({ text, replaces: 0, probability: logProb === null ? null : Math.exp(logProb) });
    }

    /** Ends the last step. */
    finish() {
        if (this.tokens.length > 0) {
            this.onStep(this.tokens);
            this.tokens = [];
        }
    }
}
