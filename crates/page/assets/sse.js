// Server-sent events that are read from the body of an answer: an EventSource cannot send a body or a token. No DOM.

/** The events of a stream of bytes, as they come: `{event, data, id}`; `id` is null where an event has none. */
export async function* readEvents(body) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    try {
        for (;;) {
            const { done, value } = await reader.read();
            if (done) {
                return;
            }
            const blocks = (rest + value).split(/\r?\n\r?\n/u);
            rest = blocks.pop();
            yield* blocks.map(parseEvent).filter((event) => event !== null);
        }
    } finally {
        await reader.cancel().catch(() => {});
    }
}

/** The event of a block of lines; null if it has neither a name nor data, as a comment that keeps a connection open. */
export function parseEvent(block) {
    const event = { event: "message", data: [], id: null };
    let isEmpty = true;
    for (const line of block.split(/\r?\n/u)) {
        const colon = line.indexOf(":");
        if (colon === 0) {
            continue;
        }
        const field = colon < 0 ? line : line.slice(0, colon);
        const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /u, "");
        if (field === "data") {
            event.data.push(value);
        } else if (field === "event" || field === "id") {
            event[field] = value;
        }
        isEmpty &&= !["data", "event", "id"].includes(field);
    }
    return isEmpty ? null : { ...event, data: event.data.join("\n") };
}
