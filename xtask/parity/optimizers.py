"""Five steps of Keras's optimizers on four parameters, in float64."""

import keras
import numpy as np

from fixtures import tensor

WEIGHTS = np.array([0.75, -0.5, 0.25, 1.5])
# Includes tiny gradients, for which ε determines the step, and zeros.
GRADIENTS = np.array(
    [
        [1e-5, 0.5, 0.0, -2.0],
        [0.5, -0.25, 0.0, 1e-5],
        [-0.25, 2.0, 1e-4, 0.125],
        [2.0, 0.0, -0.5, -0.5],
        [-0.125, 0.75, 0.25, 1.0],
    ]
)
CASES = [
    ("rmsprop", "RMSprop", {}),
    ("rmsprop_momentum", "RMSprop", {"momentum": 0.9}),
    ("rmsprop_centered", "RMSprop", {"centered": True}),
    ("rmsprop_both", "RMSprop", {"momentum": 0.5, "centered": True, "rho": 0.8, "epsilon": 1e-5}),
    ("adam", "Adam", {}),
    # Keras computes β to the power of t from β rounded to float32, even in float64. Only a β that float32
    # represents exactly gives the exact result of the formula.
    ("adam_exact", "Adam", {"beta_1": 0.875, "beta_2": 0.9990234375, "epsilon": 1e-5}),
    ("adamw", "AdamW", {"beta_1": 0.875, "beta_2": 0.9990234375, "weight_decay": 0.25}),
    ("sgd", "SGD", {}),
    ("sgd_momentum", "SGD", {"momentum": 0.9}),
    ("sgd_both", "SGD", {"momentum": 0.5, "weight_decay": 0.25}),
]
RATE = 0.01


def fixture():
    runs = []
    for name, kind, arguments in CASES:
        optimizer = getattr(keras.optimizers, kind)(learning_rate=RATE, **arguments)
        weight = keras.Variable(WEIGHTS, dtype="float64")
        optimizer.build([weight])
        after = []
        for gradient in GRADIENTS:
            optimizer.apply([keras.ops.convert_to_tensor(gradient)], [weight])
            after.append(weight.numpy().copy())
        runs.append({"name": name, "kind": kind.lower(), "numbers": arguments, "after": tensor(after)})
    return {
        "framework": f"keras {keras.__version__}, float64",
        "learning_rate": RATE,
        "weights": tensor(WEIGHTS),
        "gradients": tensor(GRADIENTS),
        "runs": runs,
    }
