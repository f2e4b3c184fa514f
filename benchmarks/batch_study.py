"""Measures how many steps and tokens a model needs to reach a validation loss, for several batch sizes.

    python3 benchmarks/batch_study.py --program target/release/pastiche --text novels.txt --target 2.2 --out study

For each batch size, several learning rates are tried, the likeliest first. A run ends when its validation loss is at
or below the target; when it has made as many steps as the fastest run of its batch size, so that it needs more for certain;
or when its loss is far above that of the fastest run after the same number of steps ("dropped"). Runs with their files are in
the folder of --out; one that has ended is not repeated, and one that was interrupted is resumed. The results count steps and
tokens, not seconds: they do not depend on what else the machine does.

Python's standard library only; see benchmarks/README.md for the measurements.
"""

import argparse
import json
import pathlib
import signal
import subprocess
import sys
import time

CHUNK = 32  # train.bptt_len in batch_study.toml
BEHIND = 0.1  # Nats by which the loss of a dropped run is higher, in two validations after another.
ROWS_OF_A_SHARD = 512
# Batch size: steps between two validations, the most steps, learning rates in the order in which they are tried.
STUDY = {
    32: (25, 4000, [0.008, 0.004, 0.016, 0.002]),
    128: (20, 1500, [0.016, 0.008, 0.032, 0.004]),
    512: (10, 800, [0.016, 0.008, 0.032, 0.004]),
    2048: (10, 400, [0.016, 0.008, 0.032]),
}
CONFIG = pathlib.Path(__file__).with_name("batch_study.toml")


def losses(run):
    """Pairs of step and validation loss of a run so far."""
    pairs = []
    try:
        lines = (run / "metrics.jsonl").read_text().splitlines()
    except FileNotFoundError:
        return pairs
    for line in lines:
        try:
            event = json.loads(line)
        except json.JSONDecodeError:
            continue  # The last line is being written.
        if event["event"] == "epoch":
            pairs.append((event["step"], event["valid_loss_nats_per_token"]))
    return pairs


def steps_to(pairs, target):
    """The step at which the loss reaches the target, interpolated between two validations, or None."""
    before = None
    for step, loss in pairs:
        if loss <= target:
            if before is None:
                return float(step)
            part = (before[1] - target) / (before[1] - loss)
            return before[0] + part * (step - before[0])
        before = (step, loss)
    return None


def is_far_behind(pairs, fastest):
    """Whether the last two losses are far above those of the fastest run after the same steps."""
    before = dict(fastest or [])
    last = [loss - before[step] for step, loss in pairs[-2:] if step in before]
    return len(last) == 2 and min(last) > BEHIND


def has_ended(args, pairs, limit, fastest):
    """Whether a run with these losses has reached the target or its last step, or is dropped."""
    is_at_end = bool(pairs) and pairs[-1][0] >= limit
    return is_at_end or steps_to(pairs, args.target) is not None or is_far_behind(pairs, fastest)


def train(args, batch, rate, limit, fastest, run):
    """Trains until the target, or for `limit` steps, or until it is clear that `fastest` needs fewer."""
    every = STUDY[batch][0]
    command = [args.program, "train", "--no-tui"]
    settings = {"train.epochs": -(-limit // every)}
    if (run / "checkpoints").exists():
        command += ["--resume", run]
    else:
        command += ["--config", CONFIG, "--text", args.text, "--out", run]
        settings |= {
            "train.batch_size": batch,
            "train.shards": max(1, batch // ROWS_OF_A_SHARD),
            "train.learning_rate": rate,
            "train.steps_per_epoch": every,
        }
    for key, value in settings.items():
        command += ["--set", f"{key}={value}"]
    with open(f"{run}.log", "a") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            while process.poll() is None:
                time.sleep(1)
                if has_ended(args, losses(run), limit, fastest):
                    process.send_signal(signal.SIGINT)
                    process.wait()
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                process.wait()
    if not losses(run):
        sys.exit(f"the run ended without a validation: see {run}.log")


def study(args):
    for batch in args.batch:
        _, limit, rates = STUDY[batch]
        fastest = None
        for rate in rates:
            run = args.out / f"{batch}-{rate}"
            if not has_ended(args, losses(run), int(limit), fastest):
                train(args, batch, rate, int(limit) + 1, fastest, run)
            pairs = losses(run)
            is_dropped = is_far_behind(pairs, fastest)
            steps = steps_to(pairs, args.target)
            if steps is not None and steps <= limit:
                limit, fastest = steps, pairs
            result = {
                "batch": batch,
                "learning_rate": rate,
                "target": args.target,
                "steps": steps and round(steps, 1),
                "tokens": steps and round(steps * batch * CHUNK),
                "dropped": is_dropped,
                "last_step": pairs[-1][0],
                "last_loss": round(pairs[-1][1], 4),
                "losses": [[step, round(loss, 4)] for step, loss in pairs],
            }
            print(json.dumps(result), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", required=True, type=pathlib.Path)
    parser.add_argument("--text", required=True, type=pathlib.Path)
    parser.add_argument("--target", type=float, default=2.2, help="validation loss in nats per character")
    parser.add_argument("--out", required=True, type=pathlib.Path, help="the folder of the runs")
    parser.add_argument("--batch", type=int, nargs="+", choices=STUDY, default=list(STUDY))
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    study(args)


if __name__ == "__main__":
    main()
