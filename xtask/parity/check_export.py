"""Loads a safetensors file that Pastiche exported into a model of the framework itself, built from the
shapes in the file, and prints the logits after the last id of each row as JSON.

    check_export.py FILE pytorch|keras '[[1, 2, 3], [4, 5, 6]]'
"""

import json
import os
import sys

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import safetensors.numpy


def pytorch(weights, ids):
    import torch
    from torch import nn

    from whole_models import Writer

    depth = sum(name.startswith("rnn.weight_hh_l") for name in weights)
    rows, units = weights["rnn.weight_hh_l0"].shape
    vocabulary, inputs = weights["embedding.weight"].shape
    kind = {1: nn.RNN, 3: nn.GRU, 4: nn.LSTM}[rows // units]
    model = Writer(kind(inputs, units, num_layers=depth, batch_first=True))
    model.embedding = nn.Embedding(vocabulary, inputs)
    model.output = nn.Linear(units, vocabulary)
    model.load_state_dict({name: torch.tensor(value) for name, value in weights.items()})
    with torch.no_grad():
        return model(torch.tensor(ids)).numpy()


def keras(weights, ids):
    import keras

    from keras_cells import name_layers

    layers = keras.layers
    vocabulary, inputs = weights["embedding/embeddings"].shape
    kinds = {"simple_rnn": layers.SimpleRNN, "lstm": layers.LSTM, "gru": layers.GRU}
    cells = {name.split("/")[0] for name in weights if name.endswith("/recurrent_kernel")}
    cells = sorted(cells, key=lambda name: int(name.rsplit("_", 1)[1]) if name[-1].isdigit() else 0)
    recurrent = []
    for name in cells:
        kind = name.rsplit("_", 1)[0] if name[-1].isdigit() else name
        path = f"{name}/{kind}_cell"
        more = {"return_sequences": name != cells[-1]}
        if kind == "gru":
            more["reset_after"] = weights[f"{path}/bias"].ndim == 2
        recurrent.append(kinds[kind](weights[f"{path}/recurrent_kernel"].shape[0], **more))
    model = [layers.Embedding(vocabulary, inputs), *recurrent, layers.Dense(vocabulary)]
    name_layers(model)
    model = keras.Sequential(model, name="sequential")
    model.build((None, np.array(ids).shape[1]))
    for variable in model.weights:
        variable.assign(weights[variable.path.removeprefix("sequential/")])
    return model(np.array(ids)).numpy()


def main():
    file, layout, ids = sys.argv[1:]
    weights = safetensors.numpy.load_file(file)
    logits = {"pytorch": pytorch, "keras": keras}[layout](weights, json.loads(ids))
    print(json.dumps(np.asarray(logits, dtype=np.float64).tolist()))


if __name__ == "__main__":
    main()
