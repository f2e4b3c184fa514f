// A slider with its value beside it.

import { element } from "./dom.js";

/** A slider; `format` writes its value, `hint` says what it does. Call `update()` when its limits or its text have changed. */
export function slider({ label, min, max, step, value, format, hint = null }) {
    const input = element("input", { type: "range", min, max, step, value });
    const output = element("output", {}, "");
    const update = () => {
        output.textContent = format(Number(input.value));
    };
    input.addEventListener("input", update);
    update();
    const name = element("span", { class: "name" }, label);
    const node = element("label", { class: "slider", title: hint }, name, output, input);
    return { node, input, update, value: () => Number(input.value) };
}
