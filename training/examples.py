"""Records of questions and claims -> tokens: windows around sentences, negatives, corrupted sentences.

A question is read with one sentence in its context: `[CLS] question [SEP] before SENTENCE after [SEP]`, where only the
tokens of SENTENCE have type 1. So "does this sentence answer" and "does its neighbour" are two inputs, and the
neighbour that answers is the hardest negative there is. A claim is read as `[CLS] claim: ... [SEP] quote [SEP]`.

Everything is a function of the record and the seed: the same files give the same examples.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from network import NOT_SAID, REFUTED, SUPPORTED, UNSUPPORTED, Example

from citewire.index.passages import sentences
from citewire.qa.inputs import Inputs

Record = Mapping[str, Any]

LABELS = {"supported": SUPPORTED, "refuted": REFUTED, "not_said": NOT_SAID, "unsupported": UNSUPPORTED}
HELD = 40  # one document in so many is held out, to measure on

# Shares of the records of a source that are used: large sources of one kind must not drown the others.
SHARES: Mapping[str, float] = {
    "nqg_squad_train": 0.25, "qamr": 0.35, "qadiscourse": 0.35, "selqa": 0.6, "timeqa_human": 0.6,
    "squad_v1_dev_html": 0.8, "snli": 0.5, "med": 0.5, "megaveridicality": 0.4, "breaking_nli": 0.7, "mnli": 0.8,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mix:
    """What is made beside the records themselves; each is a share of the records that allow it.

    Attributes:
        neighbours: another sentence of the same passage, which does not answer.
        swapped: the question with another name or year in it, so that its sentence does not answer any more.
        echoed: the question itself as the sentence, as a headline repeats it.
        titled: the title of the document before the window, where it is known.
        noisy: questions with a typing error, without a question mark, or of key words only.
        truth: claims asked as questions of yes or no.
        corrupted: sentences with a number, name, negation, hedge, comparison or order changed, as claims on themselves.
    """

    neighbours: float = 0.5
    swapped: float = 0.4
    echoed: float = 0.03
    titled: float = 0.5
    noisy: float = 0.15
    truth: float = 0.25
    corrupted: float = 0.3


PLAIN = Mix(neighbours=0.0, swapped=0.0, echoed=0.0, noisy=0.0, truth=0.0, corrupted=0.0)


def records(file: Path) -> Iterator[Record]:
    """Yield the records of a gzip file of JSON lines."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def is_held(record: Record) -> bool:
    """Say whether a record's document is held out; by the name alone, so that every run holds out the same."""
    return int(hashlib.sha256(str(record["group"]).encode()).hexdigest(), 16) % HELD == 0


def chosen(record: Record, seed: int) -> bool:
    """Say whether a record is within the share of its source."""
    return _random(record, seed).random() < SHARES.get(str(record["source"]), 1.0)


def _random(record: Record, seed: int) -> random.Random:
    texts = (record.get("question") or record["claim"], record.get("passage") or record["quote"])
    key = f"{seed}|{record['group']}|{'|'.join(texts)}"
    return random.Random(key)


# -- questions ----------------------------------------------------------------------------------------------


def readings(record: Record, mix: Mix, seed: int, pool: Sequence[str] = ()) -> Iterator[Example]:
    """Yield the examples of a reader record; `pool` are names to put in the place of others."""
    dice = _random(record, seed + 1)
    passage, question = str(record["passage"]), str(record["question"])[:400]
    spans = [(span.start, span.end) for span in sentences(passage)] or [(0, len(passage))]
    answers = [(int(one["start"]), int(one["end"])) for one in record["answers"]]
    asked = _noisy(question, dice) if dice.random() < mix.noisy else question
    title = _title(record) if dice.random() < mix.titled else ""
    source = str(record["source"])
    if not record["answerable"] or not answers:
        target = _nearest(question, passage, spans) if dice.random() < 0.7 else dice.choice(spans)
        yield _reading(asked, passage, spans, target, title, 0.0, None, source, dice)
        return
    first = answers[0]
    target = next((span for span in spans if span[0] <= first[0] < span[1]), spans[0])
    marked = first if record["kind"] != "sentence" else None
    yield _reading(asked, passage, spans, target, title, 1.0, marked, source, dice)
    texts = {passage[start:end].lower() for start, end in answers}
    silent = [
        span
        for span in spans
        if span != target
        and not any(text in passage[span[0] : span[1]].lower() for text in texts)
        and not any(start < span[1] and span[0] < end for start, end in answers)
    ]
    if silent and dice.random() < mix.neighbours:
        yield _reading(asked, passage, spans, dice.choice(silent), title, 0.0, None, f"{source}+neighbour", dice)
    if dice.random() < mix.swapped and (other := _swapped(question, passage, pool, dice)):
        yield _reading(other, passage, spans, target, title, 0.0, None, f"{source}+swapped", dice)
    if dice.random() < mix.echoed:
        text = question.rstrip("?") + dice.choice(["?", "", "."])
        yield _reading(asked, text, [(0, len(text))], (0, len(text)), title, 0.0, None, f"{source}+echoed", dice)


def _reading(
    question: str,
    passage: str,
    spans: Sequence[tuple[int, int]],
    target: tuple[int, int],
    title: str,
    answers: float,
    marked: tuple[int, int] | None,
    source: str,
    dice: random.Random,
) -> Example:
    place = spans.index(target)
    before, after = dice.choice([(1, 1), (1, 1), (1, 1), (2, 1), (1, 0), (0, 1), (0, 0)])
    opening = passage[spans[max(0, place - before)][0] : target[0]]
    closing = passage[target[1] : spans[min(len(spans) - 1, place + after)][1]]
    sentence = passage[target[0] : target[1]]
    made = _inputs().question(question, f"{title}. {opening}" if title else opening, sentence, closing)
    first = last = -1
    if marked:
        start, end = marked[0] - target[0], min(marked[1], target[1]) - target[0]
        inside = [made.begin + n for n, (a, b) in enumerate(made.offsets) if b > start and a < end]
        if inside:
            first, last = inside[0], inside[-1]
    return Example(tuple(made.ids), tuple(made.types), answers, first, last, source=source)


@lru_cache(maxsize=1)
def _inputs() -> Inputs:
    return Inputs()


def _title(record: Record) -> str:
    """The title of the document where its group says it: "wikipedia/Victoria_and_Albert_Museum"."""
    kind, _, name = str(record["group"]).partition("/")
    return name.replace("_", " ") if kind == "wikipedia" else ""


def _nearest(question: str, passage: str, spans: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """The sentence that shares most words with the question: the one that a search finds."""
    asked = set(re.findall(r"\w+", question.lower()))
    return max(spans, key=lambda span: len(asked & set(re.findall(r"\w+", passage[span[0] : span[1]].lower()))))


_NAME = re.compile(r"(?<!^)(?<![.?!] )\b[A-Z][\w'-]+(?: (?:of |the )?[A-Z][\w'-]+)*")
_YEAR = re.compile(r"\b(?:1[5-9]|20)\d\d\b")


def names_in(question: str) -> list[str]:
    """Return what looks like a name in a text: capitals behind its first word."""
    return _NAME.findall(question)


def _swapped(question: str, passage: str, pool: Sequence[str], dice: random.Random) -> str:
    """The question with one of its names or years exchanged, "" where it has none that the passage has too."""
    lowered = passage.lower()
    known = [name for name in names_in(question) if name.lower() in lowered]
    years = [year for year in _YEAR.findall(question) if year in passage]
    if years and (not known or dice.random() < 0.5):
        year = str(int(dice.choice(years)) + dice.choice([-10, -3, -2, -1, 1, 2, 3, 10]))
        return "" if year in passage else question.replace(dice.choice(years), year)
    if not known or not pool:
        return ""
    name, other = dice.choice(known), dice.choice(pool)
    return "" if other.lower() in lowered or other.lower() in question.lower() else question.replace(name, other)


def _noisy(question: str, dice: random.Random) -> str:
    """The question as people type it in a hurry."""
    words = question.rstrip(" ?").split()
    kind = dice.random()
    if kind < 0.4:
        return " ".join(words)
    if kind < 0.6:
        return " ".join(word for word in words if len(word) > 3 or word[:1].isdigit() or word[:1].isupper())
    place = dice.randrange(len(words))
    word = words[place]
    if len(word) > 3:
        at = dice.randrange(len(word) - 1)
        words[place] = word[:at] + dice.choice([word[at + 1] + word[at], word[at + 1], word[at] * 2]) + word[at + 2 :]
    return " ".join(words)


_AUXILIARY = re.compile(
    r"^(?P<who>[^,;:()]{2,80}?) (?P<verb>is|was|are|were|has|have|had|can|could|will|would) (?P<rest>[^?]+?)\.?$"
)


def truth(record: Record, mix: Mix, seed: int) -> Iterator[Example]:
    """Yield a claim as a question of yes or no: its quote answers where it supports or refutes it."""
    dice = _random(record, seed + 2)
    label = record["label"]
    if label == "unsupported" or not str(record["group"]).startswith("verdict/") or dice.random() >= mix.truth:
        return  # "verdict/": claims about the world; those of other sets are about a picture or a talk
    claim = str(record["claim"])
    found = _AUXILIARY.match(claim)
    if found:
        who = found["who"]
        who = who if names_in(f"x {who}") else who[:1].lower() + who[1:]
        question = f"{found['verb'].capitalize()} {who} {found['rest']}?"
    else:
        question = f"Is it true that {claim.rstrip('.')}?"
    quote = str(record["quote"])
    answers = float(label != "not_said")
    yield _reading(question, quote, [(0, len(quote))], (0, len(quote)), "", answers, None, "truth", dice)


# -- claims -------------------------------------------------------------------------------------------------


def claim(text: str, quote: str, label: int, source: str) -> Example:
    """Return a claim with its quote as tokens; the quote is cut where it is too long."""
    made = _inputs().claim(text, quote)
    return Example(tuple(made.ids), tuple(made.types), None, label=label, source=source)


def claims(record: Record) -> Iterator[Example]:
    """Yield the example of a verifier record."""
    yield claim(str(record["claim"]), str(record["quote"]), LABELS[str(record["label"])], str(record["source"]))


_NUMBER = re.compile(r"\b\d+(?:[.,]\d+)*\b")
_NEGATABLE = re.compile(r"\b(is|was|are|were|has|have|had|can|could|will|would|did|does|do|may|should)\b(?! not)")


def corrupted(record: Record, mix: Mix, seed: int, pool: Sequence[str] = ()) -> Iterator[Example]:
    """Yield a sentence of a reader record's passage as a claim on itself: as it is, or with one thing changed."""
    dice = _random(record, seed + 3)
    passage = str(record["passage"])
    if record.get("cased") is False or dice.random() >= mix.corrupted:
        return
    spans = [(span.start, span.end) for span in sentences(passage) if 40 <= span.end - span.start <= 300]
    if not spans:
        return
    start, end = dice.choice(spans)
    sentence = passage[start:end]
    quote = sentence if dice.random() < 0.6 else passage[max(0, start - 200) : end + 200]
    changes = [_other_number(sentence, dice), _other_name(sentence, quote, pool, dice), _turned(sentence, dice)]
    changes += [_negated(sentence, dice), _surer(sentence, dice), _opposed(sentence, dice)]
    made = [change for change in changes if change]
    if made and dice.random() < 0.75:
        text, label = dice.choice(made)
        yield claim(text, quote, label, "corrupted")
    else:
        yield claim(_shortened(sentence, dice), quote, SUPPORTED, "kept")


def _other_number(sentence: str, dice: random.Random) -> tuple[str, int] | None:
    numbers = _NUMBER.findall(sentence)
    if not numbers:
        return None
    number = dice.choice(numbers)
    digits = [at for at, character in enumerate(number) if character.isdigit()]
    at = dice.choice(digits)
    other = number[:at] + str((int(number[at]) + dice.randint(1, 8)) % 10) + number[at + 1 :]
    return (re.sub(rf"\b{re.escape(number)}\b", other, sentence, count=1), REFUTED)


def _other_name(sentence: str, quote: str, pool: Sequence[str], dice: random.Random) -> tuple[str, int] | None:
    names = names_in(sentence)
    if not names or not pool:
        return None
    near = [name for name in names_in(quote) if name not in sentence]
    name, other = dice.choice(names), dice.choice(near) if near and dice.random() < 0.5 else dice.choice(pool)
    return None if other in sentence else (sentence.replace(name, other), UNSUPPORTED)


def _turned(sentence: str, dice: random.Random) -> tuple[str, int] | None:
    """Two names of the sentence exchanged."""
    names = list(dict.fromkeys(names_in(sentence)))
    if len(names) < 2:
        return None
    one, other = dice.sample(names, 2)
    if one in other or other in one:
        return None
    held = sentence.replace(one, "\0")
    return held.replace(other, one).replace("\0", other), UNSUPPORTED


def _negated(sentence: str, dice: random.Random) -> tuple[str, int] | None:
    if " not " in sentence and dice.random() < 0.8:
        return sentence.replace(" not ", " ", 1), REFUTED
    found = list(_NEGATABLE.finditer(sentence))
    if not found:
        return None
    at = dice.choice(found).end()
    return f"{sentence[:at]} not{sentence[at:]}", REFUTED


_HEDGE = re.compile(r"\b(?:may|might|could|(?:plans?|hopes?|expects?|aims?|wants?|intends?) to)\b")
_OPPOSED = (
    ("more", "less"), ("higher", "lower"), ("rose", "fell"), ("increased", "decreased"), ("increase", "decrease"),
    ("before", "after"), ("first", "last"), ("above", "below"), ("largest", "smallest"), ("won", "lost"),
    ("most", "least"), ("up", "down"), ("north", "south"), ("east", "west"), ("older", "younger"), ("all", "some"),
)  # fmt: skip


def _surer(sentence: str, dice: random.Random) -> tuple[str, int] | None:
    """What is only possible, planned or hoped for told as what will be."""
    found = list(_HEDGE.finditer(sentence))
    if not found:
        return None
    one = dice.choice(found)
    return f"{sentence[: one.start()]}will{sentence[one.end() :]}", NOT_SAID


def _opposed(sentence: str, dice: random.Random) -> tuple[str, int] | None:
    """A comparison or a direction turned round."""
    pairs = [(a, b) for pair in _OPPOSED for a, b in (pair, pair[::-1])]
    found = [(a, b) for a, b in pairs if re.search(rf"\b{a}\b", sentence)]
    if not found:
        return None
    one, other = dice.choice(found)
    return re.sub(rf"\b{one}\b", other, sentence, count=1), REFUTED


def _shortened(sentence: str, dice: random.Random) -> str:
    """The sentence, now and then without what stands in brackets or between commas."""
    if dice.random() < 0.5:
        return sentence
    return re.sub(r" ?\([^)]*\)", "", re.sub(r", which [^,]+,", "", sentence))


def shuffled(source: Sequence[Example], seed: int) -> list[Example]:
    """Return the examples in an order that depends on the seed alone."""
    order = list(source)
    random.Random(seed).shuffle(order)
    return order
