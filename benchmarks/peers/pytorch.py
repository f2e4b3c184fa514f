"""The benchmark's works in PyTorch, written as its own examples are, and with its defaults.

Other ways were tried and were not faster: time before batch, `foreach` and `fused` optimizers."""

import itertools

import torch
from torch import nn
from torch.nn import functional as F

from protocol import CHARACTERS, TEMPERATURE, D, H, V, on_graphics, pieces, serve, threads, windows

DEVICE = torch.device("cuda" if on_graphics() and torch.cuda.is_available() else "cpu")


def finish():
    """Waits for a graphics processor, which computes behind Python's back."""
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()


def tensors(pairs):
    """Ids and targets, laid ready where they are needed, again and again."""
    return itertools.cycle([tuple(torch.from_numpy(part).to(DEVICE) for part in pair) for pair in pairs])


class LanguageModel(nn.Module):
    """Embedding, recurrent layers, dropout and one logit a token."""

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
        """Logits after the last step alone."""
        _, state = self.rnn(self.embedding(ids))
        hidden = state[0] if isinstance(state, tuple) else state
        return self.output(self.dropout(hidden[-1]))


def seed_model(cell, layers, batch, units=H):
    """One update a step, of one target after each window."""

    def build():
        torch.manual_seed(1)
        model = LanguageModel(cell, layers, H=units).to(DEVICE)
        optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3, alpha=0.9, eps=1e-7)
        batches = tensors(windows(batch))

        def run(steps):
            for ids, targets in itertools.islice(batches, steps):
                optimizer.zero_grad()
                F.cross_entropy(model.last(ids), targets).backward()
                optimizer.step()
            finish()

        return run

    return build


def characters():
    """One update a step, of a target after every character, the state carried on."""
    sizes = CHARACTERS
    torch.manual_seed(1)
    model = LanguageModel(layers=2, V=sizes["V"], D=sizes["D"], H=sizes["H"], dropout=0.0).to(DEVICE)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    batches = tensors(pieces())
    state = None

    def run(steps):
        nonlocal state
        for ids, targets in itertools.islice(batches, steps):
            optimizer.zero_grad()
            logits, after = model(ids, state)
            F.cross_entropy(logits.flatten(0, 1), targets.flatten()).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5)
            optimizer.step()
            state = tuple(part.detach() for part in after)
        finish()

    return run


def writer(rows):
    """One token a step for each row; every id leaves PyTorch, since a text is there to be read.

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
                shares = F.softmax(output(state[0]) / TEMPERATURE, dim=-1)
                ids = torch.multinomial(shares, 1).squeeze(1)
                ids.tolist()

        return run

    return build


WORKS = {
    "train-lstm-32": seed_model(nn.LSTM, 1, 32),
    "train-lstm-256": seed_model(nn.LSTM, 1, 256),
    "train-lstm-1024": seed_model(nn.LSTM, 1, 1024),
    "train-wide-32": seed_model(nn.LSTM, 1, 32, 1024),
    "train-wide-256": seed_model(nn.LSTM, 1, 256, 1024),
    "train-wide-1024": seed_model(nn.LSTM, 1, 1024, 1024),
    "train-gru-32": seed_model(nn.GRU, 1, 32),
    "train-rnn-32": seed_model(nn.RNN, 1, 32),
    "train-stack-32": seed_model(nn.LSTM, 2, 32),
    "train-char-2x512": characters,
    "generate-1": writer(1),
    "generate-64": writer(64),
}

if __name__ == "__main__":
    torch.set_num_threads(threads())
    known = {"MKL": torch.backends.mkl.is_available(), "oneDNN": torch.backends.mkldnn.is_available()}
    hello = {"name": "PyTorch", "version": torch.__version__, "threads": torch.get_num_threads()}
    hello["library"] = " and ".join(name for name, there in known.items() if there)
    hello["device"] = torch.cuda.get_device_name() if DEVICE.type == "cuda" else "cpu"
    hello["instructions"] = torch.backends.cpu.get_cpu_capability()
    serve(hello, WORKS)
