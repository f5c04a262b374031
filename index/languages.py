"""A text -> its language, if that is clear.

The only importer of py3langid, a naive Bayes classifier over byte n-grams of 140 languages. Lui and Baldwin,
"langid.py: An Off-the-shelf Language Identification Tool", ACL 2012.
"""

from __future__ import annotations

from functools import cache
from typing import Any

ENGLISH = "English"
CHARACTERS = 3_000  # characters at the start of a text that are classified
FEWEST_WORDS = 8  # an ASCII text with fewer words, such as a list of names, is not classified
SURE = 0.9  # least probability of a language, or of the top two together; misnames none of 482 English news articles

_NAMES = {
    "ar": "Arabic", "bg": "Bulgarian", "bn": "Bengali", "ca": "Catalan", "cs": "Czech", "da": "Danish", "de": "German",
    "el": "Greek", "en": ENGLISH, "es": "Spanish", "et": "Estonian", "fa": "Persian", "fi": "Finnish", "fr": "French",
    "he": "Hebrew", "hi": "Hindi", "hr": "Croatian", "hu": "Hungarian", "id": "Indonesian", "it": "Italian",
    "ja": "Japanese", "ko": "Korean", "lt": "Lithuanian", "lv": "Latvian", "ms": "Malay", "nl": "Dutch",
    "no": "Norwegian", "nb": "Norwegian", "nn": "Norwegian", "pl": "Polish", "pt": "Portuguese", "ro": "Romanian",
    "ru": "Russian", "sk": "Slovak", "sl": "Slovenian", "sr": "Serbian", "sv": "Swedish", "th": "Thai", "tr": "Turkish",
    "uk": "Ukrainian", "ur": "Urdu", "vi": "Vietnamese", "zh": "Chinese",
}  # fmt: skip


def language_of(text: str) -> str:
    """Return the English name of a text's language, its ISO 639 code if `_NAMES` lacks it, "" if it is unclear.

    >>> language_of("Der Minister sagte am Montag, die Gespräche seien beendet.")
    'German'
    """
    start = text[:CHARACTERS]
    if len(start.split()) < FEWEST_WORDS and start.isascii():
        return ""
    (code, first), (other, second) = _model().rank(start)[:2]
    if first >= SURE:
        return _NAMES.get(code, str(code))
    near = first + second >= SURE and "en" not in (code, other)  # Danish and Norwegian, Chinese and Wu
    return next((_NAMES[one] for one in (code, other) if one in _NAMES), str(code)) if near else ""


@cache
def _model() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
