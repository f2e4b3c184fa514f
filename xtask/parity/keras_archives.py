"""Model files of Keras: `.keras`, `.weights.h5` and `.h5`, the layout of Keras 2, and weights as textgenrnn saves them, with the logits
of their models."""

import io
import pathlib
import tempfile
import zipfile

import h5py
import keras
import numpy as np
import tensorflow as tf

from fixtures import D, H, V, Draw
from whole_models import IDS, fill, keras_model, report

L = keras.layers
MODELS = [
    ("stack.keras", lambda: [L.LSTM(H, return_sequences=True), L.LayerNormalization(), L.LSTM(H)]),
    ("gru.weights.h5", lambda: [L.GRU(H)]),
    ("rnn.h5", lambda: [L.SimpleRNN(H)]),
]


def saved(model, name):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / name
        # The warning that `.h5` is a legacy format.
        keras.utils.disable_interactive_logging()
        (model.save_weights if name.endswith(".weights.h5") else model.save)(path)
        return path.read_bytes()


def keras_2(layers):
    """Weights in the layout of Keras 2, from pairs of a layer's name and its weights by their names."""
    file = io.BytesIO()
    with h5py.File(file, "w") as root:
        root.attrs["layer_names"] = [name.encode() for name, _ in layers]
        root.attrs["backend"] = b"tensorflow"
        root.attrs["keras_version"] = b"2.2.4"
        for name, weights in layers:
            group = root.create_group(name)
            group.attrs["weight_names"] = [f"{path}:0".encode() for path in weights]
            for path, value in weights.items():
                group.create_dataset(f"{path}:0", data=np.asarray(value, np.float32))
    return file.getvalue()


def old_layers(model):
    """The weights of a model with an LSTM under the names that a script of Keras 2 may have given."""
    embedding, *lstm, kernel, bias = [variable.numpy() for variable in model.weights]
    names = ["rnn_1/lstm_cell/kernel", "rnn_1/lstm_cell/recurrent_kernel", "rnn_1/lstm_cell/bias"]
    return [
        ("input", {}),
        ("words", {"words/embeddings": embedding}),
        ("rnn_1", dict(zip(names, lstm))),
        ("output", {"output/kernel": kernel, "output/bias": bias}),
    ]


def files():
    """Triples of a name, a file and its report; a file that is to be rejected has none."""
    framework = f"keras {keras.__version__}, tensorflow {tf.__version__}, float32"
    for seed, (name, build) in enumerate(MODELS, start=700):
        model = keras_model(build, "float32")
        fill(model, Draw(seed))
        yield name, saved(model, name), report(framework, model(IDS).numpy())
    model = keras_model(lambda: [L.LSTM(H)], "float32")
    fill(model, Draw(710))
    layers = old_layers(model)
    yield "keras_2.hdf5", keras_2(layers), report(framework, model(IDS).numpy())
    attention = ("attention", {"attention/attention_W": Draw(711).normal(D + H, 1)})
    yield "textgenrnn.hdf5", keras_2([*layers[:3], attention, layers[3]]), None


def contents(file):
    """The tensors of a file by their paths; the bytes of two files with the same tensors may differ."""
    if file[:2] == b"PK":
        file = zipfile.ZipFile(io.BytesIO(file)).read("model.weights.h5")
    found = {}
    with h5py.File(io.BytesIO(file)) as root:
        root.visititems(lambda path, item: found.update({path: item[()].tolist()} if hasattr(item, "shape") else {}))
    return found
