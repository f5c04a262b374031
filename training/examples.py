"""Records of questions and claims -> tokens: windows around sentences, negatives, corrupted sentences.

A question is read with one sentence in its context: `[CLS] question [SEP] before SENTENCE after [SEP]`, where only the
tokens of SENTENCE have type 1. So "does this sentence answer" and "does its neighbour answer" are two different inputs,
and a neighbour that answers is the hardest negative. A claim is read as `[CLS] claim: ... [SEP] quote [SEP]`.

Everything is a function of the record and the seed: the same files give the same examples.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from changes import (
    Frames,
    exchanged,
    frames_of,
    longer,
    names_in,
    negated,
    noisy,
    opposed,
    other_name,
    other_number,
    shortened,
    surer,
    swapped,
    tail,
    turned,
)
from network import NOT_SAID, REFUTED, SUPPORTED, UNSUPPORTED, Example

from citewire.index.passages import sentences
from citewire.index.types import Span
from citewire.qa.inputs import Inputs

Record = Mapping[str, Any]
T = TypeVar("T")

LABELS = {"supported": SUPPORTED, "refuted": REFUTED, "not_said": NOT_SAID, "unsupported": UNSUPPORTED}
NAMES = 20_000  # most names in a pool
MOST_LISTED = 7  # most sentences in a list
HELD = 40  # one document in 40 is held out for measuring

# Share of records that is used, by source: large sources of one kind must not dominate, and only people's
# own unanswerable questions are real ones.
SHARES: Mapping[str, float] = {
    "nqg_squad_train": 0.25, "qamr": 0.35, "qadiscourse": 0.35, "selqa": 0.6, "timeqa_human": 0.6,
    "squad_v1_dev_html": 0.8, "snli": 0.5, "med": 0.5, "megaveridicality": 0.4, "breaking_nli": 0.7, "mnli": 0.8,
    "squad_v2_dev_html+likeliest": 2.0, "timeqa_human+likeliest": 2.0,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mix:
    """Examples made in addition to the records; each value is a share of the records that allow it.

    Attributes:
        neighbours: another sentence of the same passage, which does not answer.
        swapped: the question with another name or year, so that its sentence no longer answers.
        echoed: the question itself as the sentence, as a headline repeats it.
        titled: the title of the document before the window, if it is known.
        noisy: questions with a typing error, without a question mark, or reduced to key words.
        truth: claims asked as yes-or-no questions.
        corrupted: sentences with a changed number, name, negation, hedge, comparison or order, as claims on themselves.
        mined: sentences that the reader itself wrongly took for an answer, see mined.py.
        exchanged: the question with another plausible word, number or name, or reversed.
        composed: claims of several facts on several sentences; the quote does not say some of the facts.
        padded: claims whose quote has other sentences around it.
        listed: lists of the right sentence, others of its passage and sentences from `mined`; the loss is that of
            choosing among them, as in an answer.
    """

    neighbours: float = 0.5
    swapped: float = 0.4
    echoed: float = 0.03
    titled: float = 0.5
    noisy: float = 0.15
    truth: float = 0.25
    corrupted: float = 0.3
    mined: float = 1.0
    exchanged: float = 0.5
    composed: float = 0.35
    padded: float = 0.25
    listed: float = 1.0


PLAIN = Mix(
    neighbours=0.0, swapped=0.0, echoed=0.0, noisy=0.0, truth=0.0, corrupted=0.0,
    mined=0.0, exchanged=0.0, composed=0.0, padded=0.0, listed=0.0,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pools:
    """Replacements for parts of questions and claims, all from documents that are not held out.

    Attributes:
        names: names in questions.
        frames: words of questions, by the words around them.
        phrases: phrases at the end of sentences, by document.
        quotes: quotes of claims about the world.
    """

    names: Sequence[str] = ()
    frames: Frames = field(default_factory=dict)
    phrases: Mapping[str, Sequence[str]] = field(default_factory=dict)
    quotes: Sequence[str] = ()


EMPTY = Pools()


def records(file: Path) -> Iterator[Record]:
    """Yield the records of a gzip file of JSON lines."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def is_held(record: Record, among: int = HELD) -> bool:
    """Whether a record's document is held out, one in `among`. It depends only on its name: every run has the same."""
    return int(hashlib.sha256(str(record["group"]).encode()).hexdigest(), 16) % among == 0


def times(record: Record, seed: int) -> int:
    """Return how often a record is used, by the share of its source."""
    share = SHARES.get(str(record["source"]), 1.0)
    return int(share) + (_random(record, seed).random() < share % 1)


def _random(record: Record, seed: int) -> random.Random:
    texts = (record.get("question") or record["claim"], record.get("passage") or record["quote"])
    key = f"{seed}|{record['group']}|{'|'.join(texts)}"
    return random.Random(key)


# -- questions ----------------------------------------------------------------------------------------------


def pools(read: Sequence[Record], said: Sequence[Record], seed: int) -> Pools:
    """Return the pools made from records of questions and of claims."""
    names = list(dict.fromkeys(name for one in read for name in names_in(str(one["question"]))))
    random.Random(seed).shuffle(names)
    phrases: dict[str, dict[str, None]] = defaultdict(dict)
    for one in read:
        if one.get("cased") is not False:
            passage = str(one["passage"])
            for span in _sentences(passage):
                if phrase := tail(passage[span.start : span.end]):
                    phrases[str(one["group"])][phrase] = None
    quotes = [str(one["quote"]) for one in said if str(one["group"]).startswith("verdict/") and len(one["quote"]) < 300]
    return Pools(
        names[:NAMES],
        frames_of([str(one["question"]) for one in read if one["answerable"]]),
        {group: tuple(found) for group, found in phrases.items()},
        tuple(dict.fromkeys(quotes)),
    )


def readings(record: Record, mix: Mix, seed: int, pools: Pools = EMPTY) -> Iterator[Example]:
    """Yield the examples of a reader record."""
    dice = _random(record, seed + 1)
    passage, question = str(record["passage"]), str(record["question"])[:400]
    spans = [(span.start, span.end) for span in _sentences(passage)] or [(0, len(passage))]
    answers = [(int(one["start"]), int(one["end"])) for one in record["answers"]]
    asked = noisy(question, dice) if dice.random() < mix.noisy else question
    title = _title(record) if dice.random() < mix.titled else ""
    source = str(record["source"])
    if "target" in record:
        given = tuple(record["target"])
        if dice.random() < mix.mined and given in spans:
            yield reading(asked, passage, spans, given, title, 0.0, None, source, dice)
        return
    if not record["answerable"] or not answers:
        target = nearest_first(question, passage, spans)[0] if dice.random() < 0.7 else dice.choice(spans)
        yield reading(asked, passage, spans, target, title, 0.0, None, source, dice)
        return
    first = answers[0]
    target = next((span for span in spans if span[0] <= first[0] < span[1]), spans[0])
    marked = first if record["kind"] != "sentence" else None
    yield reading(asked, passage, spans, target, title, 1.0, marked, source, dice)
    silent = _silent(passage, spans, target, answers)
    if silent and dice.random() < mix.neighbours:
        yield reading(asked, passage, spans, dice.choice(silent), title, 0.0, None, f"{source}+neighbour", dice)
    if dice.random() < mix.swapped and (other := swapped(question, passage, pools.names, dice)):
        yield reading(other, passage, spans, target, title, 0.0, None, f"{source}+swapped", dice)
    if dice.random() < mix.echoed:
        text = question.rstrip("?") + dice.choice(["?", "", "."])
        yield reading(asked, text, [(0, len(text))], (0, len(text)), title, 0.0, None, f"{source}+echoed", dice)
    dice = _random(record, seed + 4)
    if dice.random() < mix.exchanged:
        sentence = passage[target[0] : target[1]]
        if other := exchanged(question, passage, sentence, pools.names, pools.frames, dice):
            yield reading(other, passage, spans, target, title, 0.0, None, f"{source}+exchanged", dice)


def listed(
    records: Sequence[Record], negatives: Sequence[Record], mix: Mix, seed: int
) -> Iterator[tuple[Example, ...]]:
    """Yield lists of examples, one list a question: first the sentence that answers, then sentences that do not.

    Args:
        records: of the reader.
        negatives: the records of `mined`.
        mix: the shares to make.
        seed: of all random choices.
    """
    wrong: dict[str, list[Record]] = defaultdict(list)
    for one in negatives:
        wrong[str(one["question"])].append(one)
    for number, record in enumerate(records):
        dice = _random(record, seed + 7)
        answers = [(int(one["start"]), int(one["end"])) for one in record["answers"]]
        if not record["answerable"] or not answers or dice.random() >= mix.listed:
            continue
        passage, question = str(record["passage"]), str(record["question"])[:400]
        spans = [(span.start, span.end) for span in _sentences(passage)]
        target = next((span for span in spans if span[0] <= answers[0][0] < span[1]), None)
        if target is None:
            continue
        asked = noisy(question, dice) if dice.random() < mix.noisy else question
        title = _title(record) if dice.random() < mix.titled else ""
        marked = answers[0] if record["kind"] != "sentence" else None
        source = str(record["source"])
        silent = _silent(passage, spans, target, answers)
        others = dice.sample(silent, min(len(silent), MOST_LISTED - 2))
        made = [reading(asked, passage, spans, target, title, 1.0, marked, source, dice)]
        made += [reading(asked, passage, spans, span, title, 0.0, None, source, dice) for span in others]
        for other in wrong[question][: MOST_LISTED - len(made)]:
            text, given = str(other["passage"]), tuple(other["target"])
            places = [(span.start, span.end) for span in _sentences(text)]
            if given in places:
                named = _title(other) if title else ""
                made.append(reading(asked, text, places, given, named, 0.0, None, source, dice))
        if len(made) > 1:
            yield tuple(replace(one, list=number) for one in made)


def _silent(
    passage: str, spans: Sequence[tuple[int, int]], target: tuple[int, int], answers: Sequence[tuple[int, int]]
) -> list[tuple[int, int]]:
    """The sentences other than `target` that hold no answer."""
    texts = {passage[start:end].lower() for start, end in answers}
    return [
        span
        for span in spans
        if span != target
        and not any(text in passage[span[0] : span[1]].lower() for text in texts)
        and not any(start < span[1] and span[0] < end for start, end in answers)
    ]


def reading(
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
    """Return a sentence of a passage in its context as tokens.

    Args:
        question: as typed.
        passage: the text.
        spans: its sentences, as offsets.
        target: the sentence that is read, one of them.
        title: before the window; "" for none.
        answers: 1.0 if the sentence answers, else 0.0.
        marked: the words that answer, as offsets into the passage.
        source: name of the data set.
        dice: chooses how many neighbours the window has.
    """
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


@cache
def _sentences(passage: str) -> tuple[Span, ...]:
    return tuple(sentences(passage))


@cache
def _inputs() -> Inputs:
    return Inputs()


def _title(record: Record) -> str:
    """The title of the document, if its group has one: "wikipedia/Victoria_and_Albert_Museum"."""
    kind, _, name = str(record["group"]).partition("/")
    return name.replace("_", " ") if kind == "wikipedia" else ""


def nearest_first(question: str, passage: str, spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The sentences, those that share the most words with the question first; a search would find these."""
    asked = set(re.findall(r"\w+", question.lower()))
    return sorted(spans, key=lambda span: -len(asked & set(re.findall(r"\w+", passage[span[0] : span[1]].lower()))))


_AUXILIARY = re.compile(
    r"^(?P<who>[^,;:()]{2,80}?) (?P<verb>is|was|are|were|has|have|had|can|could|will|would) (?P<rest>[^?]+?)\.?$"
)


def truth(record: Record, mix: Mix, seed: int) -> Iterator[Example]:
    """Yield a claim as a yes-or-no question; its quote answers if it supports or refutes the claim."""
    dice = _random(record, seed + 2)
    label = record["label"]
    if label == "unsupported" or not str(record["group"]).startswith("verdict/") or dice.random() >= mix.truth:
        return  # "verdict/": claims about the world; claims of other sets are about a picture or a talk
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
    yield reading(question, quote, [(0, len(quote))], (0, len(quote)), "", answers, None, "truth", dice)


# -- claims -------------------------------------------------------------------------------------------------


def claim(text: str, quote: str, label: int, source: str) -> Example:
    """Return a claim with its quote as tokens; a quote that is too long is cut."""
    made = _inputs().claim(text, quote)
    return Example(tuple(made.ids), tuple(made.types), None, label=label, source=source)


def claims(record: Record) -> Iterator[Example]:
    """Yield the example of a verifier record."""
    yield claim(str(record["claim"]), str(record["quote"]), LABELS[str(record["label"])], str(record["source"]))


def corrupted(record: Record, mix: Mix, seed: int, pools: Pools = EMPTY) -> Iterator[Example]:
    """Yield a sentence of a reader record's passage as a claim on itself: unchanged or with one thing changed."""
    dice = _random(record, seed + 3)
    passage = str(record["passage"])
    if record.get("cased") is False or dice.random() >= mix.corrupted:
        return
    spans = [(span.start, span.end) for span in _sentences(passage) if 40 <= span.end - span.start <= 300]
    if not spans:
        return
    start, end = dice.choice(spans)
    sentence = passage[start:end]
    quote = sentence if dice.random() < 0.6 else passage[max(0, start - 200) : end + 200]
    changes = [other_number(sentence, dice), other_name(sentence, quote, pools.names, dice), turned(sentence, dice)]
    changes += [negated(sentence, dice), surer(sentence, dice), opposed(sentence, dice)]
    made = [change for change in changes if change]
    if made and dice.random() < 0.75:
        text, label = dice.choice(made)
        yield claim(text, quote, label, "corrupted")
    else:
        yield claim(shortened(sentence, dice), quote, SUPPORTED, "kept")


def composed(record: Record, mix: Mix, seed: int, pools: Pools = EMPTY) -> Iterator[Example]:
    """Yield a claim of one or two facts on a reader record's passage, which says both or lacks one."""
    dice = _random(record, seed + 5)
    passage = str(record["passage"])
    if record.get("cased") is False or dice.random() >= mix.composed:
        return
    said = [passage[span.start : span.end] for span in _sentences(passage) if 30 <= span.end - span.start <= 220]
    if not said:
        return
    sentence = dice.choice(said)
    quote = sentence if dice.random() < 0.5 else passage[:800]
    phrases, own = pools.phrases.get(str(record["group"]), ()), tail(sentence)
    kind = dice.random()
    if kind < 0.3 and (made := longer(sentence, passage, phrases, dice)):
        yield claim(made[0], quote, made[1], "composed")
    elif kind < 0.5 and own:
        yield claim(sentence, f"{sentence[: len(sentence) - 1 - len(own)]}.", NOT_SAID, "composed")
    elif kind < 0.65 and own:
        yield claim(f"{sentence[: len(sentence) - 1 - len(own)]}.", quote, SUPPORTED, "composed")
    elif len(said) > 1:
        one, other = dice.sample(said, 2)
        changes = [other_number(other, dice), other_name(other, passage, pools.names, dice), opposed(other, dice)]
        changes += [longer(other, passage, phrases, dice), surer(other, dice)]
        made_of = [change for change in changes if change]
        text, label = dice.choice(made_of) if made_of and dice.random() < 0.6 else (other, SUPPORTED)
        both = [one, text] if dice.random() < 0.5 else [text, one]
        if label == SUPPORTED and dice.random() < 0.3:
            yield claim(" ".join(both), one, NOT_SAID, "composed")
        else:
            yield claim(" ".join(both), passage[:800], label, "composed")


def padded(record: Record, mix: Mix, seed: int, pools: Pools = EMPTY) -> Iterator[Example]:
    """Yield a claim about the world with quotes of other claims before or after its quote."""
    dice = _random(record, seed + 6)
    quote = str(record["quote"])
    if not str(record["group"]).startswith("verdict/") or len(quote) > 300 or dice.random() >= mix.padded:
        return
    parts = [dice.choice(pools.quotes), quote]
    if dice.random() < 0.5:
        parts.reverse()
    text = " ".join(part.strip() for part in parts)
    yield claim(str(record["claim"]), text, LABELS[str(record["label"])], f"{record['source']}+padded")


def shuffled(source: Sequence[T], seed: int) -> list[T]:
    """Return the examples in an order that depends only on the seed."""
    order = list(source)
    random.Random(seed).shuffle(order)
    return order
