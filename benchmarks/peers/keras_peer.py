"""The benchmark's works in Keras on TensorFlow.

Training calls the step that `fit` itself compiles, without its callbacks: a little faster than `fit` and
`train_on_batch`. Compiled by XLA (`jit_compile=True`) or unrolled, the steps were slower."""

import os

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from protocol import CHARACTERS, TEMPERATURE, D, H, T, V, on_graphics, pieces, serve, threads, windows


def steps_of(model, optimizer, batches):
    """A function that does as many steps of `fit` as it is told."""
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


def seed_model(cell, depth, batch, units=H):
    """One update a step, of one target after each window."""

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


def characters():
    """One update a step, of a target after every character, the state carried on."""
    sizes = CHARACTERS
    keras.utils.set_random_seed(1)
    ids = keras.Input(batch_shape=(sizes["N"], sizes["T"]), dtype="int32")
    recurrent = [layers.LSTM(sizes["H"], return_sequences=True, stateful=True) for _ in range(2)]
    model = keras.Sequential(
        [ids, layers.Embedding(sizes["V"], sizes["D"]), *recurrent, layers.Dense(sizes["V"])]
    )
    return steps_of(model, keras.optimizers.Adam(2e-3, global_clipnorm=5.0), pieces())


def writer(rows):
    """One token a step for each row, all steps within one graph: from Python, step by step, Keras needs two
    to four times as long for one row. The ids leave it together, at the end."""

    def build():
        keras.utils.set_random_seed(1)
        embedding, cell, output = layers.Embedding(V, D), layers.LSTMCell(H), layers.Dense(V)
        zeros = tf.zeros((rows, H))
        state = [tf.zeros((rows,), tf.int32), zeros, zeros]
        # Variables are made before the graph is.
        output(cell(embedding(state[0]), state[1:])[0])

        @tf.function
        def write(ids, hidden, memory, steps):
            written = tf.TensorArray(tf.int32, steps)
            for step in tf.range(steps):
                outputs, (hidden, memory) = cell(embedding(ids), [hidden, memory])
                drawn = tf.random.categorical(output(outputs) / TEMPERATURE, 1, dtype=tf.int32)
                ids = drawn[:, 0]
                written = written.write(step, ids)
            return written.stack(), ids, hidden, memory

        def run(steps):
            written, *state[:] = write(*state, tf.constant(steps))
            written.numpy()

        return run

    return build


WORKS = {
    "train-lstm-32": seed_model(layers.LSTM, 1, 32),
    "train-lstm-256": seed_model(layers.LSTM, 1, 256),
    "train-lstm-1024": seed_model(layers.LSTM, 1, 1024),
    "train-wide-32": seed_model(layers.LSTM, 1, 32, 1024),
    "train-wide-256": seed_model(layers.LSTM, 1, 256, 1024),
    "train-wide-1024": seed_model(layers.LSTM, 1, 1024, 1024),
    "train-gru-32": seed_model(layers.GRU, 1, 32),
    "train-rnn-32": seed_model(layers.SimpleRNN, 1, 32),
    "train-stack-32": seed_model(layers.LSTM, 2, 32),
    "train-char-2x512": characters,
    "generate-1": writer(1),
    "generate-64": writer(64),
}

if __name__ == "__main__":
    count = threads()
    if not on_graphics():
        tf.config.set_visible_devices([], "GPU")
    graphics = [device.name for device in tf.config.get_visible_devices("GPU")]
    tf.config.threading.set_intra_op_parallelism_threads(count)
    tf.config.threading.set_inter_op_parallelism_threads(count)
    hello = {"name": "Keras", "version": keras.__version__, "threads": count}
    hello["device"] = ", ".join(graphics) or "cpu"
    serve(hello | {"library": f"TensorFlow {tf.__version__}"}, WORKS)
