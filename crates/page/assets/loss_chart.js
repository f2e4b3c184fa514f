// A chart of loss curves.

import { setChildren, svgElement } from "./dom.js";
import { ticks } from "./run_metrics.js";

/** The size of the chart in its own units, and the space around the curves. */
const CHART = { width: 720, height: 320, left: 56, right: 12, top: 12, bottom: 36 };

/** The chart as an SVG element. */
export class LossChart {
    constructor() {
        this.node = svgElement("svg", { viewBox: `0 0 ${CHART.width} ${CHART.height}`, class: "chart", role: "img", "aria-label": "No losses yet" });
    }

    /** Shows curves, `[{name, className, points: [[step, loss]]}]`. */
    show(curves) {
        const points = curves.flatMap((curve) => curve.points).filter(([, loss]) => Number.isFinite(loss));
        if (points.length === 0) {
            this.node.setAttribute("aria-label", "No losses yet");
            setChildren(this.node);
            return;
        }
        const losses = points.map(([, loss]) => loss);
        const [low, high] = [Math.min(...losses), Math.max(...losses)];
        const margin = Math.max((high - low) * 0.06, 0.02);
        const lastStep = Math.max(1, ...points.map(([step]) => step));
        const x = (step) => CHART.left + (step / lastStep) * (CHART.width - CHART.left - CHART.right);
        const inner = CHART.height - CHART.top - CHART.bottom;
        const y = (loss) => CHART.top + ((high + margin - loss) / (high - low + 2 * margin)) * inner;
        const [right, bottom] = [CHART.width - CHART.right, CHART.height - CHART.bottom];
        const text = (attributes, value) => svgElement("text", { class: "tick", ...attributes }, String(value));
        const rows = ticks(low - margin, high + margin, 5).flatMap((loss) => [
            svgElement("line", { class: "grid", x1: CHART.left, x2: right, y1: y(loss), y2: y(loss) }),
            text({ x: CHART.left - 8, y: y(loss) + 4, "text-anchor": "end" }, loss),
        ]);
        const columns = ticks(0, lastStep, 6).map((step) => text({ x: x(step), y: bottom + 18, "text-anchor": "middle" }, step));
        const lines = curves.flatMap((curve) => this.curve(curve, x, y));
        const axis = svgElement("line", { class: "axis", x1: CHART.left, x2: right, y1: bottom, y2: bottom });
        setChildren(this.node, ...rows, ...columns, axis, ...lines, text({ x: right, y: bottom + 32, "text-anchor": "end" }, "steps"));
        const said = curves.filter((curve) => curve.points.length > 0).map(({ name, points: own }) => `${name} ${own.at(-1)[1].toFixed(3)} at step ${own.at(-1)[0]}`);
        this.node.setAttribute("aria-label", `Losses in nats per token: ${said.join(", ")}`);
    }

    curve({ className, points }, x, y) {
        const finite = points.filter(([, loss]) => Number.isFinite(loss));
        const line = svgElement("polyline", { class: className, points: finite.map(([step, loss]) => `${x(step).toFixed(1)},${y(loss).toFixed(1)}`).join(" ") });
        const dots = finite.length > 60 ? finite.slice(-1) : finite;
        return [line, ...dots.map(([step, loss]) => svgElement("circle", { class: className, cx: x(step), cy: y(loss), r: 3 }))];
    }
}
