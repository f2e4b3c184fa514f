"""Tensors as JSON, random inputs, and the folders of the fixtures."""

import json
import pathlib

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2] / "crates"
MODELS = "models/tests/fixtures"
TRAINER = "trainer/tests/fixtures"
TEXT_PREP = "text-prep/tests/fixtures"
EVAL = "eval/tests/parity"
CLI = "cli/tests/fixtures"

# The sizes of every recurrent case: batch, time steps, inputs, hidden units, vocabulary.
N, T, D, H, V = 2, 4, 3, 4, 7


def tensor(array):
    """A tensor as its shape and its elements in row-major order, with all 17 digits."""
    array = np.asarray(array, dtype=np.float64)
    return {"shape": list(array.shape), "data": [float(x) for x in array.reshape(-1)]}


def tensors(named):
    """Named tensors, sorted by name."""
    return {name: tensor(array) for name, array in sorted(named.items())}


class Draw:
    """A stream of normally distributed arrays from one seed."""

    def __init__(self, seed):
        self.generator = np.random.Generator(np.random.PCG64(seed))

    def normal(self, *shape, scale=1.0):
        return self.generator.normal(0.0, scale, shape)


def dumps(value):
    """One line per top-level key: compact, and readable in a diff. NaN and infinities raise an error."""
    lines = [f"{json.dumps(key)}: {json.dumps(item, allow_nan=False)}" for key, item in value.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"
