"""Truecasing: restore the capitals of a question typed without them, such as "who is peter lund".

The parser needs capitals, which people leave out. A word gets its most frequent form beside the same neighbour in the
articles, else the form that it nearly always has (after Lita et al., "tRuEcasIng", ACL 2003).
"""

from __future__ import annotations

import re
from calendar import day_name, month_name
from collections import Counter, defaultdict
from collections.abc import Iterable

from citewire.qa.facts import STOP_WORDS

_CALENDAR = frozenset(name.lower() for name in (*month_name, *day_name) if name)
_WORDS = ("may", "march")  # months only beside a number
_LETTERS = re.compile(r"[^\W_]+")
_MOSTLY, _NEARLY = 0.5, 0.8  # a form needs more than this share: beside the same neighbour, and elsewhere
_HEADLINE = 0.5  # a sentence in which more than this share of the words has a capital is a headline and is skipped


def cased(question: str, sentences: Iterable[str]) -> str:
    """Return the question with the capitals that its words have in the sentences; unchanged if typed with capitals.

    >>> cased("did peter lund sell it?", ["Today Peter Lund sold the mill."])
    'did Peter Lund sell it?'
    """
    if any(letter.isupper() for letter in question[1:]):
        return question
    typed = list(_LETTERS.finditer(question))
    alone: defaultdict[str, Counter[str]] = defaultdict(Counter)
    pairs: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)  # the blank marks the word that is counted
    for words in map(_LETTERS.findall, sentences):
        if sum(word[0].isupper() for word in words) > _HEADLINE * len(words):
            continue
        lower = ["", *(word.lower() for word in words), ""]
        plain = {word for word in words if word in STOP_WORDS}  # neighbours that say nothing about a word
        for at, (before, word, after) in enumerate(zip(lower, lower[1:], lower[2:], strict=False)):
            if at == 0 and (word in STOP_WORDS or not words[1:] or words[1].islower()):
                continue  # the first word of a sentence has a capital anyway
            alone[word][words[at]] += 1
            for pair, beside in (((before, f" {word}"), before), ((f"{word} ", after), after)):
                if beside not in plain:
                    pairs[pair][words[at]] += 1
    given = ["", *(match.group().lower() for match in typed), ""]
    for at in reversed(range(len(typed))):
        before, word, after = given[at : at + 3]
        beside = pairs[before, f" {word}"] + pairs[f"{word} ", after]
        forms = beside or alone[word]
        form, times = next(iter(forms.most_common(1)), (word, 0))
        sure = times > (_MOSTLY if beside else _NEARLY) * forms.total()
        sure = sure and bool(beside or word not in STOP_WORDS)  # a stop word needs a neighbour: "us open"
        if word in _CALENDAR and (word not in _WORDS or before.isdigit() or after.isdigit()):
            form, sure = word.title(), True
        if sure:
            question = question[: typed[at].start()] + form + question[typed[at].end() :]
    return question
