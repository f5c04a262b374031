"""Two halves of a word at the end of a line -> the word, with its hyphen or without.

Knows the English words of symspellpy's list. A hyphen at a line's end was set by the type-setter ("inter-" "national"),
or is of the word ("well-" "known").
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cache
from importlib.resources import files

# A word that an editor broke at the end of a line.
HALVES = re.compile(r"(?<![^\W\d_])([^\W\d_]++)[-\u00ad\u2010][^\S\n]*+\n[^\S\n]*+([^\W\d_]++)")


def joined(before: str, after: str, seen: Collection[str] = frozenset()) -> str:
    """Return the word of two halves.

    Args:
        before: what is before the hyphen: a word or its first half.
        after: what is after it, until the word ends.
        seen: words in small letters that are in the same text, hyphens in them kept.

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
