// Makes a source of text of the parts of a page.

import { ModelSource } from "./model_source.js";
import { Network } from "./network.js";
import { readSafetensors } from "./safetensors.js";
import { Tokenizer } from "./tokenizer.js";
import { TrainingText } from "./training_text.js";

/**
 * The source of a model.
 *
 * @param {object} about What the page says about the model.
 * @param {Uint8Array} weights
 * @param {Uint8Array} tokenizerJson
 * @param {Uint8Array | null} textBytes The ids of the training text, 32 bits each, the lowest byte first.
 * @returns {ModelSource}
 */
export function loadModel(about, weights, tokenizerJson, textBytes) {
    const network = new Network(about.config, readSafetensors(weights));
    const tokenizer = new Tokenizer(JSON.parse(new TextDecoder().decode(tokenizerJson)));
    const ends = [tokenizer.documentId, tokenizer.unknownId].filter((id) => id !== null);
    const trainingText = textBytes === null ? null : new TrainingText(new Uint32Array(textBytes.buffer), ends);
    return new ModelSource({ network, tokenizer, trainingText, about });
}
