"""How long people wait for each other: questions of 1, 4, 16 and 64 at once to `citewire serve` with a real model.

    python benchmarks/people.py QUESTIONS.jsonl --index INDEX [--model NAME] [--people 1 4 16 64] [--json]
    python benchmarks/people.py QUESTIONS.jsonl --index INDEX --people 4 --minutes 30    # does memory stay flat?

QUESTIONS are as `citewire eval` reads them; those with a history are left out. Each person is a visitor at an address
of its own (127.0.0.2 and on, so Linux only) who asks over POST /v1/ask, reads the answer to its end and asks the next
question at once; no two ask the same at a time, and the server keeps no answers. Who is refused because too many wait
asks again when Retry-After says so. Printed are, for each number of people, the answers a minute, all requests a
second, those refused and the seconds that the slowest refusal took, those that failed, the seconds from asking first
to the first sources, to the first checked sentence and to the end of the answer, the wait for others included (median
and 95th percentile), and the largest memory of the server and its model's process meanwhile. With --minutes a line a
minute says how much memory is used; the first and the last quarter are compared. With --json, one object.
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
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
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
        requests: a second, the refused ones too.
        refused: requests that were refused as too many waited; refusal_s: seconds that the slowest of them took.
        failed: requests that came to nothing otherwise.
        seconds: stage -> median and 95th percentile of the seconds from asking to its first event.
        memory_mb: resident memory of the server and its children each minute, in 10^6 bytes.
    """

    people: int
    questions: int
    per_minute: float
    requests: float
    refused: int
    refusal_s: float
    failed: int
    seconds: dict[str, tuple[float, float]]
    memory_mb: list[float]


@dataclass
class Told:
    """What one person saw: the seconds of each answer by stage, of each refusal, and what failed."""

    answers: list[dict[str, float]] = field(default_factory=list)
    refusals: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


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


def asked(address: str, client: httpx.Client, question: str, told: Told) -> None:
    """Ask a question until it is answered or fails."""
    began = time.perf_counter()
    came: dict[str, float] = {}
    while True:
        sent = time.perf_counter()
        with client.stream("POST", f"{address}/v1/ask", json={"question": question, "stream": True}) as response:
            if response.status_code == 429:
                told.refusals.append(time.perf_counter() - sent)
            elif response.status_code != 200:
                told.failures.append(f"{question}: {response.status_code} {response.read()[:200]!r}")
                return
            else:
                for line in response.iter_lines():
                    came.setdefault(json.loads(line)["event"], time.perf_counter() - began)
                break
        time.sleep(float(response.headers["Retry-After"]))
    if "answer" in came:
        told.answers.append({stage: came[event] for stage, event in STAGES.items() if event in came})
    else:
        told.failures.append(f"{question}: {line}")


def memory(pid: int) -> float:
    """Return the resident memory of a process and its children, in 10^6 bytes; what they share counts twice."""
    pids = [pid]
    for thread in Path(f"/proc/{pid}/task").iterdir():  # a child is that of the thread that started it
        with suppress(FileNotFoundError, ProcessLookupError):  # the thread has ended meanwhile
            pids += map(int, (thread / "children").read_text().split())
    pages = sum(int(Path(f"/proc/{one}/statm").read_text().split()[1]) for one in set(pids))
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)


def measure(address: str, pid: int, questions: Iterator[str], people: int, least: int, limit: float) -> Figures:
    """Let people ask until each has had its share of `least` questions, two at least, or `limit` seconds are over."""
    share = max(2, -(-least // people))
    lock, ready = threading.Lock(), threading.Barrier(people)
    end = time.perf_counter() + limit
    seen = [memory(pid)]
    over = threading.Event()

    def person(number: int) -> Told:
        told = Told()
        where = httpx.HTTPTransport(local_address=f"127.0.0.{number + 2}")
        with httpx.Client(transport=where, timeout=None) as client:
            client.get(f"{address}/v1/status")  # which brings a cookie
            ready.wait()
            while len(told.answers) < share and time.perf_counter() < end:
                with lock:
                    question = next(questions)
                asked(address, client, question, told)
        return told

    def watch() -> None:
        while not over.wait(60):
            seen.append(memory(pid))
            print(f"{len(seen) - 1:3} min  {seen[-1]:8.1f} MB", file=sys.stderr, flush=True)

    watching = threading.Thread(target=watch)
    watching.start()
    began = time.perf_counter()
    with ThreadPoolExecutor(people) as pool:
        told = list(pool.map(person, range(people)))
    minutes = (time.perf_counter() - began) / 60
    over.set()
    watching.join()
    seen.append(memory(pid))
    took = [one for each in told for one in each.answers]
    refusals = [one for each in told for one in each.refusals]
    failures = [one for each in told for one in each.failures]
    print(*failures, sep="\n", end="\n" * bool(failures), file=sys.stderr)
    seconds = {stage: _spread([one[stage] for one in took if stage in one]) for stage in STAGES}
    requests = len(took) + len(refusals) + len(failures)
    return Figures(
        people, len(took), round(len(took) / minutes, 1), round(requests / minutes / 60, 2), len(refusals),
        round(max(refusals, default=0), 3), len(failures), seconds, seen,
    )  # fmt: skip


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
    parser.add_argument("--people", type=int, nargs="+", default=[1, 4, 16, 64])
    parser.add_argument("--least", type=int, default=24, help="questions asked with each number of people, at least")
    parser.add_argument("--limit", type=float, default=80.0, help="seconds after which nobody asks another one")
    parser.add_argument("--minutes", type=float, help="ask for so long, whatever the share of each")
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
            asked(address, client, next(turns), Told())  # the fixed beginning of the prompt is read once
        least, limit = (10**9, given.minutes * 60) if given.minutes else (given.least, given.limit)
        measured = [measure(address, pid, turns, people, least, limit) for people in given.people]
    if given.json:
        print(json.dumps({"model": given.model, "rows": [asdict(one) for one in measured]}, indent=2))
        return
    print(f"{given.model}; seconds: median (95th percentile)")
    stages = "".join(f"{stage:>16}" for stage in STAGES)
    print(f"people  answers  a minute  requests a second  refused (s)  failed  {stages}  most MB")
    for one in measured:
        spread = "".join(f"{f'{mid:.2f} ({high:.2f})':>16}" for mid, high in one.seconds.values())
        print(
            f"{one.people:6}  {one.questions:7}  {one.per_minute:8.1f}  {one.requests:17.2f}"
            f"  {f'{one.refused} ({one.refusal_s:.2f})':>11}  {one.failed:6}  {spread}  {max(one.memory_mb):7.0f}"
        )
        if given.minutes:
            quarter = max(1, len(one.memory_mb) // 4)
            first, last = (median(part) for part in (one.memory_mb[1 : quarter + 1], one.memory_mb[-quarter:]))
            print(f"memory: {first:.0f} MB in the first quarter, {last:.0f} MB in the last (medians)")


if __name__ == "__main__":
    main()
