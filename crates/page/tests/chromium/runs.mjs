// Checks of the view in which a run is watched.

import assert from "node:assert/strict";
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { assertAccessible, takeScreenshot } from "./accessibility.mjs";
import { openPage } from "./program.mjs";

/** A run that a test writes as training does. */
class LiveRun {
    constructor(workplace, name) {
        this.folder = join(workplace.folder, "runs", name);
        mkdirSync(this.folder);
        this.metrics = join(this.folder, "metrics.jsonl");
        writeFileSync(this.metrics, "");
        writeFileSync(join(this.folder, "samples.md"), "# Samples\n");
    }

    step(step) {
        const loss = 3 + 5 / (1 + step / 150);
        this.write({ event: "step", epoch: 1, step, steps: 2000, step_of_run: step, train_loss_nats_per_token: loss, learning_rate: 0.002, tokens_per_second: 31000 });
    }

    epoch(epoch, step, loss) {
        appendFileSync(join(this.folder, "samples.md"), `\n## Epoch ${epoch}, validation loss ${loss} nats/token\n\nTemperature 0.5:\n\n> The lion of epoch ${epoch} went to the well.\n`);
        this.write({ event: "epoch", epoch, step, train_loss_nats_per_token: loss - 0.3, valid_loss_nats_per_token: loss, valid_perplexity: Math.exp(loss), learning_rate: 0.002, tokens_per_second: 31000 });
    }

    write(line) {
        appendFileSync(this.metrics, `${JSON.stringify(line)}\n`);
    }

    /** Training was resumed: the lines after the beginning are others. */
    resume() {
        writeFileSync(this.metrics, "");
        writeFileSync(join(this.folder, "samples.md"), "# Samples\n");
        this.step(50);
    }
}

/** The parts of the view. */
async function openRun(page, name) {
    await page.getByRole("link", { name: "Runs" }).click();
    const view = page.locator("#view-runs");
    await view.locator("select").selectOption(name);
    const chart = view.locator("svg.chart");
    const shows = (text) => chart.and(page.locator(`[aria-label*="${text}"]`)).waitFor();
    return { view, shows };
}

export async function checkRuns({ workplace, browser, server }) {
    const run = new LiveRun(workplace, "live-1");
    for (let step = 50; step <= 1200; step += 50) {
        run.step(step);
        if (step % 300 === 0) {
            run.epoch(step / 300, step, 4.4 - step / 1500);
        }
    }
    for (const colorScheme of ["light", "dark"]) {
        const page = await openPage(browser, server.address, { colorScheme });
        const { view, shows } = await openRun(page, "live-1");
        await shows("at step 1200");
        await view.getByText("The lion of epoch 4 went to the well.").waitFor();
        await assertAccessible(page, `runs, ${colorScheme}`);
        await takeScreenshot(page, `runs-${colorScheme}`);
        if (colorScheme === "light") {
            run.step(1250);
            await shows("at step 1250");
            run.epoch(5, 1260, 3.456);
            await shows("validation loss 3.456 at step 1260");
            await view.getByText("The lion of epoch 5 went to the well.").waitFor();
            run.resume();
            await shows("at step 50");
            for (let step = 100; step <= 1200; step += 50) {
                run.step(step);
            }
            await shows("at step 1200");
            run.epoch(4, 1200, 3.6);
            await shows("validation loss 3.600");
        }
        assert.deepEqual(page.problems, []);
        await page.context().close();
    }
}

export async function checkRestart({ workplace, browser }) {
    const run = new LiveRun(workplace, "live-2");
    run.step(50);
    const first = await workplace.serve("--model", "words", "--port", "0");
    const page = await openPage(browser, first.address);
    const { view, shows } = await openRun(page, "live-2");
    await shows("at step 50");
    await workplace.stop(first);
    await view.getByText("Waiting for the server").waitFor();
    run.step(100);
    await workplace.serve("--model", "words", "--port", String(first.port));
    await shows("at step 100");
    await view.getByText("Connected").waitFor();
    // What the browser says about the time without a server.
    assert.deepEqual(page.problems.filter((problem) => !problem.includes("net::ERR_")), []);
    // Without the training text, the page says why passages are not marked, and offers no limit.
    await page.getByRole("link", { name: "Write" }).click();
    const write = page.locator("#view-write");
    assert.match(await write.locator(".details").innerText(), /Copied passages are not shown: ./u);
    assert.equal(await write.getByText("Never copy more than").isVisible(), false);
    assert.match(await write.locator(".settings").innerText(), /Copies cannot be limited: ./u);
    await page.context().close();
}
