// Opens pages that are models in Chromium, from disk and without a network.

import { pathToFileURL } from "node:url";

/**
 * Opens a file without a network after a script `prepare`, and waits for an element that shows when it is ready.
 * Errors, violations of its policy and requests are collected in `page.problems`.
 */
export async function openFile(browser, path, { prepare = () => {}, ...options } = {}, ready = "html[data-ready]") {
    const context = await browser.newContext({
        offline: true,
        reducedMotion: "reduce",
        viewport: { width: 1240, height: 860 },
        ...options,
    });
    const page = await context.newPage();
    page.problems = [];
    page.setDefaultTimeout(20_000);
    page.on("console", (message) => page.problems.push(`console: ${message.text()}`));
    page.on("pageerror", (error) => page.problems.push(`error: ${error}`));
    const address = pathToFileURL(path).href;
    page.on("request", (request) => {
        if (request.url() !== address && !request.url().startsWith("blob:")) {
            page.problems.push(`request to ${request.url()}`);
        }
    });
    await page.addInitScript(prepare);
    await page.addInitScript(() => {
        addEventListener("securitypolicyviolation", (event) =>
            console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`),
        );
    });
    await page.goto(address);
    await page.locator(ready).waitFor();
    return page;
}
