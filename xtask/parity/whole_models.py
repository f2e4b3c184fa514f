"""Language models: safetensors files as users of the frameworks save them, with the logits that the
frameworks compute, and one model with its loss and gradients."""

import keras
import numpy as np
import safetensors.numpy
import safetensors.torch
import tensorflow as tf
import torch
from torch import nn

from fixtures import D, H, V, Draw, tensor, tensors
from keras_cells import name_layers

L = keras.layers
IDS = np.array([[1, 2, 3, 4, 5], [6, 0, 6, 1, 2]])
TARGETS = np.array([3, 6])


class LanguageModel(nn.Module):
    """Embedding, recurrent layers and output layer, with the names that Pastiche reads."""

    def __init__(self, rnn):
        super().__init__()
        self.embedding = nn.Embedding(V, D)
        self.rnn = rnn
        self.output = nn.Linear(H, V)

    def forward(self, ids):
        last = self.rnn(self.embedding(ids))[0][:, -1]
        is_adaptive = isinstance(self.output, nn.AdaptiveLogSoftmaxWithLoss)
        return self.output.log_prob(last) if is_adaptive else self.output(last)


def adaptive_softmax():
    """Three tokens in the head, and clusters of two with projections of sizes two and one."""
    return nn.AdaptiveLogSoftmaxWithLoss(H, V, cutoffs=[3, 5], div_value=2.0, head_bias=True)


PYTORCH = [
    ("pytorch_rnn", lambda: nn.RNN(D, H, batch_first=True)),
    ("pytorch_lstm", lambda: nn.LSTM(D, H, batch_first=True)),
    ("pytorch_gru", lambda: nn.GRU(D, H, batch_first=True)),
    ("pytorch_stack", lambda: nn.LSTM(D, H, num_layers=2, batch_first=True)),
]
KERAS = [
    ("keras_rnn", lambda: [L.SimpleRNN(H)]),
    ("keras_lstm", lambda: [L.LSTM(H)]),
    ("keras_gru", lambda: [L.GRU(H)]),
    ("keras_gru_before", lambda: [L.GRU(H, reset_after=False)]),
    ("keras_stack", lambda: [L.LSTM(H, return_sequences=True), L.LSTM(H)]),
]


def report(framework, logits):
    return {"framework": framework, "ids": IDS.tolist(), "logits": tensor(logits)}


def pytorch_files():
    models = [(name, LanguageModel(build())) for name, build in PYTORCH]
    adaptive = LanguageModel(nn.LSTM(D, H, batch_first=True))
    adaptive.output = adaptive_softmax()
    for seed, (name, model) in enumerate([*models, ("pytorch_adaptive", adaptive)], start=400):
        draw = Draw(seed)
        with torch.no_grad():
            for weight in model.parameters():
                weight.copy_(torch.tensor(draw.normal(*weight.shape, scale=0.6)))
            logits = model(torch.tensor(IDS)).numpy()
        file = safetensors.torch.save(model.state_dict())
        yield name, file, report(f"pytorch {torch.__version__.split('+')[0]}, float32", logits)


def keras_model(build, dtype):
    keras.config.set_dtype_policy(dtype)
    layers = [L.Embedding(V, D), *build(), L.Dense(V)]
    name_layers(layers)
    # Keras prefixes the paths of the variables with the name of the sequential model.
    model = keras.Sequential(layers, name="sequential")
    model.build((None, IDS.shape[1]))
    keras.config.set_dtype_policy("float64")
    return model


def fill(model, draw):
    for variable in model.weights:
        variable.assign(draw.normal(*variable.shape, scale=0.6))


def keras_files():
    for seed, (name, build) in enumerate(KERAS, start=500):
        model = keras_model(build, "float32")
        fill(model, Draw(seed))
        # Weights by their paths, as a user of Keras would save them.
        weights = {variable.path: variable.numpy() for variable in model.weights}
        framework = f"keras {keras.__version__}, tensorflow {tf.__version__}, float32"
        yield name, safetensors.numpy.save(weights), report(framework, model(IDS).numpy())


def language_model():
    """Embedding, LSTM and dense layer in float64, with the mean cross-entropy and its gradients."""
    model = keras_model(lambda: [L.LSTM(H)], "float64")
    fill(model, Draw(600))
    with tf.GradientTape() as tape:
        logits = model(IDS)
        losses = keras.losses.sparse_categorical_crossentropy(TARGETS, logits, from_logits=True)
        loss = tf.reduce_mean(losses)
    values = [variable.value for variable in model.trainable_variables]
    gradients = [tf.convert_to_tensor(gradient) for gradient in tape.gradient(loss, values)]

    named = list(zip(model.trainable_variables, gradients))
    return {
        "framework": f"keras {keras.__version__}, tensorflow {tf.__version__}, float64",
        "ids": IDS.tolist(),
        "targets": TARGETS.tolist(),
        "weights": tensors({variable.path: variable.numpy() for variable, _ in named}),
        "logits": tensor(logits),
        "loss_nats_per_token": float(loss),
        "weight_gradients": tensors({variable.path: gradient.numpy() for variable, gradient in named}),
    }
