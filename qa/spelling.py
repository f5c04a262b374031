"""Spelling correction of a question: "who is teh presidant" becomes "who is the president".

Uses word frequencies of the articles and of English, and the edit distance. Unknown names stay as typed, so that no
question becomes one about somebody else.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from threading import Lock
from unicodedata import combining, normalize
from weakref import WeakKeyDictionary

import Stemmer
from rapidfuzz.distance import OSA
from rapidfuzz.process import extract

from citewire.index.store import Index
from citewire.qa import analysis

_SHORT = 3  # a word of at most this many letters is corrected only for swapped letters or a missing one
_LEFT_OUT = 6  # fewest letters of a name that may lack one letter: "Buatti"
_REPLACED = 7  # fewest letters of a word with one wrong letter, unless its neighbours fit: "ikea" is not "idea"
_LONG = 10  # fewest letters of a word that may have two errors, or of a name that may have one
_COMMON = 1e-4  # a word this frequent in English may replace a typed one even if no article has it: "the"
_USUAL = 1e-6  # the same for a word that English has beside the same neighbours
_LARGE = 200_000  # if the articles have this many words, a word that occurs only once replaces no other
_MOST = 0.25  # nothing is corrected if a larger share of the question's words is unknown without a correction

_WORD = re.compile(r"[^\W\d_]+")
_JOINED = re.compile(r"([^\W\d_]+)['’]([^\W\d_]+)")  # "Lund's", which people also type as "lunds"
_HYPHENED = re.compile(r"(?<![\w-])[^\W\d_]+-[^\W\d_]+(?![\w-])")  # "wi-fi", which people also type as "wifi"
_LEFT_OUT_MARK = re.compile(r"\b(what|who|where|when|how|that)(s)\b", re.IGNORECASE)  # "whats"
_TYPED = re.compile(r"(?<![\w@#/.$])[^\W\d_]+(?![\w@/]|\.\w|://)")  # not part of an address or of "q3"

_stem = Stemmer.Stemmer("english").stemWord
_lock = Lock()  # so that two questions at the same time do not both count
_counted: WeakKeyDictionary[Index, _Words] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class _Words:
    """Lower-case words: counts in the articles, relative frequencies, and all words by length.

    A word of the articles replaces others if it occurs at least `least` times. `hyphened`: by the word without hyphen.
    """

    articles: Mapping[str, int]
    hyphened: Mapping[str, str]
    least: int
    shares: Mapping[str, float]
    by_length: Mapping[int, Sequence[str]]


@dataclass(frozen=True, slots=True)
class _Typed:
    """A word of a question in lower case, its offsets, and the words before and after it ("" if none).

    `opening`: it begins a sentence; `named`: it has a capital; `fixed`: it is never replaced.
    """

    word: str
    start: int
    end: int
    before: str
    after: str
    opening: bool
    named: bool
    fixed: bool


def corrected(question: str, index: Index) -> str:
    """Return the question with its typing errors corrected; everything else stays exactly as typed.

    Only words that are neither English nor in the articles are replaced, by the word at the least edit distance; ties
    go to the word that is usual beside the neighbours, then to the most frequent. Unknown names, figures, addresses and
    questions with many unknown words stay. The articles are read once, at the first unknown word.

    Raises:
        IndexFormatError: the index is damaged.
        ModelError: the English pipeline is missing or damaged.
    """
    question = _LEFT_OUT_MARK.sub(r"\1'\2", question)
    typed = _words_of(question)
    strange = [word for word in typed if not word.fixed and not _is_english(word.word)]
    if not strange:
        return question
    words = _words(index)
    strange = [word for word in strange if not _is_known(word.word, words)]
    meant = [_meant(word, words) for word in strange]
    if sum(word.word == now for word, now in zip(strange, meant, strict=True)) > _MOST * len(typed):
        return question
    for word, now in zip(reversed(strange), reversed(meant), strict=True):
        question = question[: word.start] + _cased(now, question[word.start : word.end]) + question[word.end :]
    return question


def _words_of(question: str) -> list[_Typed]:
    """Return the words of a question that could have typing errors, in order."""
    found = list(_TYPED.finditer(question))
    around = ["", *(match.group().lower() for match in found), ""]
    shouted = question.isupper()
    typed = []
    for match, before, after in zip(found, around, around[2:], strict=False):
        word, ahead = match.group(), question[: match.start()].rstrip(" \"'“‘([")
        fixed = not word.isascii() or not (shouted or word.islower() or word.istitle())
        named = not shouted and not word.islower()
        opening = not ahead or ahead[-1] in ".?!:"
        typed.append(_Typed(word.lower(), match.start(), match.end(), before, after, opening, named, fixed))
    return typed


def _is_english(word: str) -> bool:
    return word in _english() or (len(word) > _SHORT and analysis.knows_name(word))


def _is_known(word: str, words: _Words) -> bool:
    """Return whether a word is in the articles, or an inflection of a word in them or in English."""
    if word in words.articles:
        return True
    shorter = (word[:-cut] for cut in range(1, min(len(word) - _SHORT, 4)))
    return any(base in words.shares and _stem(base) == _stem(word) for base in shorter)


def _meant(typed: _Typed, words: _Words) -> str:
    """Return the word that is meant, or the typed one if no candidate fits."""
    if typed.word in words.hyphened:
        return words.hyphened[typed.word]

    def likelihood(near: tuple[str, int]) -> tuple[int, bool, bool, bool, bool, int, float, str]:
        """A sort key, higher for likelier words: letters are swapped, then doubled or not, most often."""
        meant, distance = near
        exchanged = _exchanged(typed, meant)
        single = _doubled(meant, typed.word) or _doubled(typed.word, meant)  # "recal", "reall"
        slips = exchanged, exchanged or typed.word[0] == meant[0], single, len(typed.word) != len(meant)
        return -distance, *slips, _pairs(typed, meant), words.shares[meant], meant

    near = (one for one in _near(typed, words) if _may_be(typed, one[0], words))
    return max(near, key=likelihood, default=(typed.word, 0))[0]


def _exchanged(typed: _Typed, meant: str) -> bool:
    return sorted(typed.word) == sorted(meant)


def _near(typed: _Typed, words: _Words) -> Iterator[tuple[str, int]]:
    """Yield (word, distance) of near words, by optimal string alignment: swapped neighbours have distance 1."""
    length = len(typed.word)
    most = 2 if length >= _LONG and not typed.named else 1
    for other in range(length - most, length + most + 1):
        for meant, distance, _ in extract(
            typed.word, words.by_length.get(other, ()), scorer=OSA.distance, score_cutoff=most, limit=None
        ):
            yield meant, int(distance)


def _may_be(typed: _Typed, meant: str, words: _Words) -> bool:
    """Return whether a word is a plausible and frequent enough correction of the typed one."""
    word, share = typed.word, words.shares[meant]
    exchanged, left_out = _exchanged(typed, meant), len(meant) > len(word)
    beside = _pairs(typed, meant) > 0
    common = share >= _COMMON
    told = words.articles.get(meant, 0) >= words.least
    if len(word) <= _SHORT:
        left_out = left_out and len(word) == _SHORT
        return (exchanged or left_out) and common and beside and (typed.opening or not typed.named)
    if typed.named and len(word) < _LONG and not (typed.opening and common):
        slipped = exchanged or _doubled(word, meant) or (left_out and len(word) >= _LEFT_OUT)
        return told and slipped and word[0] == meant[0]
    if not beside and not exchanged and len(word) == len(meant) < _REPLACED:
        return False
    if word[0] != meant[0] and not exchanged:
        return beside and not typed.named
    return common or (beside and share >= _USUAL) or told


def _doubled(word: str, meant: str) -> bool:
    """Return whether a word only repeats one letter of the word that is meant."""
    return any(word[:at] + word[at + 1 :] == meant and word[at] == word[at + 1] for at in range(len(word) - 1))


def _cased(meant: str, typed: str) -> str:
    if typed.isupper() and len(typed) > 1:
        return meant.upper()
    return meant.capitalize() if typed[0].isupper() else meant


def _words(index: Index) -> _Words:
    with _lock:
        found = _counted.get(index)
        if found is None:
            found = _counted[index] = _count(index)
        return found


def _count(index: Index) -> _Words:
    """Count the words of all articles: 1 s for 5,000."""
    spaced: Counter[str] = Counter()
    for text in index.texts():
        spaced.update(text.split())
    articles: Counter[str] = Counter()
    hyphened: dict[str, str] = {}
    for piece, count in spaced.items():
        plain = piece.lower() if piece.isascii() else _plain(piece.lower())
        for word in _WORD.findall(plain):
            articles[word] += count
        for first, second in _JOINED.findall(plain):
            articles[first + second] += count
        for word in _HYPHENED.findall(plain):
            hyphened[word.replace("-", "")] = word
    english = _english()
    all_articles, all_english = max(articles.total(), 1), sum(english.values())
    shares = {word: count / all_english for word, count in english.items()}
    for word, count in articles.items():
        shares[word] = shares.get(word, 0.0) + count / all_articles
    by_length: dict[int, list[str]] = defaultdict(list)
    for word in shares:
        by_length[len(word)].append(word)
    return _Words(articles, hyphened, 2 if articles.total() >= _LARGE else 1, shares, by_length)


def _plain(text: str) -> str:
    """Return the text without accents, like the words of the index."""
    return "".join(letter for letter in normalize("NFKD", text) if not combining(letter))


@cache
def _english() -> Mapping[str, int]:
    """Counts of the 80,000 most frequent English words."""
    return {word: int(count) for word, count in map(str.split, _lines("frequency_dictionary_en_82_765.txt"))}


@cache
def _english_pairs() -> Mapping[str, int]:
    """Counts of the 240,000 most frequent English word pairs."""
    parted = (line.rpartition(" ") for line in _lines("frequency_bigramdictionary_en_243_342.txt"))
    return {pair: int(count) for pair, _, count in parted}


def _pairs(typed: _Typed, meant: str) -> int:
    """Return how often English has a word beside the neighbours of a typed one."""
    pairs = _english_pairs()
    return pairs.get(f"{typed.before} {meant}", 0) + pairs.get(f"{meant} {typed.after}", 0)


def _lines(name: str) -> list[str]:
    return (files("symspellpy") / name).read_text(encoding="utf-8-sig").splitlines()
