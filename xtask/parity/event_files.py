"""Event files and embedding projector files written by Pastiche, as TensorBoard reads them.

Not named `tensorboard.py`: that would shadow the package.
"""

import math

import numpy as np
import tensorboard.version
from tensorboard.backend.event_processing import event_accumulator, event_file_loader
from tensorboard.backend.event_processing import data_provider, plugin_event_multiplexer
from tensorboard.compat.proto import event_pb2
from tensorboard.plugins import base_plugin
from tensorboard.plugins.projector import projector_plugin
from tensorboard.util import tensor_util
from werkzeug.test import Client

from fixtures import CLI, ROOT

DIRECTORY = ROOT / CLI / "tensorboard"


def number(value):
    """A float for JSON, which has only finite numbers; others become strings."""
    return value if math.isfinite(value) else str(value)


def canonical(file):
    """Whether the official library serializes the events to exactly the bytes that it read."""
    records = list(event_file_loader.RawEventFileLoader(file).Load())
    return all(event_pb2.Event.FromString(record).SerializeToString() == record for record in records)


def events(directory):
    # 0 loads all events instead of a sample.
    all_events = {kind: 0 for kind in event_accumulator.DEFAULT_SIZE_GUIDANCE}
    accumulator = event_accumulator.EventAccumulator(str(directory), size_guidance=all_events).Reload()
    scalars = [
        {"tag": tag, "step": event.step, "wall_time": event.wall_time, "value": number(event.value)}
        for tag in accumulator.Tags()["scalars"]
        for event in accumulator.Scalars(tag)
    ]
    texts = [
        {
            "tag": tag,
            "step": event.step,
            "wall_time": event.wall_time,
            "text": tensor_util.make_ndarray(event.tensor_proto).item().decode(),
        }
        for tag in accumulator.PluginTagToContent("text")
        for event in accumulator.Tensors(tag)
    ]
    others = set(accumulator.Tags()["tensors"]) - {text["tag"] for text in texts}
    assert not others, f"tensors that are not texts: {others}"
    return accumulator.file_version, scalars, texts


def projector(directory):
    """The responses of the projector plugin to its web page."""
    multiplexer = plugin_event_multiplexer.EventMultiplexer().AddRunsFromDirectory(str(directory))
    multiplexer.Reload()
    provider = data_provider.MultiplexerDataProvider(multiplexer, str(directory))
    context = base_plugin.TBContext(data_provider=provider, logdir=str(directory))
    routes = projector_plugin.ProjectorPlugin(context).get_plugin_apps()

    def get(route, **query):
        response = Client(routes[route]).get(route, query_string=query)
        assert response.status_code == 200, f"{route} {query}: {response.text}"
        return response

    (run,) = get("/runs").json
    config = get("/info", run=run).json
    (embedding,) = config["embeddings"]
    name = embedding["tensorName"]
    vectors = np.frombuffer(get("/tensor", run=run, name=name).data, dtype="<f4")
    # The web page skips blank lines.
    names = [line for line in get("/metadata", run=run, name=name).text.split("\n") if line.strip()]
    vectors = [[float(x) for x in row] for row in vectors.reshape(embedding["tensorShape"])]
    return {"run": run, "config": config, "names": names, "vectors": vectors}


def fixture():
    (file,) = DIRECTORY.glob("events.out.tfevents.*")
    version, scalars, texts = events(DIRECTORY)
    return {
        "framework": f"tensorboard {tensorboard.version.VERSION}",
        "file_version": version,
        "canonical": canonical(str(file)),
        "scalars": scalars,
        "texts": texts,
        "projector": projector(DIRECTORY),
    }
