"""Writes a text with a model that `pastiche export model.onnx` wrote, without Pastiche.

    pip install onnxruntime tokenizers
    python examples/onnx_generate.py model.onnx "The fox" 60         # 60 tokens at temperature 0.8
    python examples/onnx_generate.py model.onnx "The fox" 60 0       # the likeliest token each time
"""

import json
import pathlib
import sys

import numpy as np
import onnxruntime
import tokenizers

path, prompt, count = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
temperature = float(sys.argv[4]) if len(sys.argv) > 4 else 0.8
session = onnxruntime.InferenceSession(path)
about = session.get_modelmeta().custom_metadata_map
tokenizer = tokenizers.Tokenizer.from_file(str(path.with_name("tokenizer.json")))
# A prompt that spells such a token does not mean it.
tokenizer.encode_special_tokens = True
random = np.random.default_rng(1)
names = [output.name for output in session.get_outputs()]
zeros = {}
for value in session.get_inputs()[1:]:
    shape, dtype = [size if isinstance(size, int) else 1 for size in value.shape], value.type
    zeros[value.name] = np.zeros(shape, np.int64 if dtype == "tensor(int64)" else np.float32)


def step(ids, state):
    """The logits after the last id, and the state that goes with the next one."""
    logits, *after = session.run(names, {"ids": np.array([ids], np.int64), **state})
    return logits[0, -1], {**state, **{n.replace("_out", "_in"): s for n, s in zip(names[1:], after)}}


start, prompt_ids = json.loads(about["start_ids"]), tokenizer.encode(prompt).ids
ids = start + prompt_ids
# Such a model reads its last window again for each token.
by_window, window = about["state_mode"] == "window", int(about["window"])
logits, state = step(ids[-window:] if by_window else ids, zeros)
for _ in range(count):
    logits[json.loads(about["never_sampled"])] = -np.inf
    if temperature == 0:
        ids.append(int(logits.argmax()))
    else:
        weights = np.exp((logits - logits.max()) / temperature)
        ids.append(int(random.choice(len(weights), p=weights / weights.sum())))
    if ids[-1] == int(about.get("document_id", -1)):
        break
    logits, state = step(ids[-window:], zeros) if by_window else step(ids[-1:], state)
print(tokenizer.decode(ids[len(start) :]))
