"""Words, dates and names in a text, normalised so that they can be compared.

Knows spelling ("U.S." and "US" are one name), not meaning.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Iterable
from itertools import pairwise

import Stemmer

_WORD = re.compile(r"[^\W_]+(?:[.&'’-][^\W_]+)*")
_NAME = re.compile(
    r"(?<![\w])(?:[A-Z]\.)+|(?<![\w])[^\W\d_a-z][\w]*(?:[&'’.-][\w]+)*(?:\s+(?:of\s+)?[^\W\d_a-z][\w]*(?:[&'’.-][\w]+)*)*"
)
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_SIGNS = ("$", "€", "£", "¥")
_QUARTERS = {"q1": "first", "q2": "second", "q3": "third", "q4": "fourth"}
_ROMAN = {"i": "1", "ii": "2", "iii": "3", "iv": "4", "vi": "6", "vii": "7", "viii": "8", "ix": "9"}  # "v" is "versus"
_JOINED = 5  # a name of at least this many letters is also found as two words, and two words as one
_MONTHS = "january february march april may june july august september october november december".split()
_TIMES = frozenset((*_MONTHS, *_QUARTERS))
# Function words of English and the usual words of questions: they name no topic.
STOP_WORDS = frozenset(
    "a an the of in on at to for from by with and or but nor is are was were be been being am do does did done has"
    " have had having how what which who whom whose when where why that this these those it its as than then there"
    " here their they he she his her him them you your we our us i me my not no can could will would shall should"
    " may might must about into out up off over after before between during under again also just only very so such"
    " if any some all each both more most other own same too s t don now say says said tell give me please".split()
)
_stemmer = Stemmer.Stemmer("english")


def words(text: str) -> list[str]:
    """Return the words of `text` in lower case, without possessive endings; "Q2" as "second", "quarter"."""
    found = []
    for word in (re.sub(r"['’]s?$", "", w.lower()) for w in _WORD.findall(_composed(text))):
        found += [_QUARTERS[word], "quarter"] if word in _QUARTERS else [word]
    return found


def _composed(text: str) -> str:
    """The text in Unicode NFC: a letter and its accent are one character."""
    return unicodedata.normalize("NFC", text)


def stem(word: str) -> str:
    """Return the Snowball stem (Porter 1980, revised) of a lower-case word."""
    return str(_stemmer.stemWord(word))


def terms(text: str) -> list[str]:
    """Return the stems of the content words of `text`, in order, with repetitions."""
    return [stem(part) for w in words(text) if w not in STOP_WORDS for part in re.split(r"[-’']", w) if part]


def tokens(text: str) -> list[str]:
    """Return the words that answers are compared by.

    Lower case, without punctuation and articles: the normalisation of SQuAD (Rajpurkar et al. 2016, evaluate-v2.0.py),
    which knows the punctuation of ASCII only; here all of Unicode's goes, since news has curly quotes.

    >>> tokens("The “Harbour” Tunnel, opened in 2019!")
    ['harbour', 'tunnel', 'opened', 'in', '2019']
    """
    lower = text.lower()
    plain = "".join(c for c in lower if c not in string.punctuation and not unicodedata.category(c).startswith("P"))
    return _ARTICLES.sub(" ", plain).split()


def months(text: str) -> set[str]:
    """Return the months that `text` names, in lower case; "May" and "March" only beside a number or after "in"."""
    found = {w for w in words(text) if w in _MONTHS and w != "may" and w != "march"}
    for m in re.finditer(r"\b(May|March)\b(?=\s+\d)|(?<=\d )(May|March)\b|(?<=\b[Ii]n )(May|March)\b", text):
        found.add(m[0].lower())
    return found


def month_of(day: str) -> str:
    """Return the month of an ISO 8601 day in lower case: "may" of 2024-05-03."""
    return _MONTHS[int(day[5:7]) - 1]


def whole_years(first: str, last: str) -> bool:
    """Return whether a time from day `first` to day `last`, ISO 8601, consists of whole years."""
    return first.endswith("-01-01") and last.endswith("-12-31")


def years(text: str) -> set[int]:
    """Return the years 1900 to 2099 that `text` names."""
    return {int(y) for y in re.findall(r"(?<![\d.,$€£])((?:19|20)\d{2})(?![\d,.]\d|\d|%)", text)}


def names(text: str, known: frozenset[str] = frozenset()) -> list[str]:
    """Return the proper names of `text` as written: runs of capitalised words, without possessive endings.

    The first word of a sentence is a name only if it has more capitals or its lower-case form is in `known` (see
    `name_words`); "Q2" is a time.
    """
    found = []
    text = _composed(text)
    for m in _NAME.finditer(text):
        before = text[: m.start()].rstrip(" \"'“”‘’([")
        opens = not before or before[-1] in ".!?:•\n"
        name = m[0].rpartition(" ")[0] if text[m.end() :].startswith(_SIGNS) else m[0]  # "US$" is a currency
        for run in re.split(r"['’]s?\s+|['’]s?$", name):
            parts = run.split()
            while parts and ((parts[0] != "US" and parts[0].lower() in STOP_WORDS) or parts[0].lower() in _TIMES):
                parts, opens = parts[1:], False
            while parts and parts[-1].lower() in _QUARTERS:
                parts = parts[:-1]
            plain = len(parts) == 1 and parts[0][1:] == parts[0][1:].lower() and not parts[0].startswith("U.")
            parts = [w.split("-")[0] if re.search(r"-[a-z]", w) else w for w in parts]  # "US-listed" names the US
            if parts and not (opens and plain and parts[0].lower() not in known):
                found.append(" ".join(parts).rstrip("."))
            opens = False
    return found


def name_words(texts: Iterable[str]) -> frozenset[str]:
    """Return the words of the proper names of `texts`, in lower case."""
    return frozenset(w for text in texts for name in names(text) for w in name_key(name).split())


def name_key(name: str) -> str:
    """Return a name's comparable form: lower case, no dots or possessives, spaces for hyphens, short "us" and "uk"."""
    key = " ".join(re.sub(r"['’]s\b|[.]", "", _composed(name).lower()).replace("-", " ").split())
    return re.sub(r"\bunited (states|kingdom)\b", lambda m: "us" if m[1] == "states" else "uk", key)


def has_name(name: str, text: str) -> bool:
    """Return whether `text` has every word of `name`, as whole words in any case ("US" is found in "U.S.-based").

    Blanks and hyphens do not matter: "JP Morgan" and "JPMorgan" are one name; "Tandem 3" and "Tandem III" are, too.
    """
    key = name_key(text)
    stripped = [w.strip(",;:!?\"'“”‘’[]$@#") for w in re.sub(r"[()/]", " ", key).split()]
    numbered = [_ROMAN.get(w, w) for w in stripped]
    there = {*stripped, *numbered}
    wanted = [_ROMAN.get(w, w) for w in name_key(name).replace("/", " ").split()]
    wanted = [w for w in wanted if w not in STOP_WORDS] or wanted  # "US" is a name, although "us" is a stop word
    if all(w in there or w + "s" in there for w in wanted):
        # The number in "Tandem 3" follows its name: "September 3" has another.
        return all(pair in pairwise(numbered) for pair in pairwise(wanted) if pair[1].isdigit())
    joined = "".join(wanted)
    if len(joined) < _JOINED or joined not in key.replace(" ", ""):
        return False
    return joined in there if len(wanted) > 1 else _has_apart(joined, text)


def _has_apart(word: str, text: str) -> bool:
    """Whether two consecutive capitalised words of the text form `word`."""
    parts = re.findall(r"[^\W_]+", _composed(text))
    return any(a[0].isupper() and b[0].isupper() and (a + b).lower() == word for a, b in pairwise(parts))


def same_name(a: str, b: str) -> bool:
    """Return whether two names differ only in blanks, hyphens, dots and capitals."""
    return name_key(a).replace(" ", "") == name_key(b).replace(" ", "")
