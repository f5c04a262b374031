"""Change one thing in a question or a sentence, so that its passage no longer answers or says it.

Works on words only. A capital letter marks a name. Two words that occur between the same two words are exchangeable.
All random choices come from the given `random.Random`.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
from network import NOT_SAID, REFUTED, UNSUPPORTED
from numpy.typing import NDArray
from safetensors import safe_open
from tokenizers import Tokenizer

from citewire.index.embed import default_folder

_NAME = re.compile(r"(?<!^)(?<![.?!] )\b[A-Z][\w'-]+(?: (?:of |the )?[A-Z][\w'-]+)*")
_YEAR = re.compile(r"\b(?:1[5-9]|20)\d\d\b")


def names_in(question: str) -> list[str]:
    """Return the probable names of a text: capitalised words after its first word."""
    return _NAME.findall(question)


# -- questions --------------------------------------------------------------------------------------------------


def swapped(question: str, passage: str, pool: Sequence[str], dice: random.Random) -> str:
    """The question with one name or year exchanged; "" if it has none that the passage has too."""
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


def noisy(question: str, dice: random.Random) -> str:
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


# -- claims -----------------------------------------------------------------------------------------------------

_NUMBER = re.compile(r"\b\d+(?:[.,]\d+)*\b")
_NEGATABLE = re.compile(r"\b(is|was|are|were|has|have|had|can|could|will|would|did|does|do|may|should)\b(?! not)")


def other_number(sentence: str, dice: random.Random) -> tuple[str, int] | None:
    """The sentence with one digit of a number changed."""
    numbers = _NUMBER.findall(sentence)
    if not numbers:
        return None
    number = dice.choice(numbers)
    digits = [at for at, character in enumerate(number) if character.isdigit()]
    at = dice.choice(digits)
    other = number[:at] + str((int(number[at]) + dice.randint(1, 8)) % 10) + number[at + 1 :]
    return (re.sub(rf"\b{re.escape(number)}\b", other, sentence, count=1), REFUTED)


def other_name(sentence: str, quote: str, pool: Sequence[str], dice: random.Random) -> tuple[str, int] | None:
    """The sentence with a name replaced by another name of the quote, or of the pool."""
    names = names_in(sentence)
    if not names or not pool:
        return None
    near = [name for name in names_in(quote) if name not in sentence]
    name, other = dice.choice(names), dice.choice(near) if near and dice.random() < 0.5 else dice.choice(pool)
    return None if other in sentence else (sentence.replace(name, other), UNSUPPORTED)


def turned(sentence: str, dice: random.Random) -> tuple[str, int] | None:
    """The sentence with two names exchanged."""
    names = list(dict.fromkeys(names_in(sentence)))
    if len(names) < 2:
        return None
    one, other = dice.sample(names, 2)
    if one in other or other in one:
        return None
    held = sentence.replace(one, "\0")
    return held.replace(other, one).replace("\0", other), UNSUPPORTED


def negated(sentence: str, dice: random.Random) -> tuple[str, int] | None:
    """The sentence with the word "not" added or removed."""
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


def surer(sentence: str, dice: random.Random) -> tuple[str, int] | None:
    """The sentence with a possibility, plan or hope stated as a fact."""
    found = list(_HEDGE.finditer(sentence))
    if not found:
        return None
    one = dice.choice(found)
    return f"{sentence[: one.start()]}will{sentence[one.end() :]}", NOT_SAID


def opposed(sentence: str, dice: random.Random) -> tuple[str, int] | None:
    """The sentence with a comparison or a direction reversed."""
    pairs = [(a, b) for pair in _OPPOSED for a, b in (pair, pair[::-1])]
    found = [(a, b) for a, b in pairs if re.search(rf"\b{a}\b", sentence)]
    if not found:
        return None
    one, other = dice.choice(found)
    return re.sub(rf"\b{one}\b", other, sentence, count=1), REFUTED


def shortened(sentence: str, dice: random.Random) -> str:
    """The sentence, sometimes without the text in brackets or between commas."""
    if dice.random() < 0.5:
        return sentence
    return re.sub(r" ?\([^)]*\)", "", re.sub(r", which [^,]+,", "", sentence))


# -- questions with a word exchanged ----------------------------------------------------------------------------

Frames = Mapping[tuple[str, str], Sequence[str]]
_WORD = re.compile(r"[A-Za-z][\w'-]*|\d[\d.,]*|[^\w\s]")
_COMMON = 4  # least letters of a word with a meaning of its own
_NEAR, _ALIKE = (
    0.2,
    0.45,
)  # cosines of two words: same field from the first on; possibly the same meaning from the second on
_TURNED = (
    ("more", "less"), ("most", "least"), ("higher", "lower"), ("highest", "lowest"), ("larger", "smaller"),
    ("largest", "smallest"), ("biggest", "smallest"), ("longest", "shortest"), ("oldest", "youngest"),
    ("earliest", "latest"), ("best", "worst"), ("first", "last"), ("before", "after"), ("early", "late"),
    ("increase", "decrease"), ("increased", "decreased"), ("rise", "fall"), ("rose", "fell"), ("gain", "lose"),
    ("gained", "lost"), ("win", "lose"), ("won", "lost"), ("buy", "sell"), ("bought", "sold"), ("opened", "closed"),
    ("began", "ended"), ("begin", "end"), ("start", "stop"), ("started", "stopped"), ("support", "oppose"),
    ("supported", "opposed"), ("accept", "reject"), ("accepted", "rejected"), ("allowed", "banned"),
    ("agreed", "refused"), ("joined", "left"), ("hired", "dismissed"), ("born", "buried"), ("married", "divorced"),
    ("major", "minor"), ("maximum", "minimum"), ("positive", "negative"), ("public", "private"), ("male", "female"),
    ("north", "south"), ("northern", "southern"), ("east", "west"), ("eastern", "western"), ("inside", "outside"),
    ("above", "below"), ("import", "export"), ("victory", "defeat"), ("success", "failure"), ("modern", "ancient"),
)  # fmt: skip


def frames_of(questions: Sequence[str]) -> Frames:
    """Return the words of questions by the two words around them; words in one frame can replace each other."""
    found: dict[tuple[str, str], dict[str, None]] = {}
    for question in questions:
        words = _WORD.findall(question)
        for before, word, after in zip(words, words[1:], words[2:], strict=False):
            if _exchangeable(word):
                found.setdefault((before.lower(), after.lower()), {})[word] = None
    return {frame: tuple(words) for frame, words in found.items() if len(words) > 1}


def exchanged(
    question: str, passage: str, sentence: str, names: Sequence[str], frames: Frames, dice: random.Random
) -> str:
    """The question with one thing changed that the passage does not say; "" if nothing can be changed."""
    lowered = passage.lower()
    makers = (
        lambda: _framed(question, lowered, sentence.lower(), frames, dice),
        lambda: _own_name(question, passage, sentence, dice),
        lambda: _other_figure(question, lowered, dice),
        lambda: _round(question, dice),
        lambda: swapped(question, passage, names, dice),
        lambda: (negated(question, dice) or ("", 0))[0] if dice.random() < 0.2 else "",
    )
    made = [text for make in makers if (text := make())]
    return dice.choice(made) if made else ""


def _exchangeable(word: str) -> bool:
    return len(word) >= _COMMON and word.isalpha() and word.islower()


def _framed(question: str, passage: str, sentence: str, frames: Frames, dice: random.Random) -> str:
    """The question with another word of the same field and frame: "the mayor of" for "the president of"."""
    words = list(_WORD.finditer(question))
    places = [
        (one, others)
        for before, one, after in zip(words, words[1:], words[2:], strict=False)
        if _exchangeable(one[0])
        and one[0][:_COMMON] in sentence
        and (others := frames.get((before[0].lower(), after[0].lower())))
    ]
    if not places:
        return ""
    one, others = dice.choice(places)
    for other in dice.sample(others, min(60, len(others))):
        near = _NEAR < _likeness(one[0], other) < _ALIKE
        if near and other[:_COMMON] not in passage and other not in question:
            return question[: one.start()] + other + question[one.end() :]
    return ""


def _own_name(question: str, passage: str, sentence: str, dice: random.Random) -> str:
    """The question with a name of the sentence replaced by another name of the passage."""
    mine = [name for name in names_in(question) if name in sentence]
    others = [name for name in dict.fromkeys(names_in(passage)) if name not in sentence and name not in question]
    return question.replace(dice.choice(mine), dice.choice(others)) if mine and others else ""


def _other_figure(question: str, passage: str, dice: random.Random) -> str:
    found = other_number(question, dice)
    if not found:
        return ""
    figures = set(_NUMBER.findall(found[0])) - set(_NUMBER.findall(question))
    return "" if any(figure in passage for figure in figures) else found[0]


def _round(question: str, dice: random.Random) -> str:
    """The question with a comparison, a direction or a verb reversed."""
    pairs = [(a, b) for pair in _TURNED for a, b in (pair, pair[::-1])]
    found = [(a, b) for a, b in pairs if re.search(rf"\b{a}\b", question)]
    if not found:
        return ""
    one, other = dice.choice(found)
    return re.sub(rf"\b{one}\b", other, question, count=1)


def _likeness(one: str, other: str) -> float:
    """The cosine of two words; 1 for forms of one word."""
    return 1.0 if one[:_COMMON] == other[:_COMMON] else float(_vector(one) @ _vector(other))


@cache
def _vector(word: str) -> NDArray[np.float32]:
    """The mean of a word's published embeddings, normalised to length 1."""
    rows = _embeddings()[_tokenizer().encode(word, add_special_tokens=False).ids].mean(axis=0)
    found: NDArray[np.float32] = rows / np.linalg.norm(rows)
    return found


@cache
def _tokenizer() -> Tokenizer:
    found = Tokenizer.from_file(str(default_folder() / "tokenizer.json"))
    found.no_padding()
    return found


@cache
def _embeddings() -> NDArray[np.float32]:
    with safe_open(default_folder() / "model.safetensors", framework="numpy") as file:
        table: NDArray[np.float32] = file.get_tensor("embeddings.word_embeddings.weight")
    return table - table.mean(axis=0)


# -- claims that say more than their quote ----------------------------------------------------------------------

_TAIL = re.compile(
    r",? (?:in|at|by|for|with|from|after|before|during|because of|due to|despite|without|under|through|as part of) "
    r"[^,.;:()?]{6,70}(?=\.$)"
)


def tail(sentence: str) -> str:
    """Return the phrase at the end of a sentence, such as ", by the end of the year" or " in Paris"; "" without one."""
    found = list(_TAIL.finditer(sentence))
    return found[-1][0] if found else ""


def longer(sentence: str, quote: str, phrases: Sequence[str], dice: random.Random) -> tuple[str, int] | None:
    """The sentence with an end phrase of another passage of its document, added or in the place of its own."""
    others = [phrase for phrase in phrases if phrase.strip(" ,") not in quote]
    if not others or not sentence.endswith("."):
        return None
    own = tail(sentence) if dice.random() < 0.5 else ""
    return f"{sentence[: len(sentence) - 1 - len(own)]}{dice.choice(others)}.", UNSUPPORTED
