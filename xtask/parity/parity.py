"""Writes the fixtures (`--write`), or computes them again and compares them with the committed ones."""

import json
import os
import pathlib
import sys

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Some of TensorFlow's fused kernels round otherwise; the plain ones are the reference.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

import keras
import numpy as np

keras.config.set_floatx("float64")
keras.config.set_dtype_policy("float64")

import check_export
import event_files
import initial
import keras_cells
import optimizers
import pytorch_cells
import text_scores
import tokenizers
import whole_models
from fixtures import CLI, GENERATE, MODELS, ROOT, TEXT_PREP, TRAINER, dumps

# Relative to the largest number of a tensor; 32-bit logits are compared less closely.
TOLERANCE, TOLERANCE_32 = 1e-12, 1e-5


def all_fixtures():
    """Every fixture by its path under `crates/`: text, or bytes of a safetensors file."""
    for fixtures in (keras_cells.fixtures, pytorch_cells.fixtures):
        for path, value in fixtures():
            yield f"{MODELS}/{path}", dumps(value)
    yield f"{MODELS}/language_model.json", dumps(whole_models.language_model())
    yield f"{MODELS}/initial.json", dumps(initial.fixture())
    yield f"{TRAINER}/optimizers.json", dumps(optimizers.fixture())
    yield f"{TEXT_PREP}/keras_tokenizer.json", dumps(tokenizers.fixture())
    yield f"{GENERATE}/text_scores.json", dumps(text_scores.fixture())
    yield f"{CLI}/tensorboard.json", dumps(event_files.fixture())
    for files in (whole_models.pytorch_files, whole_models.keras_files):
        for name, file, report in files():
            yield f"{MODELS}/weights/{name}.safetensors", file
            yield f"{MODELS}/weights/{name}.json", dumps(report)


def differences(found, expected, place, tolerance):
    """Where two JSON values differ; tensors by their largest number."""
    if isinstance(expected, dict) and set(expected) == {"shape", "data"}:
        if found["shape"] != expected["shape"]:
            return [f"{place}: shape {found['shape']}, committed {expected['shape']}"]
        found, expected = np.array(found["data"]), np.array(expected["data"])
        error = np.abs(found - expected).max(initial=0.0)
        limit = tolerance * np.abs(expected).max(initial=0.0)
        # So asked, what is no number is a difference too.
        return [] if error <= limit else [f"{place}: off by {error:.3g}, at most {limit:.3g}"]
    if isinstance(expected, dict) and isinstance(found, dict) and found.keys() == expected.keys():
        pairs = ((found[key], expected[key], f"{place}.{key}") for key in expected)
    elif isinstance(expected, list) and isinstance(found, list) and len(found) == len(expected):
        pairs = ((a, b, f"{place}[{at}]") for at, (a, b) in enumerate(zip(found, expected)))
    elif isinstance(expected, float) and isinstance(found, (int, float)):
        close = abs(found - expected) <= tolerance * max(abs(expected), 1e-300)
        return [] if close else [f"{place}: {found}, committed {expected}"]
    else:
        return [] if found == expected else [f"{place}: {found!r:.80}, committed {expected!r:.80}"]
    return [line for a, b, where in pairs for line in differences(a, b, where, tolerance)]


def compare(path, found):
    committed = ROOT / path
    if not committed.exists():
        return [f"{path}: not committed"]
    if isinstance(found, bytes):
        return [] if committed.read_bytes() == found else [f"{path}: other bytes"]
    tolerance = TOLERANCE_32 if "/weights/" in path or path.endswith("initial.json") else TOLERANCE
    return differences(json.loads(found), json.loads(committed.read_text()), path, tolerance)


def left_over(made):
    """Committed fixtures that no program makes any more; tests would go on believing them."""
    files = [file for room in (MODELS, TRAINER, TEXT_PREP, GENERATE) for file in (ROOT / room).rglob("*")]
    # What lies in the folders there was written by the tests in Rust, to be read here.
    files += (ROOT / CLI).glob("*")
    paths = {file.relative_to(ROOT).as_posix() for file in files if file.is_file()}
    return [f"{path}: made by nothing here" for path in sorted(paths - made)]


def misloaded():
    """The files of weights that, loaded into a fresh model of their framework by the names and shapes in
    them alone, give other logits. The tests see to it that Pastiche exports these very tensors."""
    wrong = []
    for file in sorted((ROOT / MODELS / "weights").glob("*.safetensors")):
        report = json.loads(file.with_suffix(".json").read_text())
        load = check_export.pytorch if file.name.startswith("pytorch") else check_export.keras
        weights = check_export.load(file)
        logits = np.asarray(load(weights, report["ids"]))
        found = {"shape": list(logits.shape), "data": logits.reshape(-1).tolist()}
        wrong += differences(found, report["logits"], f"{file.name} loaded", TOLERANCE_32)
    return wrong


def main():
    write = sys.argv[1:] == ["--write"]
    wrong, made = [], set()
    for path, fixture in all_fixtures():
        made.add(path)
        if write:
            place = ROOT / path
            place.parent.mkdir(parents=True, exist_ok=True)
            data = fixture if isinstance(fixture, bytes) else fixture.encode()
            place.write_bytes(data)
        else:
            wrong += compare(path, fixture)
    wrong += left_over(made) + misloaded()
    if write:
        print(f"{len(made)} fixtures written under {pathlib.Path(ROOT).name}/")
    for line in wrong:
        print(line)
    if wrong:
        sys.exit(f"{len(wrong)} differences from the committed fixtures")
    if not write:
        print(f"{len(made)} fixtures are what the frameworks compute today")


if __name__ == "__main__":
    main()
