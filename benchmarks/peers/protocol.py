"""The workers' side of the benchmark protocol: one JSON object per line, requests on stdin, responses on
stdout. Between requests a worker blocks in a read and uses no CPU time."""

import gc
import json
import os
import sys
import time

import numpy as np

# The model of the Keras baseline: vocabulary size, embedding dimension, hidden units, window length.
V, D, H, T = 4169, 100, 256, 20
# Models with a target at every step: the same, and the batch size.
CHARACTERS = dict(V=65, D=64, H=512, T=50, N=50)
WORDS = dict(V=10_000, D=200, H=200, T=35, N=20)
TEMPERATURE = 0.8
# Enough that consecutive steps use different batches.
BATCHES = 8


def threads():
    """The number of threads that a worker may use, set by the launcher."""
    return int(os.environ["OMP_NUM_THREADS"])


def on_gpu():
    """Whether a worker may use a GPU, set by the launcher."""
    return bool(os.environ.get("PASTICHE_PEERS_ON_GPU"))


def windows(batch):
    """Batches of windows with the next id of each; the same in every worker that uses this module."""
    draw = np.random.default_rng(1)
    return [(words(draw, (batch, T)), words(draw, batch)) for _ in range(BATCHES)]


def words(draw, size, vocabulary=V):
    """Random ids by Zipf's law: the frequency of the k-th word is about proportional to 1 / k."""
    return (vocabulary ** draw.random(size)).astype(np.int64) - 1


def character_windows():
    """Batches of characters, with the next character of each as its target."""
    draw = np.random.default_rng(1)
    size, most = (CHARACTERS["N"], CHARACTERS["T"]), CHARACTERS["V"]
    return [(draw.integers(most, size=size), draw.integers(most, size=size)) for _ in range(BATCHES)]


def word_windows():
    """Batches of words, with the next word of each as its target."""
    draw = np.random.default_rng(1)
    size, vocabulary = (WORDS["N"], WORDS["T"]), WORDS["V"]
    return [(words(draw, size, vocabulary), words(draw, size, vocabulary)) for _ in range(BATCHES)]


def serve(info, workloads):
    """Responds to requests until stdin ends. A workload is a function that builds a model and returns a
    function `run(steps)`."""
    # Output of a library must not be read as a response: only `send` writes to the real stdout.
    stdout = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def send(response):
        stdout.write(json.dumps(response) + "\n")
        stdout.flush()

    send(info)
    built = {}
    for line in sys.stdin:
        try:
            send(respond(json.loads(line), workloads, built))
        except Exception as error:
            send({"error": " ".join(f"{type(error).__name__}: {error}".split())})


def respond(request, workloads, built):
    """The response to one request."""
    if "forget" in request:
        built.pop(request["forget"], None)
        gc.collect()
        return {}
    name, steps = request["work"], request["steps"]
    if name not in workloads:
        return {"unsupported": True}
    if name not in built:
        # Warm-up: the first steps build graphs and select kernels.
        run = workloads[name]()
        run(3)
        built[name] = run
    start = time.perf_counter()
    built[name](steps)
    return {"seconds_per_step": (time.perf_counter() - start) / steps}
