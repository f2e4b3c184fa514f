"""Tensors as JSON, and where each fixture lies."""

import json
import pathlib

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2] / "crates"
MODELS = "models/tests/fixtures"
TRAINER = "trainer/tests/fixtures"
TEXT_PREP = "text-prep/tests/fixtures"
GENERATE = "generate/tests/parity"
CLI = "cli/tests/fixtures"

# The sizes of every recurrent case: rows, steps, inputs, units, vocabulary.
N, T, D, H, V = 2, 4, 3, 4, 7


def tensor(array):
    """A tensor as its shape and its numbers, row by row, with all 17 digits."""
    array = np.asarray(array, dtype=np.float64)
    return {"shape": list(array.shape), "data": [float(x) for x in array.reshape(-1)]}


def tensors(named):
    """Named tensors, sorted by name."""
    return {name: tensor(array) for name, array in sorted(named.items())}


class Draw:
    """Normal numbers from one seed, in the order in which they are asked for."""

    def __init__(self, seed):
        self.generator = np.random.Generator(np.random.PCG64(seed))

    def normal(self, *shape, scale=1.0):
        return self.generator.normal(0.0, scale, shape)


def dumps(value):
    """One line a top-level key: compact, and readable in a diff."""
    # A fixture holds numbers; what is none is refused here, not written.
    lines = [f"{json.dumps(key)}: {json.dumps(item, allow_nan=False)}" for key, item in value.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"
