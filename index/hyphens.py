"""The two halves of a word that was broken at the end of a line -> the word, with or without its hyphen.

The hyphen either comes from the line break ("inter-" "national") or belongs to the word ("well-" "known").
symspellpy's list of English words decides.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cache
from importlib.resources import files

# The two halves of a word that is broken at the end of a line.
HALVES = re.compile(r"(?<![^\W\d_])([^\W\d_]++)[-\u00ad\u2010][^\S\n]*+\n[^\S\n]*+([^\W\d_]++)")


def joined(before: str, after: str, seen: Collection[str] = frozenset()) -> str:
    """Return the word that two halves form.

    Args:
        before: the half before the hyphen.
        after: the half after it.
        seen: other words of the same text in lower case, hyphens included; a form that occurs there is preferred.

    >>> joined("inter", "national"), joined("well", "known"), joined("Ky", "iv"), joined("ex", "Soviet")
    ('international', 'well-known', 'Kyiv', 'ex-Soviet')
    """
    whole, kept = (before + after).lower(), f"{before}-{after}".lower()
    if whole in seen or kept in seen:
        return before + after if whole in seen else f"{before}-{after}"
    if after[:1].isupper() or before[-1:].isdigit() or after[:1].isdigit():
        return f"{before}-{after}"
    if whole in _words() or not (before.lower() in _words() and after.lower() in _words()):
        return before + after
    return f"{before}-{after}"


@cache
def _words() -> frozenset[str]:
    text = (files("symspellpy") / "frequency_dictionary_en_82_765.txt").read_text(encoding="utf-8-sig")
    return frozenset(word for line in text.splitlines() if len(word := line.partition(" ")[0]) > 2)
