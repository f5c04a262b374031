"""Capitals for a question that was typed without them, as the articles write its words: "who is peter lund".

Grammar and names are read from capitals, which people leave out. A word is written as it most often is beside the same
neighbour, else as it nearly always is (truecasing after Lita et al., "tRuEcasIng", ACL 2003). Knows no meanings.
"""

from __future__ import annotations

import re
from calendar import day_name, month_name
from collections import Counter, defaultdict
from collections.abc import Iterable

from citewire.qa.facts import STOP_WORDS

_CALENDAR = frozenset(name.lower() for name in (*month_name, *day_name) if name)
_WORDS = ("may", "march")  # months beside a number only
_LETTERS = re.compile(r"[^\W_]+")
_MOSTLY, _NEARLY = 0.5, 0.8  # a form has more than this share: beside the same neighbour, and elsewhere
_HEADLINE = 0.5  # a sentence with more capitals than this share of its words is a headline, and tells nothing


def cased(question: str, sentences: Iterable[str]) -> str:
    """Return the question with the capitals that its words have in the sentences; one typed with capitals as it is.

    >>> cased("did peter lund sell it?", ["Today Peter Lund sold the mill."])
    'did Peter Lund sell it?'
    """
    if any(letter.isupper() for letter in question[1:]):
        return question
    typed = list(_LETTERS.finditer(question))
    alone: defaultdict[str, Counter[str]] = defaultdict(Counter)
    pairs: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)  # of the word with the blank
    for words in map(_LETTERS.findall, sentences):
        if sum(word[0].isupper() for word in words) > _HEADLINE * len(words):
            continue
        lower = ["", *(word.lower() for word in words), ""]
        plain = {word for word in words if word in STOP_WORDS}  # beside these a word is as anywhere
        for at, (before, word, after) in enumerate(zip(lower, lower[1:], lower[2:], strict=False)):
            if at == 0 and (word in STOP_WORDS or not words[1:] or words[1].islower()):
                continue  # the first word may have its capital for no other reason
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
        sure = sure and bool(beside or word not in STOP_WORDS)  # "us" of "us open", but not "who"
        if word in _CALENDAR and (word not in _WORDS or before.isdigit() or after.isdigit()):
            form, sure = word.title(), True
        if sure:
            question = question[: typed[at].start()] + form + question[typed[at].end() :]
    return question
