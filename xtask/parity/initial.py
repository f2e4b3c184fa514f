"""The distribution of Keras's initial weights, measured over large layers."""

import keras
import numpy as np

L = keras.layers
INPUTS, UNITS, WORDS = 100, 128, 2000


def statistics(values):
    return {
        "shape": list(values.shape),
        "minimum": float(values.min()),
        "maximum": float(values.max()),
        "variance": float(values.var()),
    }


def orthogonality(matrix):
    """The largest deviation from orthonormality of the vectors along the shorter side."""
    product = matrix @ matrix.T if matrix.shape[0] <= matrix.shape[1] else matrix.T @ matrix
    return float(np.abs(product - np.eye(product.shape[0])).max())


def fixture():
    keras.utils.set_random_seed(1)
    embedding, dense = L.Embedding(WORDS, INPUTS), L.Dense(WORDS)
    embedding.build((None, 1))
    dense.build((None, UNITS))
    layers = {
        "embedding": {"weights": statistics(embedding.embeddings.numpy())},
        "dense": {
            "kernel": statistics(dense.kernel.numpy()),
            "bias": sorted(set(dense.bias.numpy().tolist())),
        },
    }
    for name, layer in [("rnn", L.SimpleRNN(UNITS)), ("lstm", L.LSTM(UNITS)), ("gru", L.GRU(UNITS))]:
        layer.build((None, 1, INPUTS))
        bias = layer.cell.bias.numpy()
        layers[name] = {
            "kernel": statistics(layer.cell.kernel.numpy()),
            # The digits after these depend on the processor.
            "recurrent_deviation": round(orthogonality(layer.cell.recurrent_kernel.numpy()), 9),
            # The distinct values of each gate's block.
            "bias": [sorted(set(block.tolist())) for block in bias.reshape(-1, UNITS)],
        }
    return {"framework": f"keras {keras.__version__}", "sizes": [INPUTS, UNITS, WORDS], "layers": layers}
