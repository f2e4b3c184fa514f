// The page: its views, the line with its messages, and the navigation between the views.

import { element, setChildren } from "./dom.js";

/** The page around the views. */
export class App {
    /** `root` is the element that gets the page. */
    constructor(root) {
        this.root = root;
        this.message = element("p", { class: "status", role: "status" });
        this.status = (text, isError = false) => {
            this.message.textContent = text;
            this.message.classList.toggle("error", isError && text !== "");
        };
        this.views = [];
    }

    /**
     * Shows views, `[{id, name, title, view, reason}]`: `view` has a `node` and perhaps `shown()`, or is null where the view cannot be
     * offered, with the reason; the first one is shown unless the address names another.
     */
    show(views, footer) {
        this.views = views.filter(({ view }) => view !== null);
        const missing = views.filter(({ view }) => view === null);
        const links = this.views.map(({ id, name }) => element("a", { href: `#${id}` }, name));
        this.nav = element("nav", { "aria-label": "Views" }, ...links);
        const sections = this.views.map(({ id, title, view }) =>
            element("section", { id: `view-${id}`, hidden: true, "aria-labelledby": `title-${id}` }, element("h1", { id: `title-${id}`, tabindex: "-1" }, title), view.node));
        setChildren(this.root, element("header", {}, element("span", { class: "brand" }, "Pastiche"), this.nav, this.message),
            element("main", {}, ...sections),
            element("footer", {}, ...missing.map(({ name, reason }) => element("p", {}, `${name} is not offered: ${reason}`)), footer));
        addEventListener("hashchange", () => this.route(true));
        this.route(false);
    }

    route(hasMoved) {
        const wanted = location.hash.slice(1);
        const current = this.views.find(({ id }) => id === wanted) ?? this.views[0];
        for (const [at, { id }] of this.views.entries()) {
            const isCurrent = id === current.id;
            document.getElementById(`view-${id}`).hidden = !isCurrent;
            const link = this.nav.children[at];
            if (isCurrent) {
                link.setAttribute("aria-current", "page");
            } else {
                link.removeAttribute("aria-current");
            }
        }
        document.title = `${current.name} · Pastiche`;
        this.status("");
        if (hasMoved) {
            document.getElementById(`title-${current.id}`).focus();
        }
        current.view.shown?.();
    }
}
