"""A small evaluation whose questions are made from the articles: sentences by chance -> questions -> marked answers.

Each question is one that its own article answers best by the sentence that it was made from; whether that is found
among all articles, and quoted, is what is measured. So the figures are those of easy questions. Knows how questions are
made (`citewire.qa.suggest`) and marked (`runs`), not who runs it.
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

KIND = "made"  # of such questions
QUESTIONS = 20
TRIED_EACH = 4  # sentences tried for one question; the model puts many badly


def rows(
    suggester: Suggester,
    evaluator: Evaluator,
    seed: int,
    number: int = QUESTIONS,
    stopped: Callable[[], bool] = lambda: False,
) -> Iterator[Row | None]:
    """Make, answer and mark up to `number` questions, a step at a time: whoever runs it can let others go first.

    Args:
        suggester: makes the questions, over the index of `evaluator.corpus`.
        evaluator: answers and marks them.
        seed: which sentences chance takes.
        number: of questions.
        stopped: polled while a question is made; once true, its sentence is passed over.

    Yields:
        None after a sentence was tried, and the row of a question once it is answered.

    Raises:
        ModelError: the model went away.
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
    """Yield sentences that can be read alone, by chance: of each article one before a second one of any.

    Yields:
        Article, place and text.
    """
    chance = random.Random(seed)  # noqa: S311 - nothing is secret
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
