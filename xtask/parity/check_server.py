"""Asks `pastiche serve` with OpenAI's Python package, unchanged.

    PASTICHE=target/release/pastiche target/parity/venv/bin/python xtask/parity/check_server.py
"""

import os
import subprocess
import sys

import openai

from fixtures import ROOT

TEXT = {"prompt": "It was", "max_tokens": 20, "seed": 7}


def checks(address):
    """Messages about what the client does not get as it expects."""
    client = openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0)
    models = [model.id for model in client.models.list()]
    if models != ["base"]:
        yield f"models are {models}"
    whole = client.completions.create(model="base", logprobs=3, **TEXT)
    text, scores = whole.choices[0].text, whole.choices[0].logprobs
    if not text or (whole.usage.completion_tokens, len(scores.tokens)) != (20, 20):
        yield f"a text of {whole.usage.completion_tokens} tokens with {len(scores.tokens)} scores: {text!r}"
    if any(max(top.values()) < score for top, score in zip(scores.top_logprobs, scores.token_logprobs)):
        yield "a token is likelier than the likeliest ones"
    stream = client.completions.create(model="base", stream=True, stream_options={"include_usage": True}, **TEXT)
    parts = list(stream)
    if "".join(part.choices[0].text for part in parts if part.choices) != text:
        yield "the streamed text is another one"
    if parts[-1].usage != whole.usage:
        yield f"the usage of the stream is {parts[-1].usage}"
    messages = [{"role": "user", "content": TEXT["prompt"]}]
    chat = client.chat.completions.create(model="base", messages=messages, max_tokens=20, seed=7)
    if chat.choices[0].message.content != text:
        yield "the message is another text"
    several = client.completions.create(model="base", n=2, **{**TEXT, "prompt": ["It was", "She said"]})
    if [choice.index for choice in several.choices] != [0, 1, 2, 3] or several.choices[0].text != text:
        yield "several texts are in another order, or others"
    for expected, options in [
        (openai.NotFoundError, {"model": "none", **TEXT}),
        (openai.BadRequestError, {"model": "base", "suffix": "end", **TEXT}),
        (openai.BadRequestError, {"model": "base", **TEXT, "temperature": -1}),
    ]:
        try:
            client.completions.create(**options)
            yield f"{options} is accepted"
        except expected:
            pass


def messages():
    """Starts the server with the built-in base model on a free port, and checks it."""
    command = [os.environ["PASTICHE"], "serve", "--model", "base", "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as server:
        try:
            address = next((word.strip(";") for line in server.stderr for word in line.split() if "://" in word), None)
            if address is None:
                return ["the server does not start"]
            return [f"server: {message}" for message in checks(address)]
        finally:
            server.terminate()


if __name__ == "__main__":
    found = messages()
    print("\n".join(found))
    sys.exit(bool(found))
