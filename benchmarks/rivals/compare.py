"""Compare citewire with other libraries: same machine, weights, embedder, questions and articles; one environment each.

    python benchmarks/rivals/compare.py QUESTIONS.jsonl --articles PATH... --envs DIR [--only NAME,...] [--rounds 3]
        [--timed 6] [--limit N] [--corpus-articles N] [--out DIR]

QUESTIONS is a file for `citewire eval`; questions that continue a conversation are left out, because not every system
keeps one. PATHs are inputs of `citewire index`, and .jsonl.gz. Missing environments are made in DIR, with pip. Round 1
asks all questions. Further rounds ask the first `--timed` ones, each round with another order of systems. Every system
of every round runs in its own process, with an empty folder. `--out` keeps finished runs, which are not repeated;
failed runs are repeated. It gets table.md, which is printed too, and results.json with every answer and its marks.

How it is measured (Linux only):

- Times are paired: a ratio is citewire's time divided by the other system's time for the same question in the same
  round. The table has median and range. Rates of indexing are paired by round, with the same articles.
- Memory is the maximum that the system's processes held together (VmRSS, five times a second), and at least the maximum
  of any one of them (VmHWM). The processes of its server count too. Disk is what it stored; weights do not
  count.
- Tokens read are those of all prompts of an answer, including beginnings that an engine keeps.
- The limit of an answer is the time of citewire's engine alone for the same prompts and replies, in the same process.

How it is marked, the same for all systems, by the text only:

- An answer to a question with an answer is right if it has everything that the record requires (`must_include`,
  `answer`) and nothing that the record forbids. Citations are not required. A disagreement needs both values.
- A text is a refusal if it is empty or has a phrase of `REFUSING`, unless it is right.
- A refusal is right for a question without an answer, and for a question with a false premise.
- If a system failed at a question, it counts as neither right nor refused.

citewire is also marked by its own rule: it must cite a right source if the record names sources, it must flag a
disagreement, and the status of the answer decides about refusals, not its words.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import itertools
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

from protocol import Article as Given
from protocol import Job

from citewire.index.articles import read_articles
from citewire.index.cores import usable_cores
from citewire.index.embed import default_folder
from citewire.index.errors import CitewireError, InputError
from citewire.index.types import Article
from citewire.qa.evaluate import marks, records
from citewire.qa.evaluate.records import QuestionItem
from citewire.qa.models.cache import GgufModel, resolve, weights_folder
from citewire.qa.types import Answer, Claim, Conflict, Quote

HERE = Path(__file__).resolve().parent
OWN = "citewire"  # the system that the others are compared with
SERVER = "server"  # environment of serve.py
LONGEST_LOAD = 600  # most seconds until the server answers
_POLL = 0.2  # seconds between two looks at memory
_KEPT_OF_LOG = 300  # most characters of a failure that are kept

_SOURCES = r"(?:sources?|context|texts?|articles?|passages?|documents?|excerpts?|information|data|knowledge base)"
_GIVES = (
    r"(?:contain|have|hold|provide|include|mention|say|state|specify|give|indicate|offer|address|answer|disclose|reveal"
    r"|tell)"
)
_TELLS = r"(?:answer|determine|find|say|tell|provide|identify|locate|know|be (?:answered|determined|found|identified))"
REFUSING = re.compile(
    rf"empty response"
    rf"|\bi(?: a|['’])m (?:\w+ )?(?:sorry|unable|not able)\b"
    rf"|\bi (?:do not|don['’]t) (?:\w+ )?(?:know|have)\b"
    rf"|\b(?:can ?not|can['’]t|could not|couldn['’]t|(?:un|not )able to|not possible to) (?:\w+ ){{0,2}}{_TELLS}\b"
    rf"|\b{_SOURCES}\b[^.!?]{{0,60}}?\b(?:do|does|did)(?: not|n['’]t) (?:\w+ ){{0,2}}{_GIVES}\b"
    rf"|\b{_SOURCES}\b[^.!?]{{0,60}}?\b(?:is|are) (?:silent|in?sufficient|not (?:sufficient|enough|helpful|relevant))\b"
    rf"|\bnot (?:\w+ ){{0,4}}(?:in|by|from|within) (?:any of )?(?:the|these|this|your) (?:\w+ ){{0,2}}{_SOURCES}\b"
    rf"|\bno (?:\w+ ){{0,2}}(?:information|mention|evidence|answer|indication|details?|data|sources?)\b"
    rf"|\b(?:not (?:\w+ )?enough|insufficient|lack of) (?:\w+ )?(?:information|context|data|evidence)\b"
    rf"|\bnone of the (?:\w+ ){{0,2}}{_SOURCES}\b"
    rf"|\bnot (?:explicitly |directly |specifically )?(?:mentioned|specified|stated|provided|given|available|known)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Compared:
    """A row of the table.

    Attributes:
        name: for `--only`.
        adapter: run_ADAPTER.py; also the name of its environment (except citewire's own) and requirements-ADAPTER.txt.
        options: for the adapter.
        served: whether it needs the server.
        python: the Python to make its environment with, if it needs another one than citewire.
    """

    name: str
    adapter: str
    options: Mapping[str, Any] = field(default_factory=dict)
    served: bool = False
    python: str = ""


SYSTEMS = (
    Compared(OWN, OWN),
    Compared("citewire-torch", OWN, {"engine": "torch"}),
    Compared("llama_index", "llama_index"),
    Compared("langchain", "langchain"),
    Compared("haystack", "haystack"),
    Compared("txtai", "txtai"),
    Compared("haiku", "haiku", served=True, python="python3.12"),
    Compared("kotaemon", "kotaemon", served=True, python="python3.11"),
)


@dataclass(frozen=True, slots=True)
class Run:
    """One run: one system in one round.

    Attributes:
        system, round: the system and the round.
        error: "" after a complete run.
        memory, disk: bytes.
        characters: of the articles it indexed.
        events: as in `protocol`.
    """

    system: str
    round: int
    error: str
    memory: int
    disk: int
    characters: int
    events: tuple[Mapping[str, Any], ...]

    def of(self, what: str) -> list[Mapping[str, Any]]:
        """Return the events of a kind."""
        return [event for event in self.events if event["what"] == what]


# -- running ----------------------------------------------------------------------------------------------------


def environment(name: str, envs: Path, maker: str = "") -> Path:
    """Return the Python of a system's environment; if it does not exist, make it with the Python `maker`.

    Raises:
        InputError: there is no such Python, or pip could not install its requirements.
    """
    python = envs / name / "bin" / "python"
    if python.exists():
        return python
    requirements, found = HERE / f"requirements-{name}.txt", shutil.which(maker or sys.executable)
    if found is None:
        raise InputError(f"there is no {maker} on the PATH, which {name} needs", "Install it")
    print(f"installing {requirements.name}", flush=True)
    try:
        subprocess.run([found, "-m", "venv", envs / name], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "-r", requirements], check=True)
    except BaseException as error:
        shutil.rmtree(envs / name, ignore_errors=True)
        if isinstance(error, subprocess.CalledProcessError):
            raise InputError(f"{requirements.name} cannot be installed", "Read what pip says above") from error
        raise
    return python


class Memory:
    """Watches the memory of processes and of all that they start; `peak` in bytes, as the module says."""

    def __init__(self) -> None:
        self.peak = 0
        self._roots: list[int] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def add(self, process: int) -> None:
        """Watch a process and all its descendants."""
        self._roots.append(process)

    def _watch(self) -> None:
        while not self._over.wait(_POLL):
            held = [_memory(process) for process in _family(self._roots)]
            self.peak = max([self.peak, sum(now for now, _ in held), *(most for _, most in held)])


def _family(roots: Sequence[int]) -> set[int]:
    """The processes and their descendants."""
    parents: dict[int, int] = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(file.parent.name)] = int(file.read_text().rpartition(")")[2].split()[1])
        except OSError:  # the process has ended
            continue
    found = set(roots)
    while new := {one for one, parent in parents.items() if parent in found} - found:
        found |= new
    return found


def _memory(process: int) -> tuple[int, int]:
    """Memory of a process now and its maximum, in bytes; 0 if it has ended."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0, 0
    values = {line.partition(":")[0]: line.split()[1] for line in lines if line.startswith(("VmRSS", "VmHWM"))}
    return 1024 * int(values.get("VmRSS", 0)), 1024 * int(values.get("VmHWM", 0))


@contextmanager
def started(command: Sequence[str | Path], log: Path, environ: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Start a process with its output in a file; at the end, stop it and all its descendants."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env=environ, start_new_session=True, cwd=HERE
        )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def surroundings(adapter: str, threads: int) -> dict[str, str]:
    """Return the environment variables of a process: equal threads for all, no network, no telemetry."""
    kept = {name: value for name, value in os.environ.items() if adapter == OWN or not name.startswith("PYTHON")}
    number = str(threads)
    return kept | {
        "OMP_NUM_THREADS": number, "MKL_NUM_THREADS": number, "OPENBLAS_NUM_THREADS": number,
        "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1",
        "ANONYMIZED_TELEMETRY": "False", "HAYSTACK_TELEMETRY_ENABLED": "False",
    }  # fmt: skip


@contextmanager
def server(job: Job, log: Path, envs: Path, memory: Memory) -> Iterator[str]:
    """Run serve.py and yield its address.

    Raises:
        InputError: it ended or did not answer in time.
    """
    command = [environment(SERVER, envs), HERE / "serve.py", _written(job)]
    with started(command, log, surroundings(SERVER, job.threads)) as process:
        memory.add(process.pid)
        until = time.monotonic() + LONGEST_LOAD
        while not (said := re.search(r"^http://\S+$", log.read_text(errors="replace"), re.MULTILINE)):
            if process.poll() is not None or time.monotonic() > until:
                raise InputError(f"the server does not start: {_end(log)}", f"Read {log}")
            time.sleep(_POLL)
        yield said[0]


def run(system: Compared, round_: int, job: Job, envs: Path, log: Path, longest: float) -> Run:
    """Let a system do a job in an empty folder, which is removed afterwards.

    Args:
        system: the system.
        round_: from 1; only recorded.
        job: its input; the address of the server and the options are added.
        envs: folder of the environments.
        log: file for its output; the output of its server goes beside it.
        longest: seconds until it counts as failed.
    """
    folder = Path(job.folder).parent
    shutil.rmtree(folder, ignore_errors=True)
    Path(job.folder).mkdir(parents=True)
    job = replace(job, options={**job.options, **system.options})
    error = ""
    with Memory() as memory:
        try:
            python = Path(sys.executable) if system.adapter == OWN else environment(system.adapter, envs, system.python)
            if system.served:
                with server(job, log.with_suffix(".server.log"), envs, memory) as address:
                    error = _work(system, replace(job, server=address), python, log, memory, longest)
            else:
                error = _work(system, job, python, log, memory, longest)
        except InputError as problem:
            error = str(problem)
    events = Path(job.events)
    lines = events.read_text(encoding="utf-8").splitlines() if events.exists() else []
    disk = sum(file.stat().st_size for file in Path(job.folder).rglob("*") if file.is_file())
    characters = sum(len(json.loads(line)["text"]) for line in Path(job.articles).read_text("utf-8").splitlines())
    done = Run(system.name, round_, error, memory.peak, disk, characters, tuple(json.loads(line) for line in lines))
    shutil.rmtree(folder)
    return done


def _written(job: Job) -> Path:
    """Return the file of a job."""
    file = Path(job.events).with_name("job.json")
    file.write_text(json.dumps(asdict(job)), encoding="utf-8")
    return file


def _work(system: Compared, job: Job, python: Path, log: Path, memory: Memory, longest: float) -> str:
    """Run the adapter; return the error, or ""."""
    command = [python, HERE / f"run_{system.adapter}.py", _written(job)]
    with started(command, log, surroundings(system.adapter, job.threads)) as process:
        memory.add(process.pid)
        try:
            code = process.wait(longest)
        except subprocess.TimeoutExpired:
            return f"not done after {longest:.0f} s"
    return "" if code == 0 else f"exit code {code}: {_end(log)}"


def _end(log: Path) -> str:
    """The last line that a process wrote."""
    lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return lines[-1].strip()[:_KEPT_OF_LOG] if lines else "it said nothing"


# -- marking ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Mark:
    """Whether a text is right (None if the record does not say), and whether it is a refusal."""

    right: bool | None
    refused: bool


def mark(item: QuestionItem, text: str) -> Mark:
    """Mark a text by the rules of the module."""
    item = replace(item, cite=(), kind="" if item.kind == "conflict" else item.kind)
    refusing = not text.strip() or REFUSING.search(text) is not None
    if item.answerable is False or item.kind == "false_premise":
        status = "abstained" if refusing else "answered"
        return Mark(marks.judge(item, Answer(item.question, item.question, status, text))[0], refusing)
    right = marks.judge(item, Answer(item.question, item.question, "answered", text))[0]
    return Mark(False, True) if refusing and not right else Mark(right, False)


def own_mark(item: QuestionItem, event: Mapping[str, Any]) -> Mark:
    """Mark an answer of citewire by its own rule."""
    quotes = tuple(Quote(n, article, 0, 0, "") for n, article in enumerate(event["articles"], 1))
    claims = (Claim(event["text"], "supported", 1.0, "", True, quotes),)
    conflicts = (Conflict("", ()),) * event["flagged"]
    answer = Answer(item.question, item.question, event["status"], event["text"], claims, conflicts)
    return Mark(marks.judge(item, answer)[0], event["status"] == "abstained")


def share(marks: Sequence[bool]) -> str:
    """Return "2 of 3"."""
    return f"{sum(marks)} of {len(marks)}" if marks else "-"


# -- figures ----------------------------------------------------------------------------------------------------

Key = tuple[int, str]  # round, question; the question is "" for values of a whole round

# name -> (heading, divisor for display, digits)
SHOWN: dict[str, tuple[str, float, int]] = {
    "passages": ("indexing, passages/s", 1, 0),
    "characters": ("characters/s", 1, 0),
    "disk": ("disk, MB", 1e6, 1),
    "memory": ("memory, MB", 1e6, 0),
    "retrieval": ("retrieval, ms", 1e-3, 0),
    "first": ("first word, s", 1, 2),
    "whole": ("whole answer, s", 1, 2),
    "read": ("tokens read", 1, 0),
}
PAIRED = [name for name in SHOWN if name != "passages"]  # not passages: they differ in size


def figures(runs: Sequence[Run]) -> dict[str, dict[Key, float]]:
    """Return the measurements of a system's complete runs, by name as in `SHOWN`."""
    out: dict[str, dict[Key, float]] = {name: {} for name in SHOWN}
    for one in runs:
        for event in one.of("indexed"):
            out["passages"][one.round, ""] = event["passages"] / event["seconds"]
            out["characters"][one.round, ""] = one.characters / event["seconds"]
        out["disk"][one.round, ""], out["memory"][one.round, ""] = one.disk, one.memory
        for event in one.of("retrieved"):
            out["retrieval"][one.round, event["id"]] = event["seconds"]
        for event in one.of("answered"):
            key = one.round, event["id"]
            out["first"][key], out["whole"][key] = event["first"], event["seconds"]
            out["read"][key] = event["prompt_tokens"]
    return out


def ratios(own: Mapping[Key, float], other: Mapping[Key, float]) -> list[float]:
    """Return `own` divided by `other` for all keys in both, smallest first."""
    return sorted(value / other[key] for key, value in own.items() if other.get(key))


def limits(runs: Sequence[Run]) -> list[float]:
    """Return the time of answers divided by the engine's time for the same prompts and replies, smallest first."""
    out: list[float] = []
    for one in runs:
        alone = {event["question"]: event["seconds"] for event in one.of("engine")}
        out += [e["seconds"] / took for e in one.of("answered") if (took := alone.get(e["question"], 0.0))]
    return sorted(out)


def spread(values: Sequence[float]) -> str:
    """Return median and range as text."""
    return f"{median(values):.2f} ({values[0]:.2f} to {values[-1]:.2f})" if values else "-"


@dataclass(frozen=True, slots=True)
class Result:
    """All results of a system: its complete runs, errors of the others, figures, marks by question."""

    name: str
    runs: Sequence[Run]
    errors: Sequence[str]
    figures: Mapping[str, Mapping[Key, float]]
    marks: Mapping[str, Mark]
    own_marks: Mapping[str, Mark]


def result(name: str, runs: Sequence[Run], items: Sequence[QuestionItem]) -> Result:
    """Combine the runs of a system; its quality is that of its first round."""
    good = [one for one in runs if not one.error]
    answers = {event["id"]: event for one in good if one.round == 1 for event in one.of("answered")}
    unanswered = Mark(False, False)
    marks = {i.id: mark(i, answers[i.id]["text"]) if i.id in answers else unanswered for i in items}
    own = {item.id: own_mark(item, answers[item.id]) for item in items if "status" in answers.get(item.id, ())}
    return Result(name, good, [one.error for one in runs if one.error], figures(good), marks, own)


def quality(marks: Mapping[str, Mark], items: Sequence[QuestionItem]) -> list[str]:
    """Return the shares of right answers, of unanswerable questions refused, and of other questions refused."""
    known = [(item, marks[item.id]) for item in items if item.id in marks]
    return [
        share([bool(m.right) for item, m in known if item.answerable is not False and m.right is not None]),
        share([m.refused for item, m in known if item.answerable is False]),
        share([m.refused for item, m in known if item.answerable]),
    ]


def table(results: Sequence[Result], items: Sequence[QuestionItem]) -> str:
    """Return the tables and the limit, as Markdown."""
    heads = [heading for heading, _, _ in SHOWN.values()]
    lines = _row("system", *heads, "right", "refused rightly", "refused wrongly") + _rule(len(heads) + 4)
    for one in results:
        if not one.runs:
            lines += _row(one.name, f"failed: {one.errors[-1]}".replace("|", "/"), *[""] * (len(heads) + 2))
            continue
        shown = [_shown(one.figures[name], *SHOWN[name][1:]) for name in SHOWN]
        lines += _row(one.name, *shown, *quality(one.marks, items))
    own = next((one for one in results if one.name == OWN and one.runs), None)
    if own is not None and any(one.runs for one in results if one is not own):
        lines += "\nRatios, median (range): more is better for characters/s, less for all else.\n\n"
        lines += _row("citewire by", *(SHOWN[name][0] for name in PAIRED)) + _rule(len(PAIRED) + 1)
        for one in results:
            if one.runs and one is not own:
                lines += _row(one.name, *(spread(ratios(own.figures[name], one.figures[name])) for name in PAIRED))
    return lines + "".join(f"\n{line}\n" for one in results for line in _notes(one, items))


def _notes(one: Result, items: Sequence[QuestionItem]) -> Iterator[str]:
    if limit := limits(one.runs):
        yield (
            f"{one.name}: the whole answer takes {spread(limit)} times what its engine alone takes for the same prompts"
            f" and replies ({len(limit)} answers)."
        )
    if one.own_marks:
        right, refused, wrongly = quality(one.own_marks, items)
        yield f"{one.name} by its own rule: right {right}, refused rightly {refused}, wrongly {wrongly}."
    failed = {event["id"]: event["error"] for run_ in one.runs for event in run_.of("failed")}
    if failed:
        yield f"{one.name} failed at {', '.join(sorted(failed))}: {next(iter(failed.values()))}"
    if one.runs and one.errors:
        yield f"{one.name} failed in {len(one.errors)} rounds: {one.errors[-1]}"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |\n"


def _rule(cells: int) -> str:
    return "|---" * cells + "|\n"


def _shown(values: Mapping[Key, float], divisor: float, digits: int) -> str:
    return f"{median(values.values()) / divisor:,.{digits}f}" if values else "-"


# -- the command ------------------------------------------------------------------------------------------------


def articles(sources: Sequence[Path], most: int | None, folder: Path) -> list[Given]:
    """Return the articles of files and folders: all, but only `most` of each .jsonl and .jsonl.gz.

    Raises:
        InputError: there are none.
    """
    plain = [_unpacked(source, most, folder) if source.suffix in (".gz", ".jsonl") else source for source in sources]
    found = [one for one in read_articles(plain) if isinstance(one, Article)]
    if not found:
        raise InputError(f"no articles in {', '.join(map(str, sources))}", "Name what `citewire index` takes")
    return [Given(one.path, one.title, one.text, one.published, one.outlet) for one in found]


def _unpacked(source: Path, most: int | None, folder: Path) -> Path:
    new = folder / source.name.removesuffix(".gz")
    opened = gzip.open if source.suffix == ".gz" else open
    with opened(source, "rt", encoding="utf-8") as lines:
        new.write_text("".join(itertools.islice(lines, most)), encoding="utf-8")
    return new


def lay_out(options: argparse.Namespace, items: Sequence[QuestionItem]) -> None:
    """Write the inputs of all systems into `--out`.

    Raises:
        InputError: `--out` has the runs of other settings.
    """
    out: Path = options.out
    (out / "runs").mkdir(parents=True, exist_ok=True)
    corpus = articles(options.articles, options.corpus_articles, out)
    _write_lines(out / "articles.jsonl", [asdict(one) for one in corpus])
    asked = [{"id": item.id, "question": item.question, "answer": True} for item in items]
    _write_lines(out / "questions-1.jsonl", asked)
    _write_lines(out / "questions.jsonl", asked[: options.timed])
    files = [out / "articles.jsonl", out / "questions-1.jsonl", out / "questions.jsonl"]
    identity = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
    identity |= {name: str(getattr(options, name)) for name in ("model", "threads", "max_tokens")}
    known = out / "settings.json"
    if known.exists() and (before := json.loads(known.read_text(encoding="utf-8"))) != identity:
        changed = ", ".join(name for name in identity if before.get(name) != identity[name])
        raise InputError(f"{out} holds runs with other settings ({changed})", "Name another folder with --out")
    known.write_text(json.dumps(identity, indent=1), encoding="utf-8")


def _write_lines(file: Path, values: Sequence[Mapping[str, Any]]) -> None:
    file.write_text("".join(f"{json.dumps(value, ensure_ascii=False)}\n" for value in values), encoding="utf-8")


def job_for(options: argparse.Namespace, round_: int) -> Job:
    """Return the job of the systems in a round.

    Raises:
        ModelError: the language model is missing.
    """
    source = resolve(options.model, options.cache)
    if not isinstance(source, GgufModel):
        raise InputError(f"{options.model} is no GGUF file", "Name a model of the catalogue")
    work: Path = options.out / "work"
    return Job(
        articles=str(options.out / "articles.jsonl"),
        questions=str(options.out / ("questions-1.jsonl" if round_ == 1 else "questions.jsonl")),
        events=str(work / "events.jsonl"),
        folder=str(work / "stored"),
        embedder=str(default_folder()),
        model=str(weights_folder(source, options.cache)),
        gguf=str(source.path),
        server="",
        threads=options.threads,
        max_tokens=options.max_tokens,
        options={"model": options.model, "cache": str(options.cache) if options.cache else ""},
    )


def run_all(options: argparse.Namespace) -> None:
    """Do the requested runs that are not done yet."""
    wanted = [system for system in SYSTEMS if system.name in options.only]
    for round_ in range(1, options.rounds + 1):
        for system in random.Random(round_).sample(wanted, len(wanted)):
            file = options.out / "runs" / f"{round_}-{system.name}.json"
            if file.exists() and not json.loads(file.read_text(encoding="utf-8"))["error"]:
                continue
            print(f"round {round_}, {system.name}", flush=True)
            log = file.with_suffix(".log")
            done = run(system, round_, job_for(options, round_), options.envs, log, options.longest)
            if done.error:
                print(f"  failed: {done.error}", flush=True)
            file.write_text(json.dumps(asdict(done), ensure_ascii=False), encoding="utf-8")


def report(options: argparse.Namespace, items: Sequence[QuestionItem]) -> str:
    """Write table.md and results.json from all runs in `--out`; return the table."""
    runs = []
    for file in sorted((options.out / "runs").glob("*.json")):
        values = json.loads(file.read_text(encoding="utf-8"))
        runs.append(Run(**{**values, "events": tuple(values["events"])}))
    names = [system.name for system in SYSTEMS if any(one.system == system.name for one in runs)]
    results = [result(name, [one for one in runs if one.system == name], items) for name in names]
    text = table(results, items)
    (options.out / "table.md").write_text(text, encoding="utf-8")
    kept = {one.name: _kept(one, results, items) for one in results}
    (options.out / "results.json").write_text(json.dumps(kept, ensure_ascii=False, indent=1), encoding="utf-8")
    return text


def _kept(one: Result, results: Sequence[Result], items: Sequence[QuestionItem]) -> dict[str, Any]:
    own = next((other for other in results if other.name == OWN), one)
    answers = {event["id"]: event for run_ in one.runs if run_.round == 1 for event in run_.of("answered")}
    return {
        "errors": one.errors,
        "figures": {name: [[*key, value] for key, value in by_key.items()] for name, by_key in one.figures.items()},
        "ratios": {name: ratios(own.figures[name], one.figures[name]) for name in PAIRED},
        "limit": limits(one.runs),
        "quality": quality(one.marks, items),
        "own_quality": quality(one.own_marks, items),
        "answers": [{**answers[id_], **asdict(mark_)} for id_, mark_ in one.marks.items() if id_ in answers],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--articles", type=Path, nargs="+", required=True)
    parser.add_argument("--envs", type=Path, required=True, help="folder of the environments")
    parser.add_argument("--only", default=",".join(system.name for system in SYSTEMS), help="names, with commas")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--timed", type=int, default=6, help="questions of the rounds after the first")
    parser.add_argument("--limit", type=int, help="questions at most")
    parser.add_argument("--corpus-articles", type=int, help="articles at most of each .jsonl and .jsonl.gz")
    parser.add_argument("--out", type=Path, default=Path(".citewire/rivals"))
    parser.add_argument("--model", default="qwen2.5-coder-0.5b", help="a model of the catalogue")
    parser.add_argument("--max-tokens", type=int, default=160, help="of a reply")
    parser.add_argument("--threads", type=int, default=usable_cores())
    parser.add_argument("--longest", type=float, default=7200, help="seconds that a system may take in a round")
    parser.add_argument("--cache", type=Path, help="citewire's cache folder")
    options = parser.parse_args()
    options.only = options.only.split(",")
    names = [system.name for system in SYSTEMS]
    if unknown := [name for name in options.only if name not in names]:
        parser.error(f"there is no system {', '.join(unknown)}; the systems are {', '.join(names)}")
    options.out, options.envs = options.out.resolve(), options.envs.resolve()
    try:
        asked = [
            item for item in records.read(options.questions)[1] if isinstance(item, QuestionItem) and not item.history
        ]
        items = asked[: options.limit]
        lay_out(options, items)
        run_all(options)
    except CitewireError as error:
        parser.error(str(error))
    print(report(options, items))


if __name__ == "__main__":
    main()
