// The curves of a run from the lines of its metrics. No DOM.

/** The losses of a run as far as they are known. */
export class RunMetrics {
    constructor() {
        this.clear();
    }

    /** Forgets everything, as where training was resumed from an earlier checkpoint. */
    clear() {
        this.train = [];
        this.valid = [];
        this.latest = null;
        this.epochs = [];
        this.rollbacks = [];
        this.previous = null;
    }

    /** Adds a line of metrics.jsonl. */
    add(line) {
        if (line.event === "step") {
            this.addStep(line);
        } else if (line.event === "epoch") {
            this.valid.push([line.step, line.valid_loss_nats_per_token]);
            this.epochs.push(line);
        } else if (line.event === "retreat") {
            this.rollbacks.push(line);
        }
        this.latest = line;
    }

    /** A step reports the mean of its epoch so far: the curve has the mean since the report before. */
    addStep(line) {
        const { epoch, step, step_of_run: at, train_loss_nats_per_token: mean } = line;
        const before = this.previous?.epoch === epoch && this.previous.step < step ? this.previous : { step: 0, mean: 0 };
        this.train.push([at, (mean * step - before.mean * before.step) / (step - before.step)]);
        this.previous = { epoch, step, mean };
    }

    /** The training curve: that of the steps, or of the epochs if there are no steps between them. */
    trainCurve() {
        return this.train.length > 0 ? this.train : this.epochs.map((line) => [line.step, line.train_loss_nats_per_token]);
    }

    /** The epoch with the lowest validation loss, or null. */
    bestEpoch() {
        const loss = (line) => line.valid_loss_nats_per_token ?? Infinity;
        return this.epochs.reduce((best, line) => (best === null || loss(line) < loss(best) ? line : best), null);
    }
}

/** Round numbers between two values, about `count` of them. */
export function ticks(low, high, count) {
    if (!(high > low)) {
        return [low];
    }
    const raw = (high - low) / count;
    const power = Math.pow(10, Math.floor(Math.log10(raw)));
    const step = power * ([1, 2, 5].find((factor) => factor * power >= raw) ?? 10);
    const first = Math.ceil(low / step);
    const last = Math.floor(high / step + 1e-9);
    return Array.from({ length: Math.max(0, last - first + 1) }, (_, at) => Number(((first + at) * step).toPrecision(12)));
}

/** The texts of new lines of samples.md: one for each epoch, with its losses as the first line. */
export function sampleTexts(markdown) {
    const sections = markdown.split(/^#{1,2} /mu).map((section) => section.replace(/^> ?/gmu, "").trim());
    return sections.filter((section) => section !== "" && section !== "Samples");
}
