"""A worker's side of the benchmark: one JSON object a line, requests on stdin, answers on stdout.

Between requests a worker is blocked in a read and takes nothing from whoever is measured meanwhile."""

import gc
import json
import os
import sys
import time

import numpy as np

# The seed's network: vocabulary, embedding, units, window.
V, D, H, T = 4169, 100, 256, 20
# The network of characters: vocabulary, embedding, units, window, batch.
CHARACTERS = dict(V=65, D=64, H=512, T=50, N=50)
TEMPERATURE = 0.8
# Enough batches that no two steps in a row read the same one.
BATCHES = 8


def threads():
    """How many threads a worker may use; the launcher says it to all of them."""
    return int(os.environ["OMP_NUM_THREADS"])


def on_graphics():
    """Whether a worker may compute on a graphics processor; the launcher says it, too."""
    return bool(os.environ.get("PASTICHE_PEERS_ON_GRAPHICS"))


def windows(batch):
    """Batches of windows and the one id after each, drawn alike in every worker of this protocol."""
    draw = np.random.default_rng(1)
    return [(words(draw, (batch, T)), words(draw, batch)) for _ in range(BATCHES)]


def words(draw, size):
    """Ids as words come, by Zipf's law: the k-th word's share is about 1 / k."""
    return (V ** draw.random(size)).astype(np.int64) - 1


def pieces():
    """Batches of characters and the ones that follow each of them."""
    draw = np.random.default_rng(1)
    size, most = (CHARACTERS["N"], CHARACTERS["T"]), CHARACTERS["V"]
    return [(draw.integers(most, size=size), draw.integers(most, size=size)) for _ in range(BATCHES)]


def serve(hello, works):
    """Answers until stdin ends. A work is a function without arguments that builds it and returns another,
    which does as many steps as it is told."""
    # What a library prints would be read as an answer: only `tell` writes to the real stdout.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def tell(answer):
        answers.write(json.dumps(answer) + "\n")
        answers.flush()

    tell(hello)
    built = {}
    for line in sys.stdin:
        try:
            tell(answer(json.loads(line), works, built))
        except Exception as error:
            tell({"error": " ".join(f"{type(error).__name__}: {error}".split())})


def answer(request, works, built):
    """What is answered to one request."""
    if "forget" in request:
        built.pop(request["forget"], None)
        gc.collect()
        return {}
    work, steps = request["work"], request["steps"]
    if work not in works:
        return {"unsupported": True}
    if work not in built:
        # The first steps build graphs and choose kernels; what they take is nobody's speed.
        run = works[work]()
        run(3)
        built[work] = run
    began = time.perf_counter()
    built[work](steps)
    return {"seconds_per_step": (time.perf_counter() - began) / steps}
