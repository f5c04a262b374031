"""A small evaluation with questions made from the articles: random sentences -> questions -> marked answers.

Within its own article, each question is best answered by the sentence it was made from; measured is whether that
sentence is found among all articles and quoted. So these are figures for easy questions. `citewire.qa.suggest` makes
the questions, `runs` marks them.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice

from citewire.index.options import SearchOptions
from citewire.index.passages import sentences
from citewire.index.store import Index
from citewire.index.types import Filters, Span
from citewire.qa import corpus, standing
from citewire.qa.evaluate.records import QuestionItem
from citewire.qa.evaluate.runs import Evaluator, Row
from citewire.qa.suggest import Suggester

KIND = "made"  # kind of such questions
QUESTIONS = 20
TRIED_EACH = 4  # most sentences tried per question, as the model words many badly


def rows(
    suggester: Suggester,
    evaluator: Evaluator,
    seed: int,
    number: int = QUESTIONS,
    stopped: Callable[[], bool] = lambda: False,
) -> Iterator[Row | None]:
    """Make, answer and mark up to `number` questions, in small steps so that the caller can serve others in between.

    Args:
        suggester: makes the questions, with the index of `evaluator.corpus`.
        evaluator: answers and marks them.
        seed: of the random choice of sentences.
        number: most questions.
        stopped: polled while a question is made; once true, its sentence is skipped.

    Yields:
        None after each sentence tried, and the row of each question answered.

    Raises:
        ModelError: the model is gone.
    """
    assert evaluator.corpus, "there are articles"
    done: set[str] = set()
    tried = places(evaluator.corpus.index, evaluator.search, seed)
    for article, span, sentence in islice(tried, TRIED_EACH * number):
        alone = replace(evaluator.search, filters=Filters(articles=(article,)))
        question = suggester.question_of(article, span, sentence, alone, stopped)
        yield None
        if not question or question in done:
            continue
        done.add(question)
        key = hashlib.sha256(f"{article}\0{question}".encode()).hexdigest()[:16]
        cite, at = (article,), len(done)
        yield evaluator.row(
            QuestionItem(key, at, str(at), KIND, question, answerable=True, cite=cite, find=cite, quote=sentence)
        )
        if len(done) == number:
            return


def places(index: Index, search: SearchOptions, seed: int) -> Iterator[tuple[str, Span, str]]:
    """Yield (path, span, text) of random sentences that stand alone; one of each article before a second of any."""
    chance = random.Random(seed)  # noqa: S311 - not for security
    paths = [one.path for one in corpus.chosen(index, search.filters)]
    chance.shuffle(paths)
    left: dict[str, list[Span]] = {}
    while paths:
        for path in list(paths):
            text = index.article(path).text
            if path not in left:
                left[path] = list(sentences(text))
                chance.shuffle(left[path])
            while left[path]:
                span = left[path].pop()
                sentence = text[span.start : span.end]
                if standing.stands_alone(sentence):
                    yield path, span, " ".join(sentence.split())
                    break
            else:
                paths.remove(path)
