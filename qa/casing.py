"""A question typed in lower case, with its names as the passages found for it spell them.

Names are told by their capitals everywhere else; people leave these out when they type. Knows no question words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from citewire.qa import facts

_CAPITAL_INSIDE = re.compile(r"(?<!^)(?=\w)[^\W\d_a-z]")


def has_names(question: str) -> bool:
    """Return whether the question has a capital letter that does not only begin it."""
    return bool(_CAPITAL_INSIDE.search(question))


def cased(question: str, passages: Iterable[str]) -> str:
    """Return the question with capitals where the passages have them; unchanged where it has some of its own.

    A name that the passages also write without capitals ("bitcoin") is left as it was typed.

    >>> cased("who founded lund lines?", ["The shipping firm Lund Lines was founded by Ana Ruiz."])
    'who founded Lund Lines?'
    """
    if has_names(question):
        return question
    texts = list(passages)
    known = facts.name_words(texts)
    written = {word for text in texts for word in re.findall(r"[^\W\d_]+", text) if word.islower()}
    names = {name for text in texts for name in facts.names(text, known)}
    names |= {word for name in names for word in name.split()}
    for name in sorted(names, key=lambda name: (-len(name), name)):
        words = [word.lower() for word in re.findall(r"[^\W\d_]+", name)]
        if words and not all(word in written or word in facts.STOP_WORDS for word in words):
            question = re.sub(rf"(?<![\w-]){re.escape(name.lower())}(?![\w-])", name, question)
    return question
