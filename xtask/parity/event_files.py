"""Event files and embedding projector files that Pastiche wrote, read by TensorBoard itself.

Not `tensorboard.py`: a program of that name here would hide the package.
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
    """A number in JSON, which knows finite ones alone."""
    return value if math.isfinite(value) else str(value)


def canonical(file):
    """Whether the official library writes the events that it reads with the very same bytes."""
    records = list(event_file_loader.RawEventFileLoader(file).Load())
    return all(event_pb2.Event.FromString(record).SerializeToString() == record for record in records)


def events(directory):
    # 0: all events, and not a sample of them.
    everything = {kind: 0 for kind in event_accumulator.DEFAULT_SIZE_GUIDANCE}
    read = event_accumulator.EventAccumulator(str(directory), size_guidance=everything).Reload()
    scalars = [
        {"tag": tag, "step": event.step, "wall_time": event.wall_time, "value": number(event.value)}
        for tag in read.Tags()["scalars"]
        for event in read.Scalars(tag)
    ]
    texts = [
        {
            "tag": tag,
            "step": event.step,
            "wall_time": event.wall_time,
            "text": tensor_util.make_ndarray(event.tensor_proto).item().decode(),
        }
        for tag in read.PluginTagToContent("text")
        for event in read.Tensors(tag)
    ]
    unread = set(read.Tags()["tensors"]) - {text["tag"] for text in texts}
    assert not unread, f"tensors that are no texts: {unread}"
    return read.file_version, scalars, texts


def projector(directory):
    """What the projector plugin answers to the page that it serves."""
    multiplexer = plugin_event_multiplexer.EventMultiplexer().AddRunsFromDirectory(str(directory))
    multiplexer.Reload()
    provider = data_provider.MultiplexerDataProvider(multiplexer, str(directory))
    context = base_plugin.TBContext(data_provider=provider, logdir=str(directory))
    routes = projector_plugin.ProjectorPlugin(context).get_plugin_apps()

    def ask(route, **query):
        answer = Client(routes[route]).get(route, query_string=query)
        assert answer.status_code == 200, f"{route} {query}: {answer.text}"
        return answer

    (run,) = ask("/runs").json
    config = ask("/info", run=run).json
    (embedding,) = config["embeddings"]
    name = embedding["tensorName"]
    vectors = np.frombuffer(ask("/tensor", run=run, name=name).data, dtype="<f4")
    # The page passes over blank lines.
    names = [line for line in ask("/metadata", run=run, name=name).text.split("\n") if line.strip()]
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
