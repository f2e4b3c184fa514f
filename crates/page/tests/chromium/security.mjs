// Checks that pages of other sites get nothing from the server.

import assert from "node:assert/strict";
import { createServer } from "node:http";

import { EVIL, openPage } from "./program.mjs";

/** A site that is not the server's, on a port of its own. */
async function otherSite() {
    const site = createServer((_, response) =>
        response.writeHead(200, { "content-type": "text/html" }).end("<title>other</title>"),
    );
    await new Promise((resolve) => {
        site.listen(0, "127.0.0.1", resolve);
    });
    return { port: site.address().port, close: () => site.close() };
}

/** The counts of requests, of rejected ones, and of tokens that were read, before this one. */
async function requestCounts({ address }) {
    const metrics = await (await fetch(`${address}/metrics`)).text();
    const count = (name) => Number(new RegExp(`^pastiche_${name}_total (\\d+)$`, "mu").exec(metrics)[1]);
    return { requests: count("requests"), rejected: count("rejected_requests"), tokens: count("prompt_tokens") };
}

export async function checkOtherSites({ browser, server }) {
    const context = await browser.newContext();
    const page = await context.newPage();
    // A name that another site has chosen and made to lead to this machine.
    for (const path of ["/", "/assets/server_main.js", "/v1/models", "/health"]) {
        const response = await page.goto(`http://${EVIL}:${server.port}${path}`);
        assert.equal(response.status(), 403, path);
    }
    const site = await otherSite();
    for (const origin of [`http://${EVIL}:${site.port}`, `http://127.0.0.1:${site.port}`]) {
        await page.goto(`${origin}/`);
        const before = await requestCounts(server);
        const outcomes = await page.evaluate(async (address) => {
            const outcome = (promise) =>
                promise.then(
                    (response) => `${response.type} ${response.status}`,
                    () => "rejected",
                );
            const body = JSON.stringify({ text: "the", k: 1 });
            return {
                read: await outcome(fetch(`${address}/v1/models`)),
                json: await outcome(
                    fetch(`${address}/api/next`, {
                        method: "POST",
                        body,
                        headers: { "content-type": "application/json" },
                    }),
                ),
                plain: await outcome(fetch(`${address}/api/next`, { method: "POST", body, mode: "no-cors" })),
                page: await outcome(fetch(`${address}/`, { mode: "no-cors" })),
            };
        }, server.address);
        assert.equal(outcomes.read, "rejected");
        assert.equal(outcomes.json, "rejected");
        // Such answers cannot be read, whatever they are.
        for (const outcome of [outcomes.plain, outcomes.page]) {
            assert.ok(["opaque 0", "rejected"].includes(outcome), outcome);
        }
        // The server has rejected each of these requests and read no text. The question for the counts is one, too.
        const after = await requestCounts(server);
        const arrived = after.requests - before.requests - 1;
        assert.ok(arrived > 0, "requests of the other site arrive");
        assert.equal(after.rejected - before.rejected, arrived);
        assert.equal(after.tokens, before.tokens);
    }
    // The page cannot be framed.
    await page.goto(`http://127.0.0.1:${site.port}/`);
    await page.evaluate(
        (address) =>
            new Promise((resolve) => {
                const frame = document.createElement("iframe");
                frame.addEventListener("load", resolve);
                frame.src = `${address}/`;
                document.body.append(frame);
            }),
        server.address,
    );
    const frames = await Promise.all(
        page
            .frames()
            .slice(1)
            .map((frame) => frame.content().catch(() => "")),
    );
    assert.ok(
        frames.every((content) => !content.includes("server_main.js")),
        `${frames}`,
    );
    site.close();
    await context.close();
    const own = await fetch(`${server.address}/`);
    const policy = own.headers.get("content-security-policy");
    assert.match(policy, /default-src 'none'/u);
    assert.ok(!policy.includes("unsafe"), policy);
    assert.equal(own.headers.get("x-content-type-options"), "nosniff");
}

export async function checkToken({ workplace, browser }) {
    const server = await workplace.serve("--model", "words", "--port", "0", "--token", "secret-words");
    const page = await openPage(browser, server.address);
    const field = page.getByLabel("Token");
    await field.fill("wrong");
    await page.keyboard.press("Enter");
    await page.getByText("This token is wrong").waitFor();
    await field.fill("secret-words");
    await page.keyboard.press("Enter");
    await page.locator("#view-write .choice").first().waitFor();
    await page.reload();
    await page.locator("#view-write .choice").first().waitFor();
    // Chromium reports each rejected request.
    assert.deepEqual(
        page.problems.filter((problem) => !problem.includes("401")),
        [],
    );
    await page.context().close();
    await workplace.stop(server);
}
