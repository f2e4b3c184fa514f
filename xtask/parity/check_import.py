"""Imports models of scripts by the commands in docs/interop.md, with their own order of tokens, and compares the loss of a text.

    PASTICHE=target/release/pastiche target/parity/venv/bin/python xtask/parity/check_import.py
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

import keras
import numpy as np
import torch
from keras.src.legacy.preprocessing.text import Tokenizer
from torch import nn

import pytorch_checkpoints
from pytorch_checkpoints import drawn, saved

UNITS = 6
TOLERANCE = 1e-5
WORDS = "sour the grapes fox saw a crow and wolf ran from hill to river by night".split()
TEXT = "".join(" ".join(WORDS[(line * step + 3) % len(WORDS)] for step in range(2, 9)) + "\n" for line in range(60))
CLEAN = ["--set", "clean.rules=[]", "--set", "clean.document_separator=", "--set", "windows.context_len=5"]


def sizes(inputs, *cells):
    layers = ",".join(f'{{cell="{cell}",units={UNITS}}}' for cell in cells)
    return ["--set", f"model.embedding_dim={inputs}", "--set", f"model.layers=[{layers}]"]


def torch_loss(model, ids, start):
    """The mean loss of all `ids`, the first from `start`, with the state kept over the whole text."""
    with torch.no_grad():
        logits = model(torch.tensor([[start, *ids[:-1]]]))[0]
        return float(nn.functional.cross_entropy(logits, torch.tensor(ids)))


def word_language_model():
    """A whole module with the words in the order of their first appearance, and `<eos>` at line ends."""
    tokens = [token for line in TEXT.splitlines() for token in [*line.split(), "<eos>"]]
    vocabulary = list(dict.fromkeys(tokens))
    ids = [vocabulary.index(token) for token in tokens]
    rnn = nn.LSTM(UNITS, UNITS, 2, batch_first=True)
    model = pytorch_checkpoints.RNNModel(rnn, tied=True, vocabulary=len(vocabulary))
    drawn(model, 61)
    listed = ["\n" if token == "<eos>" else token for token in vocabulary]
    options = ["--rename", "encoder=embedding", "--rename", "decoder=output", "--set", "tokens.newlines=keep"]
    loss = torch_loss(model, ids, vocabulary.index("<eos>"))
    return "model.pt", pytorch_checkpoints.as_whole_module(model), listed, loss, [*options, *sizes(UNITS, "lstm", "lstm")]


def one_hot_characters():
    """A checkpoint of a network that reads one-hot vectors, with the characters in the order of a set."""
    vocabulary = sorted(set(TEXT), reverse=True)
    ids = [vocabulary.index(character) for character in TEXT]
    model = drawn(pytorch_checkpoints.OneHotRNN(UNITS, len(vocabulary)), 62)
    options = ["--key", "state_dict", "--rename", "lstm=rnn", "--rename", "fc=output", "--one-hot"]
    options += ["--set", "tokens.kind=characters", *sizes(len(vocabulary), "lstm", "lstm")]
    file = saved({"state_dict": model.state_dict(), "tokens": tuple(vocabulary)})
    return "checkpoint.pt", file, vocabulary, torch_loss(model, ids, vocabulary.index("\n")), options


def keras_words(name):
    """A model of Keras with the indices of its `Tokenizer`."""
    tokenizer = Tokenizer(filters="", lower=False, char_level=True)
    tokenizer.fit_on_texts([TEXT])
    ids = tokenizer.texts_to_sequences([TEXT])[0]
    keras.config.set_dtype_policy("float32")
    count = len(tokenizer.word_index) + 1
    layers = [keras.layers.Embedding(count, 5, name="characters"), keras.layers.GRU(UNITS, return_sequences=True, name="memory")]
    model = keras.Sequential([*layers, keras.layers.Dense(count)])
    model.build((None, None))
    keras.config.set_dtype_policy("float64")
    draw = np.random.default_rng(63)
    for variable in model.weights:
        variable.assign(draw.normal(0.0, 0.5, variable.shape))
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / name
        model.save(path)
        file = path.read_bytes()
    logits = torch.tensor(np.array(model(np.array([[tokenizer.word_index["\n"], *ids[:-1]]])))[0])
    loss = float(nn.functional.cross_entropy(logits, torch.tensor(ids)))
    options = ["--set", "tokens.kind=characters", *sizes(5, "gru")]
    return name, file, json.loads(tokenizer.to_json()), loss, options


def pastiche(folder, *arguments):
    command = [os.environ["PASTICHE"], *arguments]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if ended.returncode:
        raise RuntimeError(f"{' '.join(arguments)}: {ended.stderr}")
    return ended.stdout


def messages():
    found = []
    dtype = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    for case in [word_language_model(), one_hot_characters(), keras_words("model.keras"), keras_words("model.h5")]:
        name, file, tokens, expected, options = case
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            (folder / name).write_bytes(file)
            (folder / "tokens.json").write_text(json.dumps(tokens))
            (folder / "text.txt").write_text(TEXT)
            text = ["--text", "text.txt", "--set", "tokens.path=tokens.json"]
            pastiche(folder, "import", name, "--out", "model", *text, *CLEAN, *options)
            report = pastiche(folder, "evaluate", "--model", "model", "--text", "text.txt", "--every-token", "--json")
            loss = json.loads(report)["loss_nats_per_token"]
            if not abs(loss - expected) <= TOLERANCE:
                found.append(f"import of {name}: a loss of {loss}, expected {expected}")
    torch.set_default_dtype(dtype)
    return found


if __name__ == "__main__":
    lines = messages()
    print("\n".join(lines))
    sys.exit(bool(lines))
