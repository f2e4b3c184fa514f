"""The benchmark's workloads in Keras on TensorFlow.

Training calls the step that `fit` compiles, without callbacks: a little faster than `fit` and
`train_on_batch`. With XLA (`jit_compile=True`) or unrolled, the steps were slower."""

import os

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from protocol import (
    CHARACTERS,
    TEMPERATURE,
    WORDS,
    D,
    H,
    T,
    V,
    character_windows,
    on_gpu,
    serve,
    threads,
    windows,
    word_windows,
)


def steps_of(model, optimizer, batches):
    """A function `run(steps)` that runs training steps of `fit`."""
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss)
    inputs, targets = (np.stack(part).astype("int32") for part in zip(*batches))
    data = tf.data.Dataset.from_tensor_slices((inputs, targets)).cache().repeat().prefetch(2)
    model.make_train_function()
    data = iter(data)

    def run(steps):
        for _ in range(steps):
            logs = model.train_function(data)
        float(logs["loss"])

    return run


def baseline(cell, depth, batch, units=H):
    """A step is one update, with one target after each window."""

    def build():
        keras.utils.set_random_seed(1)
        recurrent = [cell(units, return_sequences=layer + 1 < depth) for layer in range(depth)]
        ids = keras.Input((T,), dtype="int32")
        model = keras.Sequential(
            [ids, layers.Embedding(V, D), *recurrent, layers.Dropout(0.2), layers.Dense(V)]
        )
        optimizer = keras.optimizers.RMSprop(1e-3, rho=0.9, epsilon=1e-7)
        return steps_of(model, optimizer, windows(batch))

    return build


def streams(sizes, windows, rate, max_norm=None):
    """A step is one update, with a target at every step of the windows and a carried state."""

    def build():
        keras.utils.set_random_seed(1)
        ids = keras.Input(batch_shape=(sizes["N"], sizes["T"]), dtype="int32")
        recurrent = [layers.LSTM(sizes["H"], return_sequences=True, stateful=True) for _ in range(2)]
        model = keras.Sequential(
            [ids, layers.Embedding(sizes["V"], sizes["D"]), *recurrent, layers.Dense(sizes["V"])]
        )
        return steps_of(model, keras.optimizers.Adam(rate, global_clipnorm=max_norm), windows())

    return build


def generation(rows):
    """A step generates one token per row. All steps run in one graph, and the ids are copied to Python at the
    end: called step by step from Python, Keras takes two to four times as long for one row."""

    def build():
        keras.utils.set_random_seed(1)
        embedding, cell, output = layers.Embedding(V, D), layers.LSTMCell(H), layers.Dense(V)
        zeros = tf.zeros((rows, H))
        state = [tf.zeros((rows,), tf.int32), zeros, zeros]
        # Creates the variables before the graph.
        output(cell(embedding(state[0]), state[1:])[0])

        @tf.function
        def generate(ids, hidden, cell_state, steps):
            generated = tf.TensorArray(tf.int32, steps)
            for step in tf.range(steps):
                outputs, (hidden, cell_state) = cell(embedding(ids), [hidden, cell_state])
                drawn = tf.random.categorical(output(outputs) / TEMPERATURE, 1, dtype=tf.int32)
                ids = drawn[:, 0]
                generated = generated.write(step, ids)
            return generated.stack(), ids, hidden, cell_state

        def run(steps):
            generated, *state[:] = generate(*state, tf.constant(steps))
            generated.numpy()

        return run

    return build


WORKLOADS = {
    "train-lstm-32": baseline(layers.LSTM, 1, 32),
    "train-lstm-256": baseline(layers.LSTM, 1, 256),
    "train-lstm-1024": baseline(layers.LSTM, 1, 1024),
    "train-wide-32": baseline(layers.LSTM, 1, 32, 1024),
    "train-wide-256": baseline(layers.LSTM, 1, 256, 1024),
    "train-wide-1024": baseline(layers.LSTM, 1, 1024, 1024),
    "train-gru-32": baseline(layers.GRU, 1, 32),
    "train-rnn-32": baseline(layers.SimpleRNN, 1, 32),
    "train-stack-32": baseline(layers.LSTM, 2, 32),
    "train-char-2x512": streams(CHARACTERS, character_windows, 2e-3, max_norm=5.0),
    "train-words-2x200": streams(WORDS, word_windows, 1e-3),
    "generate-1": generation(1),
    "generate-64": generation(64),
}

if __name__ == "__main__":
    count = threads()
    if not on_gpu():
        tf.config.set_visible_devices([], "GPU")
    gpus = [device.name for device in tf.config.get_visible_devices("GPU")]
    tf.config.threading.set_intra_op_parallelism_threads(count)
    tf.config.threading.set_inter_op_parallelism_threads(count)
    info = {"name": "Keras", "version": keras.__version__, "threads": count}
    info["device"] = ", ".join(gpus) or "cpu"
    serve(info | {"library": f"TensorFlow {tf.__version__}"}, WORKLOADS)
