"""citewire as a library, used as `citewire index` and `citewire ask` do; runs in citewire's environment.

The first word is the first draft or checked sentence that has text. The text is the final text of the
answer, with the values that sources disagree on. Tokens read are those of all prompts, although the engine
keeps their beginnings.

After all questions the engine alone gets the prompts again, in their order, each until it has said as much
as it was allowed to say before: {"what": "engine", "question", "seconds" of the replies, "calls"}.

Options: `model` as in `--model`, `engine` as in `--engine`, and `cache`, citewire's cache folder.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from protocol import Article, Job, main

from citewire.index.build import build_index
from citewire.index.embed import load_embedder
from citewire.index.search import search
from citewire.index.store import Index
from citewire.qa.answer import Answerer, AnswerOptions
from citewire.qa.evaluate.marks import shown
from citewire.qa.generate.load import load_generator
from citewire.qa.reader import load_reader
from citewire.qa.types import Answer, Checked, Draft, Generator, Message


@dataclass(slots=True)
class Call:
    """One call of the language model.

    Attributes:
        pieces: the pieces of the reply that were taken.
        ended: whether the reply came to its end.
    """

    messages: Sequence[Message]
    max_tokens: int
    pieces: list[str] = field(default_factory=list)
    ended: bool = False


class Recorded:
    """A language model that records its calls; everything else is passed to the model within."""

    def __init__(self, generator: Generator) -> None:
        self.within = generator
        self.calls: list[Call] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.within, name)

    @property
    def name(self) -> str:
        """The name of the model within."""
        return self.within.name

    def generate(
        self, messages: Sequence[Message], *, max_tokens: int, stopped: Callable[[], bool] = lambda: False
    ) -> Iterator[str]:
        """Yield the pieces of the model within."""
        call = Call(messages, max_tokens)
        self.calls.append(call)
        for piece in self.within.generate(messages, max_tokens=max_tokens, stopped=stopped):
            call.pieces.append(piece)
            yield piece
        call.ended = True

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """The count of the model within."""
        return self.within.count_tokens(messages)


class Citewire:
    """See the module."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._asked: list[tuple[str, list[Call]]] = []

    def load(self) -> None:
        """Load embedder, language model and reader; the embedder reads its weights at the first text."""
        job = self._job
        cache = job.options.get("cache")
        # An embedder keeps the vectors of questions. Retrieval has its own, so each question is new to the answerer.
        self._embedder, self._other = (load_embedder(Path(job.embedder), threads=job.threads) for _ in range(2))
        for embedder in (self._embedder, self._other):
            embedder.embed_query("Loaded?")
        model, engine = job.options.get("model") or job.gguf, job.options.get("engine", "auto")
        generator = load_generator(
            model, engine=engine, device="cpu", threads=job.threads, cache=Path(cache) if cache else None
        )
        self._generator = Recorded(generator)
        self._reader = load_reader(job.threads)

    def index(self, articles: Sequence[Article]) -> int:
        """Index the file of articles; citewire numbers them from 1."""
        self._paths = {str(number): article.path for number, article in enumerate(articles, 1)}
        folder = Path(self._job.folder) / "index"
        report = build_index([self._job.articles], folder, self._embedder)
        self._index = Index.open(folder, self._embedder)
        self._options = AnswerOptions(max_tokens=self._job.max_tokens)
        self._answerer = Answerer(self._index, self._embedder, self._generator, self._reader, self._options)
        return report.passages

    def retrieve(self, question: str) -> list[str]:
        """Return the articles of the passages; the answerer keeps nothing of this search."""
        hits = search(self._index, self._other, question, self._options.search)
        return [self._path(hit.passage.article) for hit in hits]

    def answer(self, question: str) -> Iterator[str]:
        """Yield drafts and sentences."""
        self._generator.calls = []
        self._asked.append((question, self._generator.calls))
        for event in self._answerer.stream(question):
            if isinstance(event, Draft):
                yield event.text
            elif isinstance(event, Checked) and event.claim.shown:
                yield event.claim.text
            elif isinstance(event, Answer):
                self._answer = event
                yield event.text

    def cited(self) -> list[str]:
        """Return the articles that the shown claims quote."""
        quotes = [quote for claim in self._answer.claims if claim.shown for quote in claim.quotes]
        return list(dict.fromkeys(self._path(quote.article) for quote in quotes))

    def tokens(self) -> tuple[int, int]:
        """Return the tokens of all prompts and replies; a piece is one token, or several that make one character."""
        calls = self._generator.calls
        return sum(self._generator.count_tokens(c.messages) for c in calls), sum(len(c.pieces) for c in calls)

    def told(self) -> Mapping[str, Any]:
        """Return the final text of the answer."""
        return {"text": shown(self._answer), "status": self._answer.status, "flagged": len(self._answer.conflicts)}

    def after(self) -> Iterator[Mapping[str, Any]]:
        """Yield the times of the engine alone."""
        for question, calls in self._asked:
            start = time.perf_counter()
            for call in calls:
                _repeat(self._generator.within, call)
            took = time.perf_counter() - start
            yield {"what": "engine", "question": question, "seconds": took, "calls": len(calls)}

    def _path(self, article: str) -> str:
        return self._paths[article.rpartition("#")[2]]


def _repeat(generator: Generator, call: Call) -> None:
    reply = generator.generate(call.messages, max_tokens=call.max_tokens)
    for n, _ in enumerate(reply, 1):
        if n == len(call.pieces) and not call.ended:
            break


if __name__ == "__main__":
    main(Citewire)
