"""Files of `torch.save` in the forms that scripts for language models write, with the logits and losses of their models.

The attributes have the names of pytorch/examples' word_language_model and of the usual char-rnn scripts.
"""

import io
import sys
import types

import torch
from torch import nn

from fixtures import Draw, tensor

VOCABULARY, INPUTS, UNITS = 7, 3, 4
IDS = [[1, 2, 3, 4], [5, 6, 0, 1]]
TARGETS = [[2, 3, 4, 5], [6, 0, 1, 2]]


class RNNModel(nn.Module):
    """Embedding, recurrent layers and output layer under the names `encoder`, `rnn` and `decoder`."""

    def __init__(self, rnn, tied=False, vocabulary=VOCABULARY):
        super().__init__()
        self.drop = nn.Dropout(0.2)
        self.encoder = nn.Embedding(vocabulary, rnn.input_size)
        self.rnn = rnn
        self.decoder = nn.Linear(rnn.hidden_size, vocabulary)
        if tied:
            self.decoder.weight = self.encoder.weight

    def forward(self, ids):
        return self.decoder(self.rnn(self.encoder(ids))[0])


class CharRNN(nn.Module):
    """The same under the names `embed`, `lstm` and `fc`."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(VOCABULARY, INPUTS)
        self.lstm = nn.LSTM(INPUTS, UNITS, batch_first=True)
        self.fc = nn.Linear(UNITS, VOCABULARY)

    def forward(self, ids):
        return self.fc(self.lstm(self.embed(ids))[0])


class OneHotRNN(nn.Module):
    """A character model without an embedding, which reads one-hot vectors, with two layers and dropout."""

    def __init__(self, units=UNITS, vocabulary=VOCABULARY):
        super().__init__()
        self.lstm = nn.LSTM(vocabulary, units, 2, dropout=0.5, batch_first=True)
        self.dropout = nn.Dropout(0.5)
        self.fc = nn.Linear(units, vocabulary)

    def forward(self, ids):
        vectors = nn.functional.one_hot(ids, self.fc.out_features).float()
        return self.fc(self.dropout(self.lstm(vectors)[0]))


def drawn(model, seed):
    draw = Draw(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.tensor(draw.normal(*parameter.shape, scale=0.5)))
    return model.eval()


def saved(value):
    file = io.BytesIO()
    torch.save(value, file)
    return file.getvalue()


def as_whole_module(model):
    """The bytes of `torch.save(model)` by a script whose module `model` defines the class."""
    module = types.ModuleType("model")
    module.RNNModel, RNNModel.__module__ = RNNModel, "model"
    sys.modules["model"] = module
    try:
        return saved(model)
    finally:
        del sys.modules["model"]
        RNNModel.__module__ = __name__


def report(model):
    with torch.no_grad():
        logits = model(torch.tensor(IDS))
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), torch.tensor(TARGETS).flatten())
    return {"ids": IDS, "targets": TARGETS, "logits": tensor(logits.numpy()), "loss": float(loss)}


def files():
    """Triples of a name, a file and its report."""
    dtype = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    whole = drawn(RNNModel(nn.LSTM(UNITS, UNITS, 2, batch_first=True), tied=True), 41)
    yield "word_language_model", as_whole_module(whole), report(whole)
    state = drawn(RNNModel(nn.GRU(INPUTS, UNITS, batch_first=True)), 42)
    yield "state_dict", saved(state.state_dict()), report(state)
    model = drawn(CharRNN(), 43)
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.tensor(IDS)).sum().backward()
    optimizer.step()
    checkpoint = {
        "state_dict": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "n_hidden": UNITS,
        "tokens": ("a", "b"),
    }
    yield "char_rnn", saved(checkpoint), report(model)
    relu = nn.RNN(INPUTS, UNITS, 2, nonlinearity="relu", batch_first=True)
    for name, rnn, seed in [("rnn_relu", relu, 44), ("gru_stack", nn.GRU(UNITS, UNITS, 2, batch_first=True), 45)]:
        model = drawn(RNNModel(rnn), seed)
        yield name, as_whole_module(model), report(model)
    model = drawn(OneHotRNN(), 46)
    checkpoint = {"n_hidden": UNITS, "n_layers": 2, "state_dict": model.state_dict(), "tokens": tuple("abcdefg")}
    yield "one_hot", saved(checkpoint), report(model)
    torch.set_default_dtype(dtype)
