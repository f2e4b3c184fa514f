// Compares the logits of networks with those of the program: `node network_cases.mjs FOLDER`, where cases.json lists
// the cases.

import fs from "node:fs";
import path from "node:path";
import { Network } from "../model/network.js";
import { readSafetensors } from "../model/safetensors.js";
import { largestDifference } from "./largest_difference.mjs";

const [folder] = process.argv.slice(2);
const bytesOf = (name) => new Uint8Array(fs.readFileSync(path.join(folder, name)));
const cases = JSON.parse(fs.readFileSync(path.join(folder, "cases.json"), "utf8"));
let failures = 0;
let largest = 0;

for (const { name, config, weights, logits, within, ids, label } of cases) {
    const expected = new Float32Array(bytesOf(logits).buffer);
    for (const useWasm of [true, false]) {
        const network = new Network(config, readSafetensors(bytesOf(weights)), useWasm);
        if (network.memory.usesWasm !== useWasm) {
            throw new Error("this version of Node has no SIMD in WebAssembly");
        }
        let state = network.initState();
        let difference = 0;
        ids.forEach((id, at) => {
            state = network.step(id, state, label);
            const found = network.logits(state);
            difference = Math.max(difference, largestDifference(found, expected, at * found.length));
        });
        largest = Math.max(largest, difference);
        if (!(difference <= within)) {
            failures += 1;
            console.error(`${name}, ${useWasm ? "WebAssembly" : "JavaScript"}: a logit differs by ${difference}`);
        }
    }
}
console.log(`${cases.length} cases, the largest difference is ${largest}`);
process.exit(failures === 0 && cases.length > 0 ? 0 : 1);
