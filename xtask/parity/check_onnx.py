"""ONNX files: those that the Rust tests compare with what is exported, computed by onnxruntime, and the example that writes texts
with the program's own, whose text must be that of the program.

    PASTICHE=target/release/pastiche target/parity/venv/bin/python xtask/parity/check_onnx.py
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime

from fixtures import MODELS, ROOT

FOLDER = ROOT / MODELS / "onnx"
EXAMPLE = ROOT.parent / "examples" / "onnx_generate.py"
TOLERANCE = 1e-5
TRAIN = ["--text", "datasets/fables/fables.txt", "--set", "train.epochs=1", "--set", "train.max_steps=60"]


def computed(session, ids, labels, chunks):
    """The outputs for `ids`, in chunks of the given numbers of steps, whose states are fed back."""
    names = [output.name for output in session.get_outputs()]
    inputs = {value.name: value for value in session.get_inputs()}
    rows = len(ids)
    fixed = {"labels": labels} if "labels" in inputs else {}
    states = {
        name: np.zeros((1, rows, value.shape[2]), np.float32)
        for name, value in inputs.items()
        if name not in ("ids", "labels")
    }
    logits, start = [], 0
    for count in chunks:
        outputs = dict(zip(names, session.run(names, {"ids": ids[:, start : start + count], **fixed, **states})))
        logits.append(outputs.pop("logits"))
        states = {name.replace("_out", "_in"): value for name, value in outputs.items()}
        start += count
    return {"logits": np.concatenate(logits, axis=1), **outputs}


def file_messages(path):
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    if [(entry.domain, entry.version) for entry in model.opset_import] != [("", 17)]:
        yield f"the operators are {model.opset_import}"
    session = onnxruntime.InferenceSession(path)
    for value in session.get_inputs():
        free = value.shape[:2] if value.name == "ids" else value.shape[value.name != "labels" :][:1]
        if free != ["batch", "time"][: len(free)]:
            yield f"{value.name} has the shape {value.shape}"
    report = json.loads(path.with_suffix(".json").read_text())
    ids, labels = (np.array(report[key], np.int64) for key in ("ids", "labels"))
    expected = {name: np.reshape(value["data"], value["shape"]) for name, value in report["outputs"].items()}
    # All rows at once, and each alone; all steps at once, and in chunks.
    for rows in [slice(0, 3), slice(0, 1), slice(1, 2), slice(2, 3)]:
        for chunks in [[5], [1, 2, 2], [1] * 5]:
            found = computed(session, ids[rows], labels[rows], chunks)
            if found.keys() != expected.keys():
                yield f"the outputs are {sorted(found)}"
                return
            for name, value in found.items():
                wanted = expected[name][rows] if name == "logits" else expected[name][:, rows]
                error = np.abs(value - wanted).max()
                if not error <= TOLERANCE:
                    yield f"{name} of {rows} in {chunks}: off by {error:.3g}, at most {TOLERANCE}"


def damaged_messages():
    """A file that ends early must not be read as another model."""
    whole = (FOLDER / "lstm.onnx").read_bytes()
    for end in (1, len(whole) // 2, len(whole) - 1):
        try:
            onnxruntime.InferenceSession(whole[:end])
            yield f"onnxruntime reads the first {end} of {len(whole)} bytes"
        except onnxruntime.capi.onnxruntime_pybind11_state.InvalidProtobuf:
            pass


def pastiche(*arguments):
    command = [os.environ["PASTICHE"], *arguments]
    return subprocess.run(command, cwd=ROOT.parent, check=True, capture_output=True, text=True).stdout


def text_messages():
    """The most likely continuation by the example and by the program."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        models = [("base", "base", "The fox")]
        for kind, prompt in [("characters", "The fox "), ("subwords", "The fox")]:
            run = folder / kind
            pastiche("train", "--config", f"configs/{kind}.toml", *TRAIN, "--name", str(run), "--quiet")
            models.append((kind, str(run), prompt))
        for name, model, prompt in models:
            file = folder / f"{name}-onnx" / f"{name}.onnx"
            file.parent.mkdir()
            pastiche("export", str(file), "--model", model)
            options = ["--temperature", "0", "--max-tokens", "40", "--mix", "none", "--json"]
            expected = pastiche("generate", "--prompt", prompt, "--model", model, *options)
            command = [sys.executable, str(EXAMPLE), str(file), prompt, "40", "0"]
            found = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            # Their decoder puts spaces before punctuation, too.
            if "".join(found.split()) != "".join(expected.split()):
                yield f"{name}: the example writes {found!r}, the program {expected!r}"


def messages():
    files = sorted(FOLDER.glob("*.onnx"))
    found = [] if files else [f"{FOLDER} has no ONNX files"]
    for path in files:
        found += [f"{path.name}: {message}" for message in file_messages(path)]
    return [f"ONNX: {message}" for message in [*found, *damaged_messages(), *text_messages()]]


if __name__ == "__main__":
    lines = messages()
    print("\n".join(lines))
    sys.exit(bool(lines))
