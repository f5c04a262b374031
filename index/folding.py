"""A text -> the form that is searched: without ligatures, invisible characters and hyphens at line ends.

Only the searched text is folded; the text that is shown and quoted does not change.
"""

from __future__ import annotations

import re
import unicodedata

from citewire.index.documents import visible
from citewire.index.hyphens import HALVES, joined

_FRACTION = re.compile(r"(?<=\d)(?=[\u00bc-\u00be\u2150-\u215e\u2189])")  # 10½ is 10 and 1/2, not 101/2
_JOINERS = re.compile("[\u200c\u200d]")


class _Forms(dict[int, str]):
    """Code point -> folded character, computed on first use."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        form = unicodedata.decomposition(character)
        plain = unicodedata.normalize("NFKC", character).replace("\u2044", "/")
        raised = plain.isdigit() and form.startswith(("<super>", "<sub>"))  # footnote marks and units: m² is not m2
        self[code] = plain if form.startswith("<") and not raised else character
        return self[code]


_FORMS = _Forms()


def folded(text: str) -> str:
    r"""Return `text` as it is searched, with runs of white space as one blank.

    >>> folded("The ﬁnance min-\nister of the inter-\nnational ﬂeet")
    'The finance minister of the international fleet'
    """
    if "\n" in text:
        text = HALVES.sub(lambda halves: joined(halves[1], halves[2]), text)
    if not text.isascii():
        text = _JOINERS.sub("", visible(_FRACTION.sub(" ", text))).translate(_FORMS)
        text = unicodedata.normalize("NFC", text)  # "é" may be encoded as "e" and a combining accent
    return " ".join(text.split())
