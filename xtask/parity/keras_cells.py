"""Keras's recurrent layers: outputs, final states and all gradients, in float64."""

import keras
import numpy as np
import tensorflow as tf

from fixtures import D, H, N, T, Draw, tensor, tensors

L = keras.layers


def options(**others):
    return dict(return_sequences=True, return_state=True, **others)


# Name, layers from the lowest to the highest, whether the initial states are drawn.
CASES = [
    ("rnn_tanh", lambda: [L.SimpleRNN(H, activation="tanh", **options())], True),
    ("rnn_sigmoid", lambda: [L.SimpleRNN(H, activation="sigmoid", **options())], True),
    ("rnn_relu", lambda: [L.SimpleRNN(H, activation="relu", **options())], True),
    ("lstm", lambda: [L.LSTM(H, **options())], True),
    ("lstm_from_zero", lambda: [L.LSTM(H, **options())], False),
    ("gru_after", lambda: [L.GRU(H, reset_after=True, **options())], True),
    ("gru_before", lambda: [L.GRU(H, reset_after=False, **options())], True),
    ("stack", lambda: [L.LSTM(H, **options()), L.LSTM(H, **options())], True),
    ("mixed", lambda: [L.GRU(H, **options()), L.LSTM(H, **options())], True),
    ("bidirectional_lstm", lambda: [L.Bidirectional(L.LSTM(H, **options()))], True),
    ("bidirectional_gru", lambda: [L.Bidirectional(L.GRU(H, **options()))], True),
]
# The same with a mask: the second row is shorter than the sequence.
MASKED = [
    ("masked_lstm", lambda: [L.LSTM(H, **options())], True),
    ("masked_bidirectional_gru", lambda: [L.Bidirectional(L.GRU(H, **options()))], True),
]
LENGTHS = [T, 2]


def name_layers(layers):
    """Sets the names that a new Keras process would give, `lstm`, `lstm_1`, …, whatever was built before."""
    seen = {}
    for layer in layers:
        kind = keras.src.utils.naming.to_snake_case(type(layer).__name__)
        count = seen.get(kind, 0)
        seen[kind] = count + 1
        layer.name = kind if count == 0 else f"{kind}_{count}"
        for direction in ("forward", "backward"):
            inner = getattr(layer, f"{direction}_layer", None)
            if inner is not None:
                inner.name = f"{direction}_{keras.src.utils.naming.to_snake_case(type(inner).__name__)}"


def states_of(layer):
    """The number of state tensors of a layer."""
    cells = [layer.forward_layer, layer.backward_layer] if hasattr(layer, "forward_layer") else [layer]
    return sum(2 if isinstance(cell, L.LSTM) else 1 for cell in cells)


def case(seed, build, drawn, lengths=None):
    draw = Draw(seed)
    layers = build()
    name_layers(layers)
    width = D
    for layer in layers:
        layer.build((N, T, width))
        width = 2 * H if hasattr(layer, "forward_layer") else H
    variables = [variable for layer in layers for variable in layer.trainable_variables]
    for variable in variables:
        variable.assign(draw.normal(*variable.shape, scale=0.6))

    inputs = tf.Variable(draw.normal(N, T, D))
    count = sum(states_of(layer) for layer in layers)
    initial = [tf.Variable(draw.normal(N, H) if drawn else np.zeros((N, H))) for _ in range(count)]
    weigh_outputs = draw.normal(N, T, width)
    weigh_states = [draw.normal(N, H) for _ in range(count)]
    mask = None
    if lengths is not None:
        mask = tf.constant([[step < length for step in range(T)] for length in lengths])

    with tf.GradientTape() as tape:
        sequence, before, after = tf.convert_to_tensor(inputs), list(initial), []
        for layer in layers:
            own, before = before[: states_of(layer)], before[states_of(layer) :]
            own = [tf.convert_to_tensor(state) for state in own]
            sequence, *states = layer(sequence, initial_state=own, mask=mask)
            after += states
        loss = tf.reduce_sum(sequence * weigh_outputs)
        for state, weights in zip(after, weigh_states):
            loss += tf.reduce_sum(state * weights)
    values = [variable.value for variable in variables]
    found = tape.gradient(loss, values + [inputs] + initial)
    of_weights, of_inputs, of_states = found[: len(values)], found[len(values)], found[len(values) + 1 :]
    fixture = {
        "framework": f"keras {keras.__version__}, tensorflow {tf.__version__}, float64",
        "layout": "keras",
        "weights": tensors({v.path: v.numpy() for v in variables}),
        "inputs": tensor(inputs),
        "initial_states": [tensor(state) for state in initial],
        "outputs": tensor(sequence),
        "final_states": [tensor(state) for state in after],
        "weigh_outputs": tensor(weigh_outputs),
        "weigh_states": [tensor(state) for state in weigh_states],
        "weight_gradients": tensors({v.path: g.numpy() for v, g in zip(variables, of_weights)}),
        "input_gradient": tensor(of_inputs),
        "state_gradients": [tensor(gradient) for gradient in of_states],
    }
    if lengths is not None:
        fixture["lengths"] = lengths
    return fixture


def fixtures():
    for seed, (name, build, drawn) in enumerate(CASES, start=100):
        yield f"keras/{name}.json", case(seed, build, drawn)
    for seed, (name, build, drawn) in enumerate(MASKED, start=200):
        yield f"keras/{name}.json", case(seed, build, drawn, LENGTHS)
