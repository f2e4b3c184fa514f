// Elements of the page. Text is always set as text, never as markup.

/** The namespace of SVG elements. */
const SVG_NAMESPACE = "http://www.w3.org/2000/svg";

/**
 * An element with attributes and children. A function as an attribute `onclick`, `oninput` … is a listener; `true` is an attribute
 * without a value, `false`, `null` and `undefined` none. A child is a node or a text; null and false are left out.
 */
export function element(name, attributes = {}, ...children) {
    return filled(document.createElement(name), attributes, children);
}

/** An SVG element, as `element`. */
export function svgElement(name, attributes = {}, ...children) {
    return filled(document.createElementNS(SVG_NAMESPACE, name), attributes, children);
}

function filled(node, attributes, children) {
    for (const [key, value] of Object.entries(attributes)) {
        if (typeof value === "function") {
            node.addEventListener(key.slice(2), value);
        } else if (value !== false && value !== null && value !== undefined) {
            node.setAttribute(key, value === true ? "" : String(value));
        }
    }
    node.append(...children.filter((child) => child !== null && child !== false && child !== undefined));
    return node;
}

/** Replaces all children of an element. */
export function setChildren(node, ...children) {
    node.replaceChildren(...children.filter((child) => child !== null && child !== false && child !== undefined));
}

/** Whether a key event belongs to an input method, which composes a character from several keys. */
export function isComposing(event) {
    return event.isComposing || event.keyCode === 229;
}

/** Saves a text as a file of the browser's user. */
export function saveFile(name, type, text) {
    const address = URL.createObjectURL(new Blob([text], { type }));
    const link = element("a", { href: address, download: name });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** A function that runs `action` once nothing has called it for `milliseconds`. */
export function delayed(action, milliseconds) {
    let timer = null;
    return () => {
        clearTimeout(timer);
        timer = setTimeout(action, milliseconds);
    };
}

/** A form control with its label. */
export function labelled(label, control, hint = null) {
    const help = hint === null ? null : element("span", { class: "hint" }, hint);
    return element("label", { class: "field" }, element("span", { class: "name" }, label), control, help);
}
