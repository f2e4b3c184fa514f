// Measures the page of a running `pastiche serve` in Chromium: from a click on a next word until the list of the next ones
// is in the page, and until it is drawn, which includes the wait for one or two frames. It prints a line of JSON.
//
//     pastiche serve --model base --port 8090 &
//     node benchmarks/serve/clicks.mjs http://127.0.0.1:8090 target/page-test [CHROMIUM]
//
// The second argument is the folder into which `cargo xtask page-test` has installed playwright-core.

import { createRequire } from "node:module";
import { resolve } from "node:path";

const [address, packages, executablePath = "/usr/bin/chromium"] = process.argv.slice(2);
const { chromium } = createRequire(resolve(packages, "package.json"))("playwright-core");
const CLICKS = 101;
/** How long a list may take, in milliseconds: after the end of a text there is none. */
const LIMIT = 10_000;

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const page = await browser.newPage();
page.setDefaultTimeout(LIMIT);
await page.goto(address);
await page.locator(".choices button.choice:not([aria-disabled=true])").first().waitFor();
const measure = async ([clicks, limit]) => {
    const times = [];
    const list = document.querySelector(".choices");
    for (let click = 0; click < clicks; click++) {
        const buttons = [...list.querySelectorAll("button.choice")].filter((button) => button.ariaDisabled !== "true");
        const started = performance.now();
        const shown = new Promise((done, fail) => {
            setTimeout(() => fail(new Error("no list of next words")), limit);
            const observer = new MutationObserver(() => {
                const button = list.querySelector("button.choice");
                if (button !== null && button.ariaDisabled !== "true") {
                    observer.disconnect();
                    const listed = performance.now() - started;
                    // In the frame after the one that draws the list.
                    requestAnimationFrame(() => requestAnimationFrame(() => done([listed, performance.now() - started])));
                }
            });
            observer.observe(list, { childList: true });
        });
        // Not always the likeliest one, with which a text may repeat itself.
        buttons[click % Math.min(3, buttons.length)].click();
        times.push(await shown);
    }
    return times;
};
const times = await page.evaluate(measure, [CLICKS, LIMIT]).finally(() => browser.close());
const quantile = (at, part) => {
    const sorted = times.map((time) => time[part]).sort((a, b) => a - b);
    return Number(sorted[Math.floor(at * (sorted.length - 1))].toFixed(1));
};
const [p50, p95] = [0.5, 0.95].map((at) => ({ listed: quantile(at, 0), drawn: quantile(at, 1) }));
console.log(JSON.stringify({ measurement: "click to the next list, in ms", clicks: CLICKS, p50, p95 }));
