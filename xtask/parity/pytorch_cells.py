"""PyTorch's recurrent modules: outputs, final states and all gradients, in float64."""

import torch
from torch import nn

from fixtures import D, H, N, T, Draw, tensor, tensors

CASES = [
    ("rnn_tanh", lambda: nn.RNN(D, H, nonlinearity="tanh", batch_first=True)),
    ("rnn_relu", lambda: nn.RNN(D, H, nonlinearity="relu", batch_first=True)),
    ("lstm", lambda: nn.LSTM(D, H, batch_first=True)),
    ("gru", lambda: nn.GRU(D, H, batch_first=True)),
    ("stack", lambda: nn.LSTM(D, H, num_layers=2, batch_first=True)),
    ("bidirectional_lstm", lambda: nn.LSTM(D, H, bidirectional=True, batch_first=True)),
    ("bidirectional_gru", lambda: nn.GRU(D, H, bidirectional=True, batch_first=True)),
]


def case(seed, build):
    draw = Draw(seed)

    def variable(values):
        return torch.tensor(values, dtype=torch.float64, requires_grad=True)

    rnn = build().double()
    with torch.no_grad():
        for weight in rnn.parameters():
            weight.copy_(torch.tensor(draw.normal(*weight.shape, scale=0.6)))
    inputs = variable(draw.normal(N, T, D))
    count = rnn.num_layers * (2 if rnn.bidirectional else 1)
    parts = 2 if isinstance(rnn, nn.LSTM) else 1
    # One [N, H] tensor per state: h before c, lower layers first, forward direction before backward.
    initial = [[variable(draw.normal(N, H)) for _ in range(parts)] for _ in range(count)]
    stacked = [torch.stack([states[part] for states in initial]) for part in range(parts)]
    outputs, after = rnn(inputs, tuple(stacked) if parts == 2 else stacked[0])
    after = after if parts == 2 else (after,)
    final = [after[part][at] for at in range(count) for part in range(parts)]
    initial = [state for states in initial for state in states]

    weigh_outputs = draw.normal(*outputs.shape)
    weigh_states = [draw.normal(N, H) for _ in final]
    loss = (outputs * torch.tensor(weigh_outputs)).sum()
    for state, weights in zip(final, weigh_states):
        loss = loss + (state * torch.tensor(weights)).sum()
    loss.backward()
    named = {f"rnn.{name}": weight for name, weight in rnn.named_parameters()}

    def array(value):
        return value.detach().numpy()

    return {
        "framework": f"pytorch {torch.__version__.split('+')[0]}, float64",
        "layout": "pytorch",
        "weights": tensors({name: array(weight) for name, weight in named.items()}),
        "inputs": tensor(array(inputs)),
        "initial_states": [tensor(array(state)) for state in initial],
        "outputs": tensor(array(outputs)),
        "final_states": [tensor(array(state)) for state in final],
        "weigh_outputs": tensor(weigh_outputs),
        "weigh_states": [tensor(state) for state in weigh_states],
        "weight_gradients": tensors({name: array(weight.grad) for name, weight in named.items()}),
        "input_gradient": tensor(array(inputs.grad)),
        "state_gradients": [tensor(array(state.grad)) for state in initial],
    }


def fixtures():
    for seed, (name, build) in enumerate(CASES, start=300):
        yield f"pytorch/{name}.json", case(seed, build)
