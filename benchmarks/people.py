"""How long people wait for each other: questions of 1, 4 and 16 at once to `citewire serve` with a real model.

    python benchmarks/people.py QUESTIONS.jsonl --index INDEX [--model NAME] [--people 1 4 16] [--json]

QUESTIONS are as `citewire eval` reads them; those with a history are left out. Each person is a visitor with a cookie
who asks over POST /v1/ask, reads the answer to its end and asks the next question at once; no two ask the same at a
time, and the server keeps no answers. Printed are, for each number of people, the answers a minute, the seconds from
asking to the first sources, to the first checked sentence and to the end of the answer, the wait for others included
(median and 95th percentile), and the largest memory of the server meanwhile. With --json, one object.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median, quantiles

import httpx

from citewire.qa.evaluate import records

STAGES = {"sources": "searched", "sentence": "checked", "whole": "answer"}  # -> the event that ends it


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured with so many people.

    Attributes:
        questions: how many were answered.
        per_minute: answers a minute.
        seconds: stage -> median and 95th percentile of the seconds from asking to its first event.
        peak_mb: largest resident memory of the server, in 10^6 bytes.
    """

    people: int
    questions: int
    per_minute: float
    seconds: dict[str, tuple[float, float]]
    peak_mb: float


@contextmanager
def serving(index: Path, model: str, port: int) -> Iterator[tuple[str, int]]:
    """Yield the address and the process id of a page whose model is loaded."""
    command = [sys.executable, "-m", "citewire.ui", "serve", "--index", str(index), "--model", model]
    environment = {**os.environ, "CITEWIRE_CACHED_ANSWERS": "0", "CITEWIRE_LOG_LEVEL": "warning"}
    with subprocess.Popen(
        [*command, "--port", str(port)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().split()[2]
            while (state := httpx.get(f"{address}/v1/status").json()["state"]) == "loading":
                time.sleep(0.2)
            assert state == "ready", state
            yield address, process.pid
        finally:
            process.terminate()


def asked(address: str, client: httpx.Client, question: str) -> dict[str, float]:
    """Return the seconds from asking a question to the first event of each stage that came."""
    began = time.perf_counter()
    came: dict[str, float] = {}
    with client.stream("POST", f"{address}/v1/ask", json={"question": question, "stream": True}) as response:
        response.raise_for_status()
        for line in response.iter_lines():
            came.setdefault(json.loads(line)["event"], time.perf_counter() - began)
    assert "error" not in came, line
    return {stage: came[event] for stage, event in STAGES.items() if event in came}


def measure(address: str, pid: int, questions: Iterator[str], people: int, least: int, limit: float) -> Figures:
    """Let people ask until each has had its share of `least` questions, two at least, or `limit` seconds are over."""
    share = max(2, -(-least // people))
    lock, ready = threading.Lock(), threading.Barrier(people)
    end = time.perf_counter() + limit

    def person() -> list[dict[str, float]]:
        out: list[dict[str, float]] = []
        with httpx.Client(timeout=None) as client:
            client.get(f"{address}/v1/status")  # which brings a cookie
            ready.wait()
            while len(out) < share and time.perf_counter() < end:
                with lock:
                    question = next(questions)
                out.append(asked(address, client, question))
        return out

    Path(f"/proc/{pid}/clear_refs").write_text("5")  # the peak is counted from here
    began = time.perf_counter()
    with ThreadPoolExecutor(people) as pool:
        took = [one for person_ in [pool.submit(person) for _ in range(people)] for one in person_.result()]
    minutes = (time.perf_counter() - began) / 60
    status = Path(f"/proc/{pid}/status").read_text()
    peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    seconds = {stage: _spread([one[stage] for one in took if stage in one]) for stage in STAGES}
    return Figures(people, len(took), round(len(took) / minutes, 1), seconds, round(peak * 1024 / 1e6))


def _spread(values: list[float]) -> tuple[float, float]:
    """Return median and 95th percentile, NaN where nothing came."""
    if len(values) < 2:
        return (values[0], values[0]) if values else (float("nan"), float("nan"))
    return round(median(values), 2), round(quantiles(values, n=20, method="inclusive")[-1], 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--model", default="qwen2.5-coder-0.5b")
    parser.add_argument("--people", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--least", type=int, default=24, help="questions asked with each number of people, at least")
    parser.add_argument("--limit", type=float, default=80.0, help="seconds after which nobody asks another one")
    parser.add_argument("--port", type=int, default=7881)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    items = [item for item in records.read(given.questions)[1] if isinstance(item, records.QuestionItem)]
    questions = [item.question for item in items if not item.history]
    if len(set(questions)) < max(given.people):
        parser.error(f"{len(set(questions))} questions for {max(given.people)} people; two would ask the same")
    turns = itertools.cycle(dict.fromkeys(questions))
    with serving(given.index, given.model, given.port) as (address, pid):
        with httpx.Client(timeout=None) as client:
            asked(address, client, next(turns))  # the fixed beginning of the prompt is read once
        measured = [measure(address, pid, turns, people, given.least, given.limit) for people in given.people]
    if given.json:
        print(json.dumps({"model": given.model, "rows": [asdict(one) for one in measured]}, indent=2))
        return
    print(f"{given.model}; seconds: median (95th percentile)")
    print("people  answers  a minute  " + "".join(f"{stage:>16}" for stage in STAGES) + "  peak MB")
    for one in measured:
        spread = "".join(f"{f'{mid:.2f} ({high:.2f})':>16}" for mid, high in one.seconds.values())
        print(f"{one.people:6}  {one.questions:7}  {one.per_minute:8.1f}  {spread}  {one.peak_mb:7.0f}")


if __name__ == "__main__":
    main()
