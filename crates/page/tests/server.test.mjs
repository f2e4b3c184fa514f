// Tests of what the page asks the server, without a server.

import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import test from "node:test";

import { RunMetrics, sampleTexts, ticks } from "../assets/run_metrics.js";
import { followRun } from "../assets/run_stream.js";
import { allowedTokens } from "../assets/sampling_filters.js";
import { ServerApi, TOKEN_NEEDED } from "../assets/server_api.js";
import { ServerSource, unitsAtEnd, unitsOfCharacters } from "../assets/server_source.js";
import { SOURCE_METHODS, SourceError } from "../assets/source.js";
import { parseEvent, readEvents } from "../assets/sse.js";

const SAMPLING = { temperature: 1, topP: 1, minP: 0, maxCopied: 0 };
const MODEL = { name: "one", unit: "word", sha256: "ab", max_tokens: 4096, no_training_text: null };

/** A body that comes in these pieces. */
function bodyOf(...pieces) {
    return new Response(
        new ReadableStream({
            start(controller) {
                const encoder = new TextEncoder();
                pieces.forEach((piece) => controller.enqueue(encoder.encode(piece)));
                controller.close();
            },
        }),
    ).body;
}

/** A source whose server answers with these values, one after another; `asked` gets the requests. */
function sourceOf(answers, asked = []) {
    const next = (path, body) => {
        asked.push([path, body]);
        return answers.shift();
    };
    const api = {
        post: async (path, body) => next(path, body),
        open: async (path, { body }) => ({ body: next(path, body) }),
    };
    return new ServerSource(api, MODEL);
}

test("a source has all methods", () => {
    assert.ok(SOURCE_METHODS.every((method) => typeof ServerSource.prototype[method] === "function"));
});

test("a model says what it is and what cannot be done", async () => {
    const info = await sourceOf([]).info();
    assert.deepEqual([info.name, info.unit, info.hash, info.noCopied], ["one", "word", "ab", null]);
    const untraced = new ServerSource(null, { ...MODEL, unit: "subword", no_training_text: "not read" });
    assert.match((await sourceOf([]).info()).noTyping, /unknown/u);
    const { unit, noCopied, noCopyLimit } = await untraced.info();
    assert.deepEqual([unit, noCopied, noCopyLimit], ["subword", "not read", "not read"]);
});

test("a model is blended with another one and has a label", async () => {
    const asked = [];
    const api = { post: async (path, body) => asked.push([path, body]) && { next: [] } };
    const model = { ...MODEL, labels: ["old", "new"], blends_with: ["two"] };
    const other = new ServerSource(api, { ...MODEL, name: "two", sha256: "cd" });
    const source = new ServerSource(api, model);
    const { labels, label, blendsWith } = await source.info();
    assert.deepEqual([labels, label, blendsWith], [["old", "new"], null, ["two"]]);
    const adapted = source.adapted({ blend: { source: other, share: 0.55 }, label: "new" });
    const { name, hash } = adapted.info;
    assert.deepEqual([name, hash, adapted.info.label], ["blend:one=0.55,two=0.45", "ab, cd", "new"]);
    await adapted.source.next({ text: "a", count: 1, sampling: SAMPLING });
    await source.adapted({ blend: null, label: "old" }).source.next({ text: "a", count: 1, sampling: SAMPLING });
    assert.deepEqual(
        asked.map(([, { model: asked_for, label: of }]) => [asked_for, of]),
        [
            ["blend:one=0.55,two=0.45", "new"],
            ["one", "old"],
        ],
    );
});

test("events are read wherever their bytes are divided", async () => {
    const text = "data: 1\n\n: a comment\n\nid: 7\nevent: samples\ndata: a\ndata:b\n\ndata: 한\r\n\r\ndata: lost";
    const expected = [
        { event: "message", data: "1", id: null },
        { event: "samples", data: "a\nb", id: "7" },
        { event: "message", data: "한", id: null },
    ];
    for (const cut of [1, 5, 9, 20, 40, 55]) {
        const events = [];
        for await (const event of readEvents(bodyOf(text.slice(0, cut), text.slice(cut)))) {
            events.push(event);
        }
        assert.deepEqual(events, expected);
    }
    assert.equal(parseEvent(": comment"), null);
    assert.deepEqual(parseEvent("event: truncated\ndata"), { event: "truncated", data: "", id: null });
});

test("characters of the server are units of the page", () => {
    assert.deepEqual(unitsOfCharacters("a𝒳b"), [0, 1, 3, 4]);
    assert.equal(unitsAtEnd("a𝒳", 1), 2);
    assert.equal(unitsAtEnd("a", 5), 1);
});

test("the next tokens come with what the sliders allow", async () => {
    const asked = [];
    const token = (text, probability, more = {}) => ({ text, replaces: 0, probability, is_end: false, ...more });
    const source = sourceOf(
        [
            {
                next: [
                    token(" fox", 0.6),
                    token("한", 0.3, { replaces: 1, is_copied: true, is_allowed: false }),
                    token("", 0.05, { is_end: true }),
                    token(" x", 0.04),
                ],
            },
        ],
        asked,
    );
    const next = await source.next({ text: "𝒳", count: 3, sampling: { ...SAMPLING, topP: 0.8, maxCopied: 4 } });
    // Without the copy 0.7 is left, of which the first token is more than 0.8.
    assert.deepEqual(next, [
        { text: " fox", replaces: 0, probability: 0.6, isAllowed: true, isCopied: false, isEnd: false },
        { text: "한", replaces: 2, probability: 0.3, isAllowed: false, isCopied: true, isEnd: false },
        { text: "", replaces: 0, probability: 0.05, isAllowed: false, isCopied: false, isEnd: true },
    ]);
    assert.deepEqual(asked, [["/api/next", { model: "one", text: "𝒳", k: 1000, max_copied: 4 }]]);
});

test("copies are excluded before the filters", async () => {
    const token = (text, probability, isAllowed) => ({
        text,
        replaces: 0,
        probability,
        is_end: false,
        is_allowed: isAllowed,
    });
    const allowed = async (sampling, ...next) => {
        const choices = await sourceOf([{ next }]).next({
            text: "a",
            count: 3,
            sampling: { ...SAMPLING, ...sampling },
        });
        return choices.map(({ isAllowed }) => isAllowed);
    };
    const three = [token(" a", 0.6, false), token(" b", 0.3, true), token(" c", 0.1, true)];
    assert.deepEqual(await allowed({ temperature: 0 }, ...three), [false, true, false]);
    assert.deepEqual(await allowed({ minP: 0.3 }, ...three), [false, true, true]);
    assert.deepEqual(await allowed({ topP: 0.8 }, ...three), [false, true, true]);
    assert.deepEqual(await allowed({ topP: 0.7 }, ...three), [false, true, false]);
    // One is copied where all would be copies, but not where others are only not listed.
    const copies = [token(" a", 0.6, false), token(" b", 0.4, false)];
    assert.deepEqual(await allowed({ topP: 0.5 }, ...copies), [true, false]);
    const many = Array.from({ length: 1000 }, () => token(" a", 0.0001, false));
    assert.deepEqual(await allowed({}, ...many), [false, false, false]);
});

test("a text comes in pieces with the probabilities of their tokens", async () => {
    const event = (text, logProbs, reason = null) =>
        `data: ${JSON.stringify({ seed: 5, choices: [{ text, logprobs: logProbs && { token_logprobs: logProbs }, finish_reason: reason }] })}\n\n`;
    const pieces = [];
    const body = bodyOf(
        event(" a", [-1]),
        event("", [-2]),
        event("한", [-3, -4]),
        event("", null, "stop"),
        "data: [DONE]\n\n",
    );
    const ended = await sourceOf([body]).generate({ text: "", maxTokens: 9, seed: 5, sampling: SAMPLING }, (piece) =>
        pieces.push(piece),
    );
    assert.deepEqual(pieces, [
        { text: " a", logProb: -1 },
        { text: "한", logProb: -9 },
    ]);
    assert.deepEqual(ended, { seed: 5, isComplete: true });
    const failed = (body) =>
        sourceOf([body]).generate({ text: "", maxTokens: 9, seed: 5, sampling: SAMPLING }, () => {});
    await assert.rejects(failed(bodyOf(event(" a", [-1]))), /ended the text early/u);
    await assert.rejects(
        failed(bodyOf('data: {"error": {"message": "no room", "code": null}}\n\n')),
        new SourceError("no room"),
    );
});

test("scores and copied passages are in units", async () => {
    const logprobs = {
        text: "𝒳 a",
        tokens: ["|", "|", "𝒳", " a"],
        text_offset: [0, 0, 0, 1],
        token_logprobs: [null, -9, -1, -2],
    };
    const read = await sourceOf([{ choices: [{ logprobs }] }]).read({ text: "𝒳 a" });
    assert.deepEqual(read, {
        text: "𝒳 a",
        tokens: [
            { start: 0, end: 2, logProb: -1 },
            { start: 2, end: 4, logProb: -2 },
        ],
    });
    const source = { position: 9, before: "b", text: "𝒳", after: "c" };
    const copied = await sourceOf([{ text: "a𝒳", runs: [{ start: 1, end: 2, tokens: 1, source }] }]).copied({
        text: "a𝒳",
        minTokens: 3,
    });
    assert.deepEqual(copied.passages, [
        { start: 1, end: 3, tokens: 1, passage: { before: "b", text: "𝒳", after: "c" } },
    ]);
});

test("the filters are those of the program", () => {
    const allowed = (probabilities, options) => allowedTokens(probabilities, { ...SAMPLING, ...options });
    assert.deepEqual(allowed([0.5, 0.3, 0.2], {}), [true, true, true]);
    assert.deepEqual(allowed([0.5, 0.3, 0.2], { temperature: 0 }), [true, false, false]);
    assert.deepEqual(allowed([0.5, 0.3, 0.2], { topP: 0.7 }), [true, true, false]);
    assert.deepEqual(allowed([0.5, 0.3, 0.2], { minP: 0.5 }), [true, true, false]);
    // A low temperature sharpens the distribution before the filters.
    assert.deepEqual(allowed([0.5, 0.3, 0.2], { minP: 0.5, temperature: 0.5 }), [true, false, false]);
    // Tokens that are not listed count.
    assert.deepEqual(allowed([0.3, 0.2], { topP: 0.5 }), [true, true]);
    assert.deepEqual(allowed([], {}), []);
    const excluded = allowedTokens([0.5, 0.3, 0.2], { ...SAMPLING, topP: 0.6 }, [true, false, false]);
    assert.deepEqual(excluded, [false, true, false]);
});

test("errors of the server are one line", async (context) => {
    const answer = (status, body) =>
        context.mock.method(globalThis, "fetch", async () => new Response(body, { status }));
    const api = new ServerApi();
    answer(400, '{"error": {"message": "`k` is 0", "code": null}}');
    await assert.rejects(api.post("/api/next", {}), new SourceError("`k` is 0"));
    answer(401, "");
    await assert.rejects(api.get("/api/models"), { code: TOKEN_NEEDED });
    answer(502, "<html>");
    await assert.rejects(api.get("/api/models"), /status 502/u);
    context.mock.method(globalThis, "fetch", async () => {
        throw new TypeError("failed");
    });
    await assert.rejects(api.get("/api/models"), { code: "no_answer" });
    let sent = null;
    context.mock.method(globalThis, "fetch", async (path, options) => {
        sent = options.headers;
        return new Response("{}");
    });
    api.token = "secret";
    await api.post("/x", {});
    assert.deepEqual(sent, { "authorization": "Bearer secret", "content-type": "application/json" });
});

test("a run is followed on after the last event", async (context) => {
    context.mock.timers.enable({ apis: ["setTimeout"] });
    const end = new AbortController();
    const asked = [];
    const listeners = [];
    const answers = [
        async () => ({ body: bodyOf("id: 1\ndata: a\n\n") }),
        async () => {
            throw new SourceError("no answer", "no_answer");
        },
        async () => ({ body: bodyOf("id: 2\ndata: b\n\n") }),
    ];
    const api = {
        open: (path, { headers }) => {
            asked.push([path, headers]);
            listeners.push(getEventListeners(end.signal, "abort").length);
            return answers.shift()();
        },
    };
    const events = [];
    const following = followRun(api, "a b", {
        signal: end.signal,
        onState: (state) => setImmediate(() => state === "waiting" && context.mock.timers.tick(1000)),
        onEvent: ({ data }) => {
            events.push(data);
            if (data === "b") {
                end.abort();
            }
        },
    });
    await following;
    assert.deepEqual(events, ["a", "b"]);
    assert.deepEqual(asked[0], ["/api/runs/a%20b/events", {}]);
    // Attempts leave no listeners behind.
    assert.deepEqual(listeners, [0, 0, 0]);
    assert.deepEqual(asked[2][1], { "last-event-id": "1" });
    const states = [];
    const complete = { open: async () => ({ body: bodyOf("data: a\n\nevent: end\ndata:\n\n") }) };
    await followRun(complete, "x", {
        signal: new AbortController().signal,
        onState: (state) => states.push(state),
        onEvent() {},
    });
    assert.deepEqual(states, ["open", "complete"]);
    const rejected = followRun(
        {
            open: async () => {
                throw new SourceError("no run");
            },
        },
        "x",
        { signal: new AbortController().signal, onState() {}, onEvent() {} },
    );
    await assert.rejects(rejected, /no run/u);
});

test("curves have the mean of each stretch of steps", () => {
    const metrics = new RunMetrics();
    const step = (epoch, number, at, mean) => ({
        event: "step",
        epoch,
        step: number,
        step_of_run: at,
        train_loss_nats_per_token: mean,
    });
    [step(1, 50, 50, 4.5), step(1, 100, 100, 4.0), step(2, 50, 160, 3.0)].forEach((line) => metrics.add(line));
    metrics.add({
        event: "epoch",
        epoch: 1,
        step: 110,
        valid_loss_nats_per_token: 3.5,
        train_loss_nats_per_token: 3.8,
    });
    metrics.add({ event: "epoch", epoch: 2, step: 220, valid_loss_nats_per_token: 3.6, train_loss_nats_per_token: 3 });
    assert.deepEqual(metrics.trainCurve(), [
        [50, 4.5],
        [100, 3.5],
        [160, 3],
    ]);
    assert.deepEqual(metrics.valid, [
        [110, 3.5],
        [220, 3.6],
    ]);
    assert.equal(metrics.bestEpoch().epoch, 1);
    metrics.clear();
    assert.deepEqual([metrics.trainCurve(), metrics.bestEpoch()], [[], null]);
    metrics.add({ event: "epoch", epoch: 1, step: 30, train_loss_nats_per_token: 5 });
    assert.deepEqual(metrics.trainCurve(), [[30, 5]]);
});

test("samples are those of an epoch each", () => {
    const markdown =
        "# Samples\n\n## Epoch 1, validation loss 4.2 nats/token\n\nTemperature 0.5:\n\n> The fox\n> ran.\n\n## Epoch 2\n\n> It";
    assert.deepEqual(sampleTexts(markdown), [
        "Epoch 1, validation loss 4.2 nats/token\n\nTemperature 0.5:\n\nThe fox\nran.",
        "Epoch 2\n\nIt",
    ]);
    assert.deepEqual(sampleTexts("# Samples\n"), []);
});

test("ticks are round numbers", () => {
    assert.deepEqual(ticks(0, 10, 5), [0, 2, 4, 6, 8, 10]);
    assert.deepEqual(ticks(3.04, 3.31, 5), [3.1, 3.2, 3.3]);
    assert.deepEqual(ticks(2, 2, 5), [2]);
});
