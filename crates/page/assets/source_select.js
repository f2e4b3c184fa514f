// A select with the models.

import { element, labelled } from "./dom.js";

/** A select of `[{source, info}]`; `none` is the label of a first entry without a model, if there is one. */
export function sourceSelect(label, sources, onChange, none = null) {
    const option = ({ info }, at) => element("option", { value: at }, info.name);
    const first = none === null ? null : element("option", { value: "" }, none);
    const chosen = () => (select.value === "" ? null : sources[Number(select.value)]);
    const select = element("select", { onchange: () => onChange(chosen()) }, first, ...sources.map(option));
    return { node: labelled(label, select), chosen, input: select };
}
