// The entry point of the page that the server sends: asks the server what it offers, and shows the views.

import { App } from "./app.js";
import { element, setChildren } from "./dom.js";
import { MeasureView } from "./measure_view.js";
import { QuestionsView } from "./questions_view.js";
import { RunsView } from "./runs_view.js";
import { ServerApi, TOKEN_NEEDED } from "./server_api.js";
import { ServerSource } from "./server_source.js";
import { WriteView } from "./write_view.js";

/** Where the token of the server is kept while the tab is open. */
const TOKEN_KEY = "pastiche-token";

const rootElement = document.getElementById("app");
const serverApi = new ServerApi();
serverApi.token = sessionStorage.getItem(TOKEN_KEY) ?? "";
startServerPage();

async function startServerPage() {
    try {
        await showServerPage(await serverApi.get("/api/models"));
    } catch (error) {
        if (error.code === TOKEN_NEEDED) {
            askForToken();
        } else {
            setChildren(rootElement, element("p", { class: "status error" }, `The page cannot start: ${error.message}`));
        }
    }
}

async function showServerPage({ program, models, question_models: questionModels, no_questions: noQuestions, no_runs: noRuns }) {
    const app = new App(rootElement);
    const sources = await Promise.all(models.map(async (model) => {
        const source = new ServerSource(serverApi, model);
        return { source, info: await source.info() };
    }));
    const options = { api: serverApi, sources, status: app.status, program };
    app.show([
        { id: "write", name: "Write", title: "Write with a model", view: new WriteView(options) },
        { id: "measure", name: "Measure", title: "Measure a draft", view: new MeasureView(options) },
        { id: "runs", name: "Runs", title: "Watch a run", view: noRuns === null ? new RunsView(options) : null, reason: noRuns },
        { id: "questions", name: "Questions", title: "Questions about a passage", view: noQuestions === null ? new QuestionsView({ ...options, models: questionModels }) : null, reason: noQuestions },
    ], element("p", {}, `${program}. Nothing that you write leaves this machine.`));
}

/** A form for the token, where the server was started with one. */
function askForToken() {
    const isWrong = serverApi.token !== "";
    const input = element("input", { type: "password", autocomplete: "off", required: true });
    const form = element("form", {
        class: "token", onsubmit: (event) => {
            event.preventDefault();
            serverApi.token = input.value.trim();
            sessionStorage.setItem(TOKEN_KEY, serverApi.token);
            startServerPage();
        },
    }, element("h1", {}, "Pastiche"), element("p", {}, "The server was started with a token, which the page must send."),
    isWrong ? element("p", { class: "status error", role: "alert" }, "This token is wrong.") : null,
    element("label", { class: "field" }, element("span", { class: "name" }, "Token"), input), element("button", { type: "submit", class: "primary" }, "Open"));
    setChildren(rootElement, element("main", {}, form));
    input.focus();
}
