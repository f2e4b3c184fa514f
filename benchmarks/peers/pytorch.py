"""The benchmark's workloads in PyTorch, written like its own examples and with its defaults.

Time-major batches, `foreach` and `fused` optimizers were tried and were not faster. With the argument
`compile` only the training steps, whose loss and update are compiled by `torch.compile`; with `autocast` only the training
steps, whose forward pass and loss are computed under `torch.autocast` in bf16."""

import itertools
import sys

import torch
from torch import nn
from torch.nn import functional as F

from protocol import (
    CHARACTERS,
    TEMPERATURE,
    WORDS,
    D,
    H,
    V,
    character_windows,
    on_gpu,
    serve,
    threads,
    windows,
    word_windows,
)

DEVICE = torch.device("cuda" if on_gpu() and torch.cuda.is_available() else "cpu")

COMPILE = sys.argv[1:] == ["compile"]
AUTOCAST = sys.argv[1:] == ["autocast"]


def compiled(function):
    """The function, compiled at its first call if that was asked for."""
    return torch.compile(function) if COMPILE else function


def autocast():
    """Products in bf16 where PyTorch finds that they may be, if that was asked for."""
    return torch.autocast(DEVICE.type, dtype=torch.bfloat16, enabled=AUTOCAST)


def compile_error():
    """Why `torch.compile` does not work here, if so: it needs a C++ compiler and the headers of Python."""
    try:
        torch.compile(torch.sin)(torch.ones(1, device=DEVICE))
    except Exception as error:
        return f"failed with {type(error).__name__}: {str(error).splitlines()[0]}"
    return None


def first(build):
    """Builds a workload as if it were the first: `torch.compile` compiles a function only for a few models."""

    def build_first():
        torch.compiler.reset()
        return build()

    return build_first


def finish():
    """Waits for the GPU, which computes asynchronously."""
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()


def tensors(pairs):
    """An endless cycle of ids and targets, already on the device."""
    return itertools.cycle([tuple(torch.from_numpy(part).to(DEVICE) for part in pair) for pair in pairs])


class LanguageModel(nn.Module):
    """Embedding, recurrent layers, dropout and an output layer."""

    def __init__(self, cell=nn.LSTM, layers=1, V=V, D=D, H=H, dropout=0.2):
        super().__init__()
        self.embedding = nn.Embedding(V, D)
        self.rnn = cell(D, H, num_layers=layers, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(H, V)

    def forward(self, ids, state=None):
        """Logits at every step, and the state after the last."""
        outputs, state = self.rnn(self.embedding(ids), state)
        return self.output(self.dropout(outputs)), state

    def last(self, ids):
        """Logits only after the last step."""
        _, state = self.rnn(self.embedding(ids))
        hidden = state[0] if isinstance(state, tuple) else state
        return self.output(self.dropout(hidden[-1]))


def baseline(cell, layers, batch, units=H):
    """A step is one update, with one target after each window."""

    def build():
        torch.manual_seed(1)
        model = LanguageModel(cell, layers, H=units).to(DEVICE)
        optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3, alpha=0.9, eps=1e-7)
        batches = tensors(windows(batch))

        @compiled
        def loss(ids, targets):
            with autocast():
                return F.cross_entropy(model.last(ids), targets)

        update = compiled(optimizer.step)

        def run(steps):
            for ids, targets in itertools.islice(batches, steps):
                optimizer.zero_grad()
                loss(ids, targets).backward()
                update()
            finish()

        return run

    return build


def streams(sizes, windows, rate, max_norm=None):
    """A step is one update, with a target at every step of the windows and a carried state."""

    def build():
        torch.manual_seed(1)
        model = LanguageModel(layers=2, V=sizes["V"], D=sizes["D"], H=sizes["H"], dropout=0.0).to(DEVICE)
        optimizer = torch.optim.Adam(model.parameters(), lr=rate)
        batches = tensors(windows())
        state = None

        @compiled
        def forward(ids, targets, state):
            with autocast():
                logits, after = model(ids, state)
                return F.cross_entropy(logits.flatten(0, 1), targets.flatten()), after

        update = compiled(optimizer.step)

        def run(steps):
            nonlocal state
            for ids, targets in itertools.islice(batches, steps):
                optimizer.zero_grad()
                loss, after = forward(ids, targets, state)
                loss.backward()
                if max_norm is not None:
                    nn.utils.clip_grad_norm_(model.parameters(), max_norm)
                update()
                state = tuple(part.detach() for part in after)
            finish()

        return run

    return build


def draw(logits):
    """A random id for each row. `torch.multinomial` is slower, because it draws a random number for each word."""
    cumulative = F.softmax(logits / TEMPERATURE, dim=-1).cumsum(-1)
    # Less than the sum even when rounded, because `rand` is at most 1 - 2^-24.
    limits = torch.rand(len(logits), 1, device=DEVICE) * cumulative[:, -1:]
    return torch.searchsorted(cumulative, limits, right=True).squeeze(1)


def generation(rows):
    """A step generates one token per row and copies the ids to Python, as printing a text requires.

    For single steps `nn.LSTMCell` is nearly twice as fast as `nn.LSTM`."""

    def build():
        torch.manual_seed(1)
        parts = nn.Embedding(V, D), nn.LSTMCell(D, H), nn.Linear(H, V)
        embedding, cell, output = (part.to(DEVICE) for part in parts)
        ids, state = torch.zeros(rows, dtype=torch.int64, device=DEVICE), None

        @torch.inference_mode()
        def run(steps):
            nonlocal ids, state
            for _ in range(steps):
                state = cell(embedding(ids), state)
                ids = draw(output(state[0]))
                ids.tolist()

        return run

    return build


WORKLOADS = {
    "train-lstm-32": baseline(nn.LSTM, 1, 32),
    "train-lstm-256": baseline(nn.LSTM, 1, 256),
    "train-lstm-1024": baseline(nn.LSTM, 1, 1024),
    "train-wide-32": baseline(nn.LSTM, 1, 32, 1024),
    "train-wide-256": baseline(nn.LSTM, 1, 256, 1024),
    "train-wide-1024": baseline(nn.LSTM, 1, 1024, 1024),
    "train-gru-32": baseline(nn.GRU, 1, 32),
    "train-rnn-32": baseline(nn.RNN, 1, 32),
    "train-stack-32": baseline(nn.LSTM, 2, 32),
    "train-char-2x512": streams(CHARACTERS, character_windows, 2e-3, max_norm=5),
    "train-words-2x200": streams(WORDS, word_windows, 1e-3),
    "generate-1": generation(1),
    "generate-64": generation(64),
}

if __name__ == "__main__":
    torch.set_num_threads(threads())
    libraries = {"MKL": torch.backends.mkl.is_available(), "oneDNN": torch.backends.mkldnn.is_available()}
    info = {"name": "PyTorch", "version": torch.__version__, "threads": torch.get_num_threads()}
    info["library"] = " and ".join(name for name, available in libraries.items() if available)
    info["device"] = torch.cuda.get_device_name() if DEVICE.type == "cuda" else "cpu"
    info["instructions"] = torch.backends.cpu.get_cpu_capability()
    training = {name: build for name, build in WORKLOADS.items() if name.startswith("train-")}
    workloads = WORKLOADS
    if COMPILE:
        error = compile_error()
        info |= {"name": "torch.compile", "compilation": error or "of loss and update"}
        workloads = {} if error else {name: first(build) for name, build in training.items()}
    if AUTOCAST:
        info |= {"name": "PyTorch autocast", "precision": "bf16"}
        workloads = training
    serve(info, workloads)
