// The events of a run, which go on where they stopped when the server was started again. No DOM.

import { readEvents } from "./sse.js";

/** How long to wait before the next attempt, in milliseconds. */
const RETRY_AFTER = 1000;

/**
 * Calls `onEvent` with each event of a run, `{event, data}`, until `signal` is aborted or the run is complete;
 * `onState` with "open" when the events come, "complete" at the end, and "waiting" with an error when the server does
 * not answer. Rejects if the server rejects the request for another reason than that it does not answer.
 */
export async function followRun(api, name, { onEvent, onState, signal }) {
    let last = null;
    while (!signal.aborted) {
        try {
            const headers = last === null ? {} : { "last-event-id": last };
            const response = await api.open(`/api/runs/${encodeURIComponent(name)}/events`, { headers, signal });
            onState("open", null);
            for await (const event of readEvents(response.body)) {
                last = event.id ?? last;
                if (event.event === "end") {
                    onState("complete", null);
                    return;
                }
                onEvent(event);
            }
            onState("waiting", null);
        } catch (error) {
            if (signal.aborted) {
                return;
            }
            if (error.name === "SourceError" && error.code !== "no_answer") {
                throw error;
            }
            onState("waiting", error);
        }
        await waited(RETRY_AFTER, signal);
    }
}

/** Resolves after this time, or once `signal` is aborted. */
function waited(milliseconds, signal) {
    return new Promise((resolve) => {
        const end = () => {
            clearTimeout(timer);
            signal.removeEventListener("abort", end);
            resolve();
        };
        const timer = setTimeout(end, milliseconds);
        signal.addEventListener("abort", end);
    });
}
