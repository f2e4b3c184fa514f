"""Loads a safetensors file exported by Pastiche into a model of PyTorch or Keras, built from the shapes in
the file, and prints the logits after the last id of each row as JSON.

    target/parity/venv/bin/python xtask/parity/check_export.py FILE pytorch|keras '[[1, 2, 3], [4, 5, 6]]'

The file must contain an embedding, unidirectional recurrent layers and an output layer, and nothing else.
The activation of a vanilla RNN is not stored in the file; tanh is assumed.
"""

import itertools
import json
import os
import sys

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import safetensors.numpy


def pytorch_output(weights, units, vocabulary):
    from torch import nn

    clusters = sum(name.startswith("output.tail.") for name in weights) // 2
    if clusters == 0:
        return nn.Linear(units, vocabulary)
    # The rows of each matrix are its outputs.
    sizes = [[weights[f"output.tail.{at}.{part}.weight"].shape[0] for part in (0, 1)] for at in range(clusters)]
    head = weights["output.head.weight"].shape[0] - clusters
    cutoffs = [head + sum(tokens for _, tokens in sizes[:at]) for at in range(clusters)]
    output = nn.AdaptiveLogSoftmaxWithLoss(units, vocabulary, cutoffs, div_value=1.0, head_bias=True)
    for at, (size, tokens) in enumerate(sizes):
        output.tail[at] = nn.Sequential(nn.Linear(units, size, bias=False), nn.Linear(size, tokens, bias=False))
    return output


def pytorch(weights, ids):
    import torch
    from torch import nn

    from whole_models import LanguageModel

    depth = sum(name.startswith("rnn.weight_hh_l") for name in weights)
    rows, units = weights["rnn.weight_hh_l0"].shape
    vocabulary, inputs = weights["embedding.weight"].shape
    shapes = [weights[f"rnn.weight_hh_l{at}"].shape for at in range(depth)]
    if len(set(shapes)) != 1:
        sys.exit(f"layers of shapes {shapes}: torch.nn requires the same kind and size for all layers")
    kind = {1: nn.RNN, 3: nn.GRU, 4: nn.LSTM}[rows // units]
    model = LanguageModel(kind(inputs, units, num_layers=depth, batch_first=True))
    model.embedding = nn.Embedding(vocabulary, inputs)
    model.output = pytorch_output(weights, units, vocabulary)
    model.load_state_dict({name: torch.tensor(value) for name, value in weights.items()})
    with torch.no_grad():
        return model(torch.tensor(ids)).numpy()


def kind_and_number(name):
    """`lstm_1` → (`lstm`, 1), `simple_rnn` → (`simple_rnn`, 0)."""
    kind, _, number = name.rpartition("_")
    return (kind, int(number)) if number.isdigit() else (name, 0)


def in_order(sizes, inputs):
    """The layers from the lowest to the highest: the input size of each is the hidden size of the one below,
    and layers of the same kind have increasing numbers. `sizes` has the input size and the units of each."""

    def fits(names):
        expected = [inputs] + [sizes[name][1] for name in names]
        numbers = {}
        for name in names:
            kind, number = kind_and_number(name)
            numbers.setdefault(kind, []).append(number)
        increasing = all(found == sorted(found) for found in numbers.values())
        return increasing and all(sizes[name][0] == size for name, size in zip(names, expected))

    orders = [names for names in itertools.permutations(sizes) if fits(names)]
    if len(orders) != 1:
        sys.exit(f"the shapes fit {len(orders)} orders of {', '.join(sorted(sizes))}; expected one")
    return orders[0]


def keras(weights, ids):
    import keras

    from keras_cells import name_layers

    layers = keras.layers
    vocabulary, inputs = weights["embedding/embeddings"].shape
    kinds = {"simple_rnn": layers.SimpleRNN, "lstm": layers.LSTM, "gru": layers.GRU}
    end = "_cell/recurrent_kernel"
    paths = {name.split("/")[0]: name.removesuffix("/recurrent_kernel") for name in weights if name.endswith(end)}
    sizes = {
        name: (weights[f"{path}/kernel"].shape[0], weights[f"{path}/recurrent_kernel"].shape[0])
        for name, path in paths.items()
    }
    names = in_order(sizes, inputs)
    recurrent = []
    for name in names:
        kind, _ = kind_and_number(name)
        options = {"return_sequences": name != names[-1]}
        if kind == "gru":
            options["reset_after"] = weights[f"{paths[name]}/bias"].ndim == 2
        recurrent.append(kinds[kind](sizes[name][1], **options))
    model = [layers.Embedding(vocabulary, inputs), *recurrent, layers.Dense(vocabulary)]
    name_layers(model)
    model = keras.Sequential(model, name="sequential")
    model.build((None, np.array(ids).shape[1]))
    variables = {variable.path.removeprefix("sequential/"): variable for variable in model.weights}
    if variables.keys() != weights.keys():
        sys.exit(f"the file contains {sorted(weights)}, expected {sorted(variables)}")
    for name, variable in variables.items():
        variable.assign(weights[name])
    return model(np.array(ids)).numpy()


def load(file):
    """The tensors of a file by name, without the prefix of a Keras sequential model."""
    weights = safetensors.numpy.load_file(file)
    return {name.removeprefix("sequential/"): value for name, value in weights.items()}


def main():
    file, layout, ids = sys.argv[1:]
    logits = {"pytorch": pytorch, "keras": keras}[layout](load(file), json.loads(ids))
    print(json.dumps(np.asarray(logits, dtype=np.float64).tolist()))


if __name__ == "__main__":
    main()
