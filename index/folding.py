"""A text -> the words that a search compares: without ligatures, invisible characters and hyphens at line ends.

Knows compatibility forms of Unicode. What is shown and quoted stays as it stands; only what is searched is folded.
"""

from __future__ import annotations

import re
import unicodedata

from citewire.index.documents import visible
from citewire.index.hyphens import HALVES, joined

_FRACTION = re.compile(r"(?<=\d)(?=[\u00bc-\u00be\u2150-\u215e\u2189])")  # 10½ is 10 and 1/2, not 101/2
_JOINERS = re.compile("[\u200c\u200d]")


class _Forms(dict[int, str]):
    """What each character is folded to, by its code point, worked out when it is first met."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        form = unicodedata.decomposition(character)
        plain = unicodedata.normalize("NFKC", character).replace("\u2044", "/")
        raised = plain.isdigit() and form.startswith(("<super>", "<sub>"))  # of notes and of units: m² is no m2
        self[code] = plain if form.startswith("<") and not raised else character
        return self[code]


_FORMS = _Forms()


def folded(text: str) -> str:
    r"""Return the words of `text` as they are searched; white space single.

    >>> folded("The ﬁnance min-\nister of the inter-\nnational ﬂeet")
    'The finance minister of the international fleet'
    """
    if "\n" in text:
        text = HALVES.sub(lambda halves: joined(halves[1], halves[2]), text)
    if not text.isascii():
        text = _JOINERS.sub("", visible(_FRACTION.sub(" ", text))).translate(_FORMS)
        text = unicodedata.normalize("NFC", text)  # "é" is also written as "e" and an accent
    return " ".join(text.split())
