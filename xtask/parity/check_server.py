"""Asks `pastiche serve` with Python packages that know OpenAI's API, unchanged: `openai`, LangChain and `llm`.

    PASTICHE=target/release/pastiche target/parity/venv/bin/python xtask/parity/check_server.py
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

import langchain_openai
import openai

ROOT = pathlib.Path(__file__).resolve().parents[2]

PROMPT = "It was"
MODEL = "base"
OPTIONS = {"max_tokens": 20, "seed": 7, "temperature": 0.8, "top_p": 0.9}
TEXT = {"prompt": PROMPT, **OPTIONS}


def by_openai(address):
    """The text of `TEXT`, and messages about what the client does not get as it expects."""
    messages = []
    client = openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0)
    models = [model.id for model in client.models.list()]
    if models != [MODEL]:
        messages.append(f"models are {models}")
    whole = client.completions.create(model=MODEL, logprobs=3, **TEXT)
    text, scores = whole.choices[0].text, whole.choices[0].logprobs
    if not text or (whole.usage.completion_tokens, len(scores.tokens)) != (20, 20):
        messages.append(f"a text of {whole.usage.completion_tokens} tokens with {len(scores.tokens)} scores: {text!r}")
    offsets = [sum(map(len, scores.tokens[:at])) for at in range(20)]
    if "".join(scores.tokens) != text or scores.text_offset != offsets:
        messages.append(f"the tokens do not join to the text, or their offsets are others: {scores}")
    if any(max(top.values()) < score for top, score in zip(scores.top_logprobs, scores.token_logprobs)):
        messages.append("a token is likelier than the likeliest ones")
    stream = client.completions.create(model=MODEL, stream=True, stream_options={"include_usage": True}, **TEXT)
    parts = list(stream)
    if "".join(part.choices[0].text for part in parts if part.choices) != text:
        messages.append("the streamed text is another one")
    if parts[-1].usage != whole.usage:
        messages.append(f"the usage of the stream is {parts[-1].usage}")
    conversation = [{"role": "user", "content": PROMPT}]
    chat = client.chat.completions.create(model=MODEL, messages=conversation, logprobs=True, top_logprobs=2, **OPTIONS)
    if chat.choices[0].message.content != text:
        messages.append("the message is another text")
    if b"".join(bytes(token.bytes) for token in chat.choices[0].logprobs.content) != text.encode():
        messages.append("the bytes of the message's tokens are others")
    scored = client.completions.create(model=MODEL, prompt=PROMPT + text, max_tokens=0, echo=True, logprobs=0)
    if scored.choices[0].text != PROMPT + text or "".join(scored.choices[0].logprobs.tokens) != PROMPT + text:
        messages.append("a text that is scored comes back as another one")
    several = client.completions.create(model=MODEL, n=2, **{**TEXT, "prompt": [PROMPT, "She said"]})
    if [choice.index for choice in several.choices] != [0, 1, 2, 3] or several.choices[0].text != text:
        messages.append("several texts are in another order, or others")
    for expected, options in [
        (openai.NotFoundError, {"model": "none", **TEXT}),
        (openai.BadRequestError, {"model": MODEL, "suffix": "end", **TEXT}),
        (openai.BadRequestError, {"model": MODEL, **TEXT, "temperature": -1}),
    ]:
        try:
            client.completions.create(**options)
            messages.append(f"{options} is accepted")
        except expected:
            pass
    return text, messages


def by_langchain(address):
    """The texts that LangChain gets."""
    options = {"model": MODEL, "base_url": f"{address}/v1", "api_key": "none", "max_retries": 0, **OPTIONS}
    completion, chat = langchain_openai.OpenAI(**options), langchain_openai.ChatOpenAI(**options)
    yield "OpenAI.invoke", completion.invoke(PROMPT)
    yield "OpenAI.stream", "".join(completion.stream(PROMPT))
    yield "ChatOpenAI.invoke", chat.invoke(PROMPT).content
    yield "ChatOpenAI.stream", "".join(part.content for part in chat.stream(PROMPT))


def by_llm(address):
    """The texts that `llm` gets, whose models are configured in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        common = {"model_name": MODEL, "api_base": f"{address}/v1"}
        models = [{"model_id": "pastiche-chat", **common}, {"model_id": "pastiche", "completion": True, **common}]
        # JSON is YAML.
        pathlib.Path(folder, "extra-openai-models.yaml").write_text(json.dumps(models))
        # Read when the package is imported.
        os.environ.update(LLM_USER_PATH=folder, OPENAI_API_KEY="none")
        import llm

        for name in ("pastiche", "pastiche-chat"):
            model = llm.get_model(name)
            for stream in (False, True):
                yield f"{name}, stream={stream}", model.prompt(PROMPT, stream=stream, **OPTIONS).text()


def checks(address):
    """Messages about what the packages do not get as they expect."""
    text, messages = by_openai(address)
    yield from (f"openai: {message}" for message in messages)
    for package, texts in [("LangChain", by_langchain(address)), ("llm", by_llm(address))]:
        for call, found in texts:
            if found != text:
                yield f"{package}: {call} has another text: {found!r} instead of {text!r}"


def messages():
    """Starts the server with the built-in base model on a free port, and checks it."""
    command = [os.environ["PASTICHE"], "serve", "--model", MODEL, "--port", "0"]
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
