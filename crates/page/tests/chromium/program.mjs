// The program under test: `pastiche serve` in a folder with old runs, and Chromium.

import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Where the packages of package.json are installed. */
const require = createRequire(join(process.env.PAGE_TEST_PACKAGES, "package.json"));
const { chromium } = require("playwright-core");

/** The path of axe-core's script. */
export const AXE_PATH = require.resolve("axe-core/axe.min.js");
/** Where screenshots go. */
export const SCREENSHOTS = process.env.PAGE_TEST_SCREENSHOTS;

/** A name that a page elsewhere could have, which leads to this machine. */
export const EVIL = "evil.example";

/** A temporary folder with the old runs and their text. */
export class Workplace {
    constructor() {
        this.folder = mkdtempSync(join(tmpdir(), "pastiche-page-"));
        cpSync(process.env.PAGE_TEST_RUNS, this.folder, { recursive: true });
        // Another model with the vocabulary of `words`, with which it can be blended.
        cpSync(join(this.folder, "runs", "words"), join(this.folder, "runs", "others"), { recursive: true });
        this.servers = [];
    }

    /** Starts a server with these options; it has ended when the workplace is removed. */
    async serve(...options) {
        const program = spawn(process.env.PAGE_TEST_PROGRAM, ["serve", ...options], {
            cwd: this.folder,
            stdio: ["ignore", "ignore", "pipe"],
            env: {
                ...process.env,
                PASTICHE_DATASETS: join(this.folder, "datasets"),
                PASTICHE_TOKEN: undefined,
                PASTICHE_BACKEND: undefined,
            },
        });
        const server = {
            program,
            ended: new Promise((resolve) => {
                program.on("exit", resolve);
            }),
        };
        this.servers.push(server);
        let said = "";
        server.address = await new Promise((resolve, reject) => {
            program.stderr.on("data", (data) => {
                said += data;
                const found = /at (http:\/\/\S+:\d+)/u.exec(said);
                if (found !== null) {
                    resolve(found[1]);
                }
            });
            program.on("error", reject);
            program.on("exit", (code) => reject(new Error(`the server ended with ${code}: ${said}`)));
        });
        server.port = Number(new URL(server.address).port);
        return server;
    }

    /** Ends a server as Ctrl-C does. */
    async stop(server) {
        server.program.kill("SIGINT");
        await server.ended;
    }

    async remove() {
        for (const server of this.servers) {
            server.program.kill("SIGKILL");
            await server.ended;
        }
        rmSync(this.folder, { recursive: true, force: true });
    }
}

/** Chromium, without the sandbox where it runs as root, which Chromium otherwise rejects. */
export function launchChromium() {
    const isRoot = process.getuid?.() === 0;
    return chromium.launch({
        executablePath: process.env.PAGE_TEST_CHROMIUM,
        args: [
            `--host-resolver-rules=MAP ${EVIL} 127.0.0.1`,
            "--force-prefers-reduced-motion",
            ...(isRoot ? ["--no-sandbox"] : []),
        ],
    });
}

/**
 * Opens a page of the server whose errors, violations of the content security policy and requests to elsewhere are
 * collected in `page.problems`.
 */
export async function openPage(browser, address, options = {}) {
    const context = await browser.newContext({
        viewport: { width: 1240, height: 860 },
        reducedMotion: "reduce",
        ...options,
    });
    const page = await context.newPage();
    page.problems = [];
    page.setDefaultTimeout(10_000);
    page.on("console", (message) => {
        if (["error", "warning"].includes(message.type())) {
            page.problems.push(`console: ${message.text()}`);
        }
    });
    page.on("pageerror", (error) => page.problems.push(`error: ${error}`));
    page.on("request", (request) => {
        if (!request.url().startsWith(`${address}/`) && !request.url().startsWith("blob:")) {
            page.problems.push(`request to ${request.url()}`);
        }
    });
    await page.addInitScript(() => {
        addEventListener("securitypolicyviolation", (event) =>
            console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`),
        );
    });
    await page.goto(`${address}/`);
    return page;
}
