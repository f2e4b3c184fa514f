"""Loads a running `pastiche serve` and prints what it measures, a line of JSON for each measurement.

    pastiche serve --model base --port 8090 &
    python3 benchmarks/serve/load.py --port 8090 --process $! --program target/release/pastiche all

Python's standard library only; see benchmarks/README.md for the measurements.
"""

import argparse
import asyncio
import json
import os
import random
import statistics
import subprocess
import time

PROMPT = "It was a dark and stormy night"


def request(path, body=None, more=""):
    """The bytes of a request."""
    if body is None:
        return f"GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{more}\r\n".encode()
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n"
    return f"{head}content-length: {len(data)}\r\n{more}\r\n".encode() + data


def completion(**fields):
    return request("/v1/completions", {"prompt": PROMPT, "temperature": 0.8, "top_p": 0.9, **fields})


class Server:
    """The server that is loaded."""

    def __init__(self, port, process):
        self.port, self.process = port, process

    async def open(self, data):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(data)
        return reader, writer

    async def ask(self, data):
        """Status and body of an answer; 0 if the connection ends early."""
        writer = None
        try:
            reader, writer = await self.open(data)
            head, _, body = (await reader.read(-1)).partition(b"\r\n\r\n")
            return int(head.split(b" ", 2)[1]) if head else 0, body
        except OSError:
            return 0, b""
        finally:
            if writer:
                writer.close()

    async def stream(self, data):
        """The seconds to the first event of an answer and to its end, and the number of events."""
        started = time.perf_counter()
        reader, writer = await self.open(data)
        first, events = None, 0
        while chunk := await reader.read(1 << 16):
            count = chunk.count(b"data: {")
            if count and first is None:
                first = time.perf_counter() - started
            events += count
        writer.close()
        return first, time.perf_counter() - started, events

    async def health(self):
        """The milliseconds until the server says that it answers."""
        started = time.perf_counter()
        status, _ = await self.ask(request("/health"))
        assert status == 200, status
        return 1000 * (time.perf_counter() - started)

    async def running(self):
        _, body = await self.ask(request("/metrics"))
        lines = dict(line.rsplit(" ", 1) for line in body.decode().splitlines() if not line.startswith("#"))
        return int(lines["pastiche_texts_running"]) + int(lines["pastiche_texts_waiting"])

    async def idle(self):
        while await self.running():
            await asyncio.sleep(0.001)

    def memory(self):
        """Resident memory in MB."""
        with open(f"/proc/{self.process}/status") as status:
            return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS:"))

    def handles(self):
        return len(os.listdir(f"/proc/{self.process}/fd"))


def report(name, **values):
    rounded = {key: round(value, 2) if isinstance(value, float) else value for key, value in values.items()}
    print(json.dumps({"measurement": name, **rounded}), flush=True)


def generate_rate(program, texts, tokens):
    """The tokens per second of `generate` with a batch of texts, without its start: from two lengths."""

    def seconds(count):
        command = [program, "generate", "--model", "base", "--prompt", PROMPT, "--num-samples", str(texts), "--json"]
        started = time.perf_counter()
        subprocess.run([*command, "--max-tokens", str(count), "--seed", "1"], check=True, capture_output=True)
        return time.perf_counter() - started

    return texts * (tokens - tokens // 10) / (seconds(tokens) - seconds(tokens // 10))


async def rates(server, program):
    """One stream and 64 streams beside `generate`, one after the other, three times."""
    for texts, tokens in [(1, 4000), (64, 1000)]:
        served, generated = [], []
        for seed in range(3):
            started = time.perf_counter()
            streams = [completion(max_tokens=tokens, seed=seed * 64 + number, stream=True) for number in range(texts)]
            await asyncio.gather(*map(server.stream, streams))
            served.append(texts * tokens / (time.perf_counter() - started))
            generated.append(generate_rate(program, texts, tokens))
        served, generated = statistics.median(served), statistics.median(generated)
        report("rate", streams=texts, tokens_per_second=served, generate=generated, share=served / generated)


async def first_token(server):
    streams = [await server.stream(completion(max_tokens=8, seed=seed, stream=True)) for seed in range(101)]
    times = sorted(1000 * first for first, _, _ in streams)
    report("first token of a stream", p50_ms=times[50], p99_ms=times[99])


async def scoring(server):
    text = " ".join([PROMPT] * 700)
    data = request("/v1/completions", {"prompt": text, "max_tokens": 0, "echo": True, "logprobs": 0})
    started = time.perf_counter()
    _, body = await server.ask(data)
    seconds = time.perf_counter() - started
    tokens = len(json.loads(body)["choices"][0]["logprobs"]["tokens"])
    report("scoring", tokens=tokens, tokens_per_second=tokens / seconds)


async def overload(server):
    """256 connections at once, for ten seconds."""
    statuses, end = {}, time.monotonic() + 10

    async def client(number):
        while time.monotonic() < end:
            status, _ = await server.ask(completion(max_tokens=100, seed=number))
            statuses[status] = statuses.get(status, 0) + 1

    async def watch():
        times = []
        while time.monotonic() < end:
            times.append(await server.health())
            await asyncio.sleep(0.1)
        return times

    *_, times = await asyncio.gather(*map(client, range(256)), watch())
    times.sort()
    health = {"health_p50_ms": times[len(times) // 2], "health_max_ms": times[-1]}
    report("overload", statuses=statuses, **health, memory_mb=server.memory())


async def reader_gone(server):
    times = []
    for seed in range(21):
        reader, writer = await server.open(completion(max_tokens=4000, seed=seed, stream=True))
        await reader.read(2000)
        writer.transport.abort()
        started = time.perf_counter()
        await server.idle()
        times.append(1000 * (time.perf_counter() - started))
    report("reader gone to text dropped", p50_ms=statistics.median(times), max_ms=max(times))


async def half_sent(server):
    """300 connections that send half of their headers."""
    opened = [await server.open(b"POST /v1/completions HTTP/1.1\r\nhost: local") for _ in range(300)]
    started = time.perf_counter()
    health = [await server.health() for _ in range(20)]
    await asyncio.gather(*(reader.read(-1) for reader, _ in opened))
    report("half-sent headers", closed_after_s=time.perf_counter() - started, health_max_ms=max(health))
    for _, writer in opened:
        writer.close()


async def mixed(server, seconds):
    """Slow readers, half-sent headers, aborted streams, broken JSON and seeded requests, which are compared with the
    same request alone."""
    seeds, lengths, invalid = range(40), [5, 40, 160], [b'{"prompt"', b"[]", b"\xff", b'{"n": 0}']

    def body(seed):
        log_probs = 2 if seed % 5 == 0 else None
        return {"max_tokens": lengths[seed % 3], "seed": seed, "n": 1 + seed % 2, "logprobs": log_probs}

    def choices(answer):
        return json.loads(answer)["choices"]

    alone = {seed: choices((await server.ask(completion(**body(seed))))[1]) for seed in seeds}
    handles, begun, end = server.handles(), time.monotonic(), time.monotonic() + seconds
    counts, memory = {}, []

    def count(what):
        counts[what] = counts.get(what, 0) + 1

    async def seeded(rng):
        seed = rng.choice(seeds)
        status, answer = await server.ask(completion(**body(seed)))
        count(f"seeded {status}")
        if status == 200 and choices(answer) != alone[seed]:
            count("another text than alone")

    async def slow(rng):
        reader, writer = await server.open(completion(max_tokens=200, stream=True, seed=1))
        while await reader.read(500):
            await asyncio.sleep(rng.random() * 0.05)
        writer.close()
        count("slow readers")

    async def half(rng):
        _, writer = await server.open(b"POST /v1/completions HTTP/1.1\r\nhost: local")
        await asyncio.sleep(rng.random())
        writer.transport.abort()
        count("half-sent headers")

    async def aborted(rng):
        reader, writer = await server.open(completion(max_tokens=2000, stream=True, seed=2, n=rng.randint(1, 4)))
        await reader.read(rng.randint(1, 3000))
        writer.transport.abort()
        count("aborted streams")

    async def broken(rng):
        status, _ = await server.ask(request("/v1/completions", rng.choice(invalid)))
        count(f"broken {status}")

    async def client(number):
        rng = random.Random(number)
        kinds = [seeded] * 6 + [slow, half, aborted, broken]
        while time.monotonic() < end:
            await rng.choice(kinds)(rng)

    async def watch():
        while time.monotonic() < end:
            memory.append((time.monotonic() - begun, server.memory()))
            await asyncio.sleep(0.5)

    await asyncio.gather(*map(client, range(256)), watch(), return_exceptions=False)
    await server.idle()
    await asyncio.sleep(1)
    used = [used for at, used in memory if at > seconds / 10]
    used = {"memory_after_a_tenth_mb": used[0], "memory_max_mb": max(used), "memory_end_mb": server.memory()}
    handles = {"handles_before": handles, "handles_after": server.handles()}
    report("mixed load", seconds=seconds, counts=counts, **used, **handles)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--process", type=int, required=True, help="the process of the server")
    parser.add_argument("--program", default="pastiche", help="the program whose `generate` is compared")
    parser.add_argument("--seconds", type=int, default=120, help="the length of the mixed load")
    names = ["rates", "first_token", "scoring", "reader_gone", "half_sent", "overload", "mixed"]
    parser.add_argument("measurements", nargs="+", choices=[*names, "all"])
    args = parser.parse_args()
    server = Server(args.port, args.process)

    async def measure():
        report("start", memory_mb=server.memory(), handles=server.handles())
        more = {"rates": [args.program], "mixed": [args.seconds]}
        for name in names if "all" in args.measurements else args.measurements:
            await globals()[name](server, *more.get(name, []))

    asyncio.run(measure())


if __name__ == "__main__":
    main()
