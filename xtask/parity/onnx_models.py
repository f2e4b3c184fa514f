"""Checks the committed ONNX models and computes their logits and states with onnxruntime.

The models are written by Pastiche (`crates/models/src/interop/onnx/tests.rs`); the Rust tests compare the results with its own.
"""

import numpy as np
import onnx
import onnxruntime

from fixtures import MODELS, ROOT, tensor

IDS = [[3, 1, 12, 0, 3], [2, 5, 6, 7, 8], [9, 10, 11, 4, 4]]
LABELS = [0, 2, 1]


def run(session, chunks):
    """The outputs for all ids, read chunk by chunk with the states that the chunk before returned."""
    names = [output.name for output in session.get_outputs()]
    state = {}
    for value in session.get_inputs()[1:]:
        shape = [len(IDS) if size == "batch" else size for size in value.shape]
        state[value.name] = np.zeros(shape, np.float32)
    if "labels" in state:
        state["labels"] = np.array(LABELS, np.int64)[:, None]
    logits = []
    for chunk in np.split(np.array(IDS, np.int64), chunks, axis=1):
        outputs = dict(zip(names, session.run(names, {"ids": chunk, **state})))
        logits.append(outputs.pop("logits"))
        state.update({name.replace("_out", "_in"): value for name, value in outputs.items()})
    return {"logits": np.concatenate(logits, axis=1), **outputs}


def fixtures():
    """Pairs of a file name and the results of a model at once; those in chunks must be the same."""
    for path in sorted((ROOT / MODELS / "onnx").glob("*.onnx")):
        onnx.checker.check_model(str(path), full_check=True)
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        outputs, in_chunks = run(session, []), run(session, [1, 3])
        for name, value in outputs.items():
            difference = np.abs(value - in_chunks[name]).max()
            assert difference < 1e-5, f"{path.name}, {name}: off by {difference} when read in chunks"
        yield f"onnx/{path.stem}.json", {"ids": IDS, "outputs": {name: tensor(value) for name, value in outputs.items()}}
