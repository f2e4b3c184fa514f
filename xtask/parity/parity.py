"""Computes the fixtures, and writes them (`--write`) or compares them with the committed ones."""

import json
import os
import pathlib
import sys

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# oneDNN's fused kernels round differently; TensorFlow's own kernels are the reference.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

import keras
import numpy as np

keras.config.set_floatx("float64")
keras.config.set_dtype_policy("float64")

import check_export
import check_import
import check_onnx
import check_server
import event_files
import initial
import keras_archives
import keras_cells
import keras_tokenizer
import optimizers
import pytorch_cells
import pytorch_checkpoints
import text_scores
import whole_models
from fixtures import CLI, EVAL, MODELS, ROOT, TEXT_PREP, TRAINER, dumps

# Relative to the largest element of a tensor; for float32 logits the tolerance is larger.
TOLERANCE, TOLERANCE_32 = 1e-12, 1e-5


def all_fixtures():
    """Pairs of a path under `crates/` and a fixture: text, or bytes of a safetensors file."""
    for fixtures in (keras_cells.fixtures, pytorch_cells.fixtures):
        for path, value in fixtures():
            yield f"{MODELS}/{path}", dumps(value)
    yield f"{MODELS}/language_model.json", dumps(whole_models.language_model())
    yield f"{MODELS}/initial.json", dumps(initial.fixture())
    yield f"{TRAINER}/optimizers.json", dumps(optimizers.fixture())
    yield f"{TEXT_PREP}/keras_tokenizer.json", dumps(keras_tokenizer.fixture())
    yield f"{EVAL}/text_scores.json", dumps(text_scores.fixture())
    yield f"{CLI}/tensorboard.json", dumps(event_files.fixture())
    for files in (whole_models.pytorch_files, whole_models.keras_files):
        for name, file, report in files():
            yield f"{MODELS}/weights/{name}.safetensors", file
            yield f"{MODELS}/weights/{name}.json", dumps(report)
    for name, file, report in pytorch_checkpoints.files():
        yield f"{MODELS}/checkpoints/{name}.pt", file
        yield f"{MODELS}/checkpoints/{name}.json", dumps(report)
    for name, file, report in keras_archives.files():
        yield f"{MODELS}/keras_archives/{name}", file
        if report is not None:
            yield f"{MODELS}/keras_archives/{name}.json", dumps(report)


def differences(found, expected, path, tolerance):
    """Messages about where two JSON values differ; tensors are compared relative to their largest element."""
    if isinstance(expected, dict) and set(expected) == {"shape", "data"}:
        if found["shape"] != expected["shape"]:
            return [f"{path}: shape {found['shape']}, committed {expected['shape']}"]
        found, expected = np.array(found["data"]), np.array(expected["data"])
        error = np.abs(found - expected).max(initial=0.0)
        limit = tolerance * np.abs(expected).max(initial=0.0)
        # Written so that NaN is a difference too.
        return [] if error <= limit else [f"{path}: off by {error:.3g}, at most {limit:.3g}"]
    if isinstance(expected, dict) and isinstance(found, dict) and found.keys() == expected.keys():
        pairs = ((found[key], expected[key], f"{path}.{key}") for key in expected)
    elif isinstance(expected, list) and isinstance(found, list) and len(found) == len(expected):
        pairs = ((a, b, f"{path}[{at}]") for at, (a, b) in enumerate(zip(found, expected)))
    elif isinstance(expected, float) and isinstance(found, (int, float)):
        close = abs(found - expected) <= tolerance * max(abs(expected), 1e-300)
        return [] if close else [f"{path}: {found}, committed {expected}"]
    else:
        return [] if found == expected else [f"{path}: {found!r:.80}, committed {expected!r:.80}"]
    return [line for a, b, where in pairs for line in differences(a, b, where, tolerance)]


def compare(path, found):
    committed = ROOT / path
    if not committed.exists():
        return [f"{path}: not committed"]
    if isinstance(found, bytes):
        read = keras_archives.contents if "/keras_archives/" in path else lambda file: file
        return [] if read(committed.read_bytes()) == read(found) else [f"{path}: different contents"]
    in_32_bits = ("/weights/", "/checkpoints/", "/keras_archives/", "initial.json")
    tolerance = TOLERANCE_32 if any(part in path for part in in_32_bits) else TOLERANCE
    return differences(json.loads(found), json.loads(committed.read_text()), path, tolerance)


def obsolete(computed):
    """Messages about committed fixtures that no program computes any more; tests would still rely on them."""
    files = [file for folder in (MODELS, TRAINER, TEXT_PREP, EVAL) for file in (ROOT / folder).rglob("*")]
    # The folders in it, and the ONNX files, are inputs, written by the Rust tests.
    files += (ROOT / CLI).glob("*")
    paths = {file.relative_to(ROOT).as_posix() for file in files if file.is_file() and file.parent != check_onnx.FOLDER}
    return [f"{path}: not computed by any program" for path in sorted(paths - computed)]


def misloaded():
    """Messages about weight files that give other logits when loaded into a new model of their framework by
    names and shapes only. The Rust tests check that Pastiche exports exactly these tensors."""
    messages = []
    for file in sorted((ROOT / MODELS / "weights").glob("*.safetensors")):
        report = json.loads(file.with_suffix(".json").read_text())
        load = check_export.pytorch if file.name.startswith("pytorch") else check_export.keras
        weights = check_export.load(file)
        logits = np.asarray(load(weights, report["ids"]))
        found = {"shape": list(logits.shape), "data": logits.reshape(-1).tolist()}
        messages += differences(found, report["logits"], f"{file.name} loaded", TOLERANCE_32)
    return messages


def main():
    write = sys.argv[1:] == ["--write"]
    messages, computed = [], set()
    for path, fixture in all_fixtures():
        computed.add(path)
        if write:
            file = ROOT / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(fixture if isinstance(fixture, bytes) else fixture.encode())
        else:
            messages += compare(path, fixture)
    messages += obsolete(computed) + misloaded() + check_onnx.messages() + check_import.messages()
    messages += check_server.messages()
    if write:
        print(f"{len(computed)} fixtures written under {pathlib.Path(ROOT).name}/")
    for message in messages:
        print(message)
    if messages:
        sys.exit(f"{len(messages)} differences from the committed fixtures")
    if not write:
        print(f"{len(computed)} fixtures agree with what the frameworks compute")


if __name__ == "__main__":
    main()
