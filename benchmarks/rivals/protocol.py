"""The job of every system that is compared, and its timing. Needs only Python: each system has its own environment.

An adapter is a file beside this one, `run_NAME.py`. It has a class with the methods of `System` and the last line
`main(Class)`. It is run as `python run_NAME.py JOB.json`; JOB.json holds the fields of `Job`. Measurements go
into the file `Job.events`, one JSON object a line, at once, so that nothing is lost if a system fails:

    {"what": "loaded", "seconds": ...}                       after `load`
    {"what": "indexed", "seconds": ..., "passages": ...}     after `index`
    {"what": "retrieved", "id": ..., "seconds": ..., "articles": [...]}
    {"what": "answered", "id": ..., "question": ..., "first": ..., "seconds": ..., "text": ..., "articles": [...],
     "prompt_tokens": ..., "output_tokens": ...}
    {"what": "failed", "id": ..., "error": ...}

The seconds of a retrieval and of an answer run from the question to the end; `first` runs to the first piece of text
that is not blank. A system may have two more methods:

    told() -> mapping         more fields of the event `answered`, or replacements: `text`, if the final text differs
                              from the streamed text
    after() -> mappings       more events, each with its `what`, measured after all questions
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Job:
    """The input of an adapter.

    Attributes:
        articles: a JSONL file of articles, the fields of `Article`.
        questions: a JSONL file of {"id", "question", "answer": whether it is also answered, not only retrieved}.
        events: the output file.
        folder: an empty folder for the system's files.
        embedder: folder of the embedder: sentence-transformers, safetensors.
        model: folder of the language model: transformers, float32 safetensors.
        gguf: the file of the same model that `model` was made from.
        server: address of an OpenAI-compatible server with the same model and embedder, for systems that cannot run
            weights themselves; "" without a server.
        threads: CPU threads.
        max_tokens: most tokens of a reply.
        options: for this adapter only.
    """

    articles: str
    questions: str
    events: str
    folder: str
    embedder: str
    model: str
    gguf: str
    server: str
    threads: int
    max_tokens: int
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Article:
    """An article: path, title, text and other fields; "" for an unknown field.

    Attributes:
        path: unique.
        title: may also be in the text.
        text: as shown.
        published: day, ISO 8601.
        outlet: the publisher.
    """

    path: str
    title: str
    text: str
    published: str = ""
    outlet: str = ""

    @property
    def titled(self) -> str:
        """The text under its title."""
        return self.text if self.title in self.text else f"{self.title}\n\n{self.text}"


class System(Protocol):
    """A system in the form that its documentation recommends for local weights, with its defaults otherwise."""

    def __init__(self, job: Job) -> None: ...

    def load(self) -> None:
        """Load embedder and language model."""
        ...

    def index(self, articles: Sequence[Article]) -> int:
        """Index the articles, stored below `Job.folder`; return the number of passages."""
        ...

    def retrieve(self, question: str) -> Sequence[str]:
        """Return the paths of the articles whose passages an answer would use, best first."""
        ...

    def answer(self, question: str) -> Iterator[str]:
        """Search, then yield the answer in pieces, as a user would see it."""
        ...

    def cited(self) -> Sequence[str]:
        """Return the paths of the articles that the last answer cites."""
        ...

    def tokens(self) -> tuple[int, int]:
        """Return the tokens that the language model read and wrote for the last answer, over all its calls."""
        ...


class Counted:
    """Counts the tokens of a transformers model. It replaces the model's method `generate` and works in any thread."""

    def __init__(self, model: Any) -> None:
        self._generate = model.generate
        self._idle = threading.Condition()
        self._running = 0
        self.reset()
        model.generate = self

    def reset(self) -> None:
        """Set the counts to 0."""
        self._read = self._written = 0

    def tokens(self) -> tuple[int, int]:
        """Return the tokens read and written since `reset`; waits for the end of a call that streams."""
        with self._idle:
            self._idle.wait_for(lambda: not self._running)
        return self._read, self._written

    def __call__(self, *inputs: Any, **named: Any) -> Any:
        """Generate as the model does; counts a whole batch."""
        with self._idle:
            self._running += 1
        try:
            written = self._generate(*inputs, **named)
            prompt = inputs[0] if inputs else named["input_ids"]
            self._read += prompt.shape[0] * prompt.shape[1]
            self._written += written.shape[0] * (written.shape[1] - prompt.shape[1])
            return written
        finally:
            with self._idle:
                self._running -= 1
                self._idle.notify_all()


def main(system: type[System]) -> None:
    """Run a job with a system."""
    job = Job(**json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    with Path(job.events).open("a", encoding="utf-8") as events:

        def tell(what: str, **values: Any) -> None:
            events.write(json.dumps({"what": what, **values}, ensure_ascii=False) + "\n")
            events.flush()

        start = time.perf_counter()
        running = system(job)
        running.load()
        tell("loaded", seconds=time.perf_counter() - start)
        articles = [Article(**one) for one in _lines(job.articles)]
        start = time.perf_counter()
        passages = running.index(articles)
        tell("indexed", seconds=time.perf_counter() - start, passages=passages)
        for asked in _lines(job.questions):
            try:
                _ask(running, asked, tell)
            except Exception as error:  # noqa: BLE001 - a system that fails at one question is asked the next
                tell("failed", id=asked["id"], error=f"{type(error).__name__}: {error}"[:500])
        for event in running.after() if hasattr(running, "after") else ():
            tell(**event)


def _ask(running: System, asked: Mapping[str, Any], tell: Any) -> None:
    start = time.perf_counter()
    articles = list(running.retrieve(asked["question"]))
    tell("retrieved", id=asked["id"], seconds=time.perf_counter() - start, articles=articles)
    if not asked["answer"]:
        return
    text, first = "", 0.0
    start = time.perf_counter()
    for piece in running.answer(asked["question"]):
        text += piece
        first = first or (time.perf_counter() - start if piece.strip() else 0.0)
    seconds = time.perf_counter() - start
    read, written = running.tokens()
    told = running.told() if hasattr(running, "told") else {}
    measured = {
        "id": asked["id"], "question": asked["question"], "first": first or seconds, "seconds": seconds, "text": text,
        "articles": list(running.cited()), "prompt_tokens": read, "output_tokens": written,
    }  # fmt: skip
    tell("answered", **{**measured, **told})


def _lines(file: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(file).read_text(encoding="utf-8").splitlines() if line.strip()]
