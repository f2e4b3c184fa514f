"""Five steps of Keras's optimizers on four numbers, in float64."""

import keras
import numpy as np

from fixtures import tensor

WEIGHTS = np.array([0.75, -0.5, 0.25, 1.5])
# A tiny gradient, for which ε decides the step, and none at all.
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
    # Keras raises β to the power of t after rounding it to 32 bits, also in float64: only a β that 32
    # bits hold exactly gives its formula to the last digit.
    ("adam_exact", "Adam", {"beta_1": 0.875, "beta_2": 0.9990234375, "epsilon": 1e-5}),
]
RATE = 0.01


def fixture():
    runs = []
    for name, kind, numbers in CASES:
        optimizer = getattr(keras.optimizers, kind)(learning_rate=RATE, **numbers)
        weight = keras.Variable(WEIGHTS, dtype="float64")
        optimizer.build([weight])
        after = []
        for gradient in GRADIENTS:
            optimizer.apply([keras.ops.convert_to_tensor(gradient)], [weight])
            after.append(weight.numpy().copy())
        runs.append({"name": name, "kind": kind.lower(), "numbers": numbers, "after": tensor(after)})
    return {
        "framework": f"keras {keras.__version__}, float64",
        "learning_rate": RATE,
        "weights": tensor(WEIGHTS),
        "gradients": tensor(GRADIENTS),
        "runs": runs,
    }
