// Requests to the server that the page comes from. No DOM.

import { SourceError } from "./source.js";

/** The code of the error of a server that asks for a token. */
export const TOKEN_NEEDED = "token_needed";

/** The addresses of the server, with the token that it may ask for. */
export class ServerApi {
    constructor() {
        this.token = "";
    }

    /** The JSON of an address. */
    async get(path, signal) {
        return (await this.open(path, { signal })).json();
    }

    /** The JSON that a request with this body is answered with. */
    async post(path, body, signal) {
        return (await this.open(path, { body, signal })).json();
    }

    /** The answer to a request, whose body can be read as it comes. Throws a SourceError if the server rejects the request. */
    async open(path, { body = null, headers = {}, signal } = {}) {
        const options = { headers: { ...headers }, signal, cache: "no-store", credentials: "omit" };
        if (this.token !== "") {
            options.headers.authorization = `Bearer ${this.token}`;
        }
        if (body !== null) {
            Object.assign(options, { method: "POST", body: JSON.stringify(body) });
            options.headers["content-type"] = "application/json";
        }
        let response;
        try {
            response = await fetch(path, options);
        } catch (error) {
            if (error.name === "AbortError") {
                throw error;
            }
            throw new SourceError("the server does not answer: start it again, or wait until it is ready", "no_answer");
        }
        if (!response.ok) {
            throw await errorOf(response);
        }
        return response;
    }
}

async function errorOf(response) {
    if (response.status === 401) {
        return new SourceError("the server asks for its token", TOKEN_NEEDED);
    }
    const answer = await response.json().catch(() => null);
    const { message = `the server answers with the status ${response.status}`, code = null } = answer?.error ?? {};
    return new SourceError(message, code ?? "");
}
