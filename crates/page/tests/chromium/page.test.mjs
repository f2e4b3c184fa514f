// Tests of the page in Chromium with a real server: `cargo xtask page-test` runs them.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { checkMeasure } from "./measure.mjs";
import { checkBase, checkBlends } from "./models.mjs";
import { Workplace, launchChromium } from "./program.mjs";
import { checkQuestions } from "./questions.mjs";
import { checkRestart, checkRuns } from "./runs.mjs";
import { checkOtherSites, checkToken } from "./security.mjs";
import { checkBranches, checkChoices, checkScripts, checkSigns, checkTyping, checkWriting } from "./write.mjs";

let workplace;
let server;
let browser;

before(async () => {
    workplace = new Workplace();
    [server, browser] = await Promise.all([
        workplace.serve("--model", "words", "--model", "characters", "--model", "others", "--trace", "--port", "0"),
        launchChromium(),
    ]);
});

after(async () => {
    await browser?.close();
    await workplace?.remove();
});

const checks = [
    ["words are typed, undone and redone by keys", checkTyping],
    ["next words are chosen by pointer and by keys", checkChoices],
    ["the model writes as the sliders say, and writes again", checkWriting],
    ["models are blended, and labels chosen", checkBlends],
    ["versions of a text are branches, and are saved and opened", checkBranches],
    ["surprise, copied passages and typed words have signs", checkSigns],
    ["the built-in model writes", checkBase],
    ["Hangul is composed and Arabic runs from right to left", checkScripts],
    ["a draft is measured with one model and with two", checkMeasure],
    ["a run is watched while it is trained", checkRuns],
    ["answers are highlighted and questions saved", checkQuestions],
    ["pages of other sites are rejected", checkOtherSites],
    ["a server with a token asks for it", checkToken],
    ["a restarted server goes on with a run", checkRestart],
];

for (const [name, check] of checks) {
    test(name, { timeout: 60_000 }, async () => {
        assert.ok(server !== undefined && browser !== undefined, "the server and Chromium run");
        await check({ workplace, server, browser });
    });
}
