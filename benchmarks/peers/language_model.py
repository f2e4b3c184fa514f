"""A word language model in PyTorch on a benchmark such as Penn Treebank, to compare perplexities with.

Two LSTM layers of 200 units, dropout 0.35, Adam with a cosine schedule, 20 streams in chunks of 35 tokens; embedding and
output layer do not share their weights. The model is trained once for each learning rate, for the given minutes or steps each,
and the one with the lowest validation perplexity is tested. The files have one sentence on a line and spaces between words; a
line end is a word. Every token of a text is scored once, the first after a line end, and the state is carried over the
whole text (Mikolov et al. 2010). Prints one line with a JSON object."""

import argparse
import copy
import json
import math
import os
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

UNITS, DROPOUT, STREAMS, CHUNK = 200, 0.35, 20, 35
RATES = [0.001, 0.002, 0.004]
MAX_NORM = 1.0
# Tokens that are evaluated at once.
EVALUATION_CHUNK = 200
LINE_END, UNKNOWN = "<eos>", "<unk>"


class LanguageModel(nn.Module):
    """Embedding, LSTM layers and an output layer, with dropout before, between and after the layers."""

    def __init__(self, vocabulary):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, UNITS)
        self.rnn = nn.LSTM(UNITS, UNITS, num_layers=2, dropout=DROPOUT, batch_first=True)
        self.dropout = nn.Dropout(DROPOUT)
        self.output = nn.Linear(UNITS, vocabulary)
        # As in PyTorch's own example of a language model.
        nn.init.uniform_(self.embedding.weight, -0.1, 0.1)
        nn.init.uniform_(self.output.weight, -0.1, 0.1)
        nn.init.zeros_(self.output.bias)

    def forward(self, ids, state):
        """Logits at every step, and the state after the last."""
        outputs, state = self.rnn(self.dropout(self.embedding(ids)), state)
        return self.output(self.dropout(outputs)), state


def words(path):
    """The words of a file, with a line end after each line."""
    with open(path, encoding="utf-8") as lines:
        return [word for line in lines for word in line.split() + [LINE_END]]


def encode(text, numbers, path):
    """The ids of words. A word that the training text does not have is `<unk>`, if that is a word there."""
    unknown = numbers.get(UNKNOWN)
    ids = [numbers.get(word, unknown) for word in text]
    if None in ids:
        word = text[ids.index(None)]
        sys.exit(f"{path}: `{word}` is not in the training text, which has no `{UNKNOWN}`: replace it")
    return torch.tensor(ids)


def loss(model, ids, targets, state):
    """The mean of −ln p(target), and the state after the last id."""
    logits, state = model(ids, state)
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten()), state


@torch.inference_mode()
def perplexity(model, ids, line_end):
    """The perplexity of a text, of which every token is a target."""
    model.eval()
    inputs = torch.cat([torch.tensor([line_end]), ids[:-1]])
    sum_of_nats, state = 0.0, None
    for chunk, targets in zip(inputs.split(EVALUATION_CHUNK), ids.split(EVALUATION_CHUNK)):
        nats, state = loss(model, chunk[None], targets[None], state)
        sum_of_nats += nats.item() * len(targets)
    model.train()
    return math.exp(sum_of_nats / len(ids))


def train(ids, valid, vocabulary, line_end, rate, seconds, most_steps):
    """Trains for so many seconds, which include validation after each pass and at the end, or for so many steps if they are
    given. Returns the weights with the lowest validation perplexity, and what is known of the training."""
    torch.manual_seed(1)
    model = LanguageModel(vocabulary)
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    length = (len(ids) - 1) // STREAMS
    inputs = ids[: length * STREAMS].view(STREAMS, length)
    targets = ids[1 : length * STREAMS + 1].view(STREAMS, length)
    start, steps, passes, checked = time.perf_counter(), 0, 0.0, 0.0
    best = (math.inf, copy.deepcopy(model.state_dict()))

    def validate():
        nonlocal best, checked
        before = time.perf_counter()
        found = perplexity(model, valid, line_end)
        checked = time.perf_counter() - before
        if found < best[0]:
            best = (found, copy.deepcopy(model.state_dict()))

    def used():
        if most_steps:
            return steps / most_steps
        # The last validation takes about as long as the one before.
        return (time.perf_counter() - start) / max(seconds - checked, 1e-9)

    while used() < 1:
        state = None
        for at in range(0, length, CHUNK):
            if used() >= 1:
                break
            for group in optimizer.param_groups:
                group["lr"] = rate * (1 + math.cos(math.pi * used())) / 2
            chunk = slice(at, min(at + CHUNK, length))
            optimizer.zero_grad()
            nats, state = loss(model, inputs[:, chunk], targets[:, chunk], state)
            nats.backward()
            nn.utils.clip_grad_norm_(model.parameters(), MAX_NORM)
            optimizer.step()
            state = tuple(part.detach() for part in state)
            steps += 1
            passes += (chunk.stop - at) / length
        validate()
    known = {"learning_rate": rate, "steps": steps, "passes": round(passes, 2), "valid_perplexity": best[0]}
    return best[1], known | {"seconds": round(time.perf_counter() - start, 1)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ["train", "valid", "test"]:
        parser.add_argument(f"--{name}", required=True, metavar="FILE")
    budget = parser.add_mutually_exclusive_group(required=True)
    budget.add_argument("--minutes", type=float, help="the time for each learning rate")
    budget.add_argument("--steps", type=int, help="the steps for each learning rate, for machines with other work")
    parser.add_argument("--rates", type=float, nargs="+", default=RATES, help="the learning rates to choose from")
    options = parser.parse_args()
    threads = os.environ.get("OMP_NUM_THREADS")
    if threads:
        torch.set_num_threads(int(threads))
    texts = {name: words(getattr(options, name)) for name in ["train", "valid", "test"]}
    numbers = {word: number for number, word in enumerate(dict.fromkeys(texts["train"]))}
    ids = {name: encode(text, numbers, getattr(options, name)) for name, text in texts.items()}
    if len(ids["train"]) <= STREAMS:
        sys.exit(f"{options.train}: {len(ids['train'])} words and line ends; expected more than {STREAMS}")
    line_end, vocabulary = numbers[LINE_END], len(numbers)
    seconds = 60 * (options.minutes or 0)
    trained = [
        train(ids["train"], ids["valid"], vocabulary, line_end, rate, seconds, options.steps) for rate in options.rates
    ]
    weights, best = min(trained, key=lambda run: run[1]["valid_perplexity"])
    model = LanguageModel(vocabulary)
    model.load_state_dict(weights)
    result = {
        "name": "PyTorch",
        "version": torch.__version__,
        "threads": torch.get_num_threads(),
        "minutes": options.minutes,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "vocabulary": vocabulary,
        "tokens": {name: len(of_part) for name, of_part in ids.items()},
        "runs": [run for _, run in trained],
        "learning_rate": best["learning_rate"],
        "valid_perplexity": best["valid_perplexity"],
        "test_perplexity": perplexity(model, ids["test"], line_end),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
