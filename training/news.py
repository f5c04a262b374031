"""News articles with questions and claims, written for this project: examples to train on, records to measure with.

A line of news.jsonl is an article: `name`, `source`, `licence`, `title`, `date`, `outlet`, `paragraphs` (lists of
sentences), `questions` ([question, numbers of all sentences that answer, words in each of them]), `near` (questions
that the article nearly answers), `claims` ([label, numbers of the quote's sentences, claim]). Sentences count from 0.

Other sets mark one sentence and say nothing of the others of an article. Here every sentence is known to answer or
not, so a question is learned as a choice among the sentences of its article.
"""

from __future__ import annotations

import json
import random
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from changes import noisy
from examples import LABELS, Record, claim, is_held, nearest_first, reading
from network import Example

FILE = Path(__file__).parent / "news.jsonl"
LISTED = 4  # most sentences in a list
NEAR = 2  # sentences read for a question without an answer
NOISY, TITLED, WIDER = (
    0.1,
    0.85,
    0.4,
)  # shares of questions with typing errors, windows with titles, quotes with neighbours

Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class News:
    """An article as text.

    Attributes:
        name: unique; `is_held` decides by it.
        title, text: as indexed; paragraphs are parted by a blank line.
        places: of each sentence, as offsets into the text.
        questions, near, claims: as in the file.
    """

    name: str
    title: str
    text: str
    places: tuple[Place, ...]
    questions: Sequence[tuple[str, Sequence[int], Sequence[str]]]
    near: Sequence[str]
    claims: Sequence[tuple[str, Sequence[int], str]]

    @property
    def held(self) -> bool:
        """Whether it is held out for measuring."""
        return is_held({"group": self.name}, 8)


Sentence = tuple[News, Place]


@cache
def articles(file: Path = FILE) -> tuple[News, ...]:
    """Return the articles of a file."""
    with file.open(encoding="utf-8") as lines:
        return tuple(_article(json.loads(line)) for line in lines)


def _article(line: Mapping[str, Any]) -> News:
    text, places = "", list[Place]()
    for number, paragraph in enumerate(line["paragraphs"]):
        text += "\n\n" if number else ""
        for place, sentence in enumerate(paragraph):
            text += " " if place else ""
            places.append((len(text), len(text) + len(sentence)))
            text += sentence
    asked = tuple((question, numbers, words) for question, numbers, words in line["questions"])
    told = tuple((label, numbers, said) for label, numbers, said in line["claims"])
    return News(f"news/{line['name']}", line["title"], text, tuple(places), asked, tuple(line["near"]), told)


def asked(found: Sequence[News]) -> Iterator[Record]:
    """Yield the questions of articles as reader records; every sentence that answers is marked."""
    for one in found:
        same = {"source": "news", "group": one.name, "title": one.title, "passage": one.text, "kind": "span"}
        for question, numbers, words in one.questions:
            marked = [_mark(one, number, word) for number, word in zip(numbers, words, strict=True)]
            answers = [{"start": start, "end": end, "text": one.text[start:end]} for start, end in marked]
            yield {**same, "question": question, "answers": answers, "answerable": True}
        for question in one.near:
            yield {**same, "question": question, "answers": [], "answerable": False}


def stated(one: News) -> Iterator[Record]:
    """Yield the claims of an article as verifier records."""
    for label, numbers, said in one.claims:
        quote = _quote(one, numbers)
        yield {"source": "news", "group": one.name, "claim": said, "quote": quote, "label": label}


def _quote(one: News, numbers: Sequence[int]) -> str:
    return " ".join(one.text[slice(*one.places[number])] for number in numbers)


def _mark(one: News, number: int, words: str) -> Place:
    start, end = one.places[number]
    at = one.text.index(words, start, end)
    return at, at + len(words)


def lists(one: News, wrong: Mapping[str, Sequence[Sentence]], seed: int) -> Iterator[tuple[Example, ...]]:
    """Yield the lists of an article's questions.

    A list has a sentence that answers, then others: those of the article that share the most words with the question,
    some by chance, and what the reader wrongly took for the answer (`wrong`, by question, see mined.py). A question
    without an answer has a list of such others only.
    """
    dice = random.Random(f"{seed}|{one.name}")
    for number, (question, numbers, words) in enumerate(one.questions):
        others = [place for at, place in enumerate(one.places) if at not in numbers]
        for at, word in zip(numbers, words, strict=True):
            made = [_reading(one, question, one.places[at], 1.0, _mark(one, at, word), dice)]
            made += _others(one, question, others, wrong, LISTED - 1, dice)
            key = zlib.crc32(f"{one.name}|{number}|{at}".encode())
            yield tuple(replace(example, list=key) for example in made)
    for question in one.near:
        yield tuple(_others(one, question, one.places, wrong, NEAR, dice))


def every(one: News) -> Iterator[Example]:
    """Yield every sentence of an article for each of its questions, unchanged, and its claims: to measure with."""
    dice = random.Random(0)
    for question, numbers, words in one.questions:
        word = dict(zip(numbers, words, strict=True))
        for at, place in enumerate(one.places):
            marked = _mark(one, at, word[at]) if at in word else None
            yield reading(question, one.text, one.places, place, one.title, float(at in word), marked, "news", dice)
    for question in one.near:
        for place in one.places:
            yield reading(question, one.text, one.places, place, one.title, 0.0, None, "news", dice)
    for record in stated(one):
        yield claim(str(record["claim"]), str(record["quote"]), LABELS[str(record["label"])], "news")


def claims(one: News, seed: int) -> Iterator[Example]:
    """Yield the claims of an article, some with the sentences around their quote."""
    dice = random.Random(f"{seed}|{one.name}|claims")
    for label, numbers, said in one.claims:
        quote = _quote(one, numbers)
        if label != "not_said" and len(numbers) == 1 and dice.random() < WIDER:
            first, last = max(numbers[0] - 1, 0), min(numbers[0] + 1, len(one.places) - 1)
            quote = one.text[one.places[first][0] : one.places[last][1]]
        yield claim(said, quote, LABELS[label], "news")


def _others(
    one: News,
    question: str,
    places: Sequence[Place],
    wrong: Mapping[str, Sequence[Sentence]],
    most: int,
    dice: random.Random,
) -> list[Example]:
    taken = wrong.get(question, ())
    own = [place for place in places if (one, place) not in taken]
    near = nearest_first(question, one.text, own)
    chosen, rest = near[: most // 2], near[most // 2 :]
    chosen += dice.sample(rest, max(min(len(rest), most - len(chosen) - len(taken)), 0))
    found = [*taken, *((one, place) for place in chosen)]
    return [_reading(article, question, place, 0.0, None, dice) for article, place in found]


def _reading(
    one: News, question: str, place: Place, answers: float, marked: Place | None, dice: random.Random
) -> Example:
    title = one.title if dice.random() < TITLED else ""
    asked = noisy(question, dice) if dice.random() < NOISY else question
    return reading(asked, one.text, one.places, place, title, answers, marked, "news", dice)
