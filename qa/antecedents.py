"""Who or what a sentence speaks of that has only a pronoun or "the company" for it: the words before that name it.

Knows how such sentences open and where names stand. Looks back a few sentences and takes the nearest fitting name; does
not understand the text, so it can take the wrong one of two, and names nothing rather than anything where none fits.
"""

from __future__ import annotations

import re
from functools import lru_cache

from citewire.index.passages import sentences
from citewire.index.types import Article, Span
from citewire.qa import facts

_BACK = 4  # sentences before that are looked at
_LINK = r"(?:(?:and|but|so|yet|also|however|meanwhile|still|then|though|although|while|when|as|in addition)\b,?\s+)*"
_PERSON = re.compile(rf"^\W*{_LINK}(?:he|she|his|her)\b", re.IGNORECASE)
_HE_SAID = re.compile(r"[,”\"]\s+(?:he|she)\s+(?:said|says|added|told|wrote|explained|argued|noted)\b")
_THING = re.compile(rf"^\W*{_LINK}(?:it|its|they|their)\b", re.IGNORECASE)
NOUNS = (  # what news text calls a thing by, once it has named it
    "company|firm|group|maker|manufacturer|producer|brewer|carrier|airline|bank|lender|retailer|chain|startup|start-up|"
    "developer|operator|agency|regulator|ministry|government|court|party|union|club|team|league|university|school|"
    "hospital|charity|network|publisher|brand|platform|exchange|fund|business|giant|organi[sz]ation|institution|country|"
    "city|state|town|region"
)
# "the company", "the Singapore-based manufacturer"; not "the AI unit", whose own words say which.
_DEFINITE = re.compile(
    rf"^\W*{_LINK}(?:the|this|that)\s+(?:[\w-]+-based\s+|(?:[A-Z]\w+(?:ese|ish|ian|ean|can|ch|an)\s+))?(?:{NOUNS})\b"
    r"(?!\s+(?:of|that|which|who|in|for)\b)",
    re.IGNORECASE,
)

# What follows the name of a person more than that of anything else.
_CUE = re.compile(r",\s+(?:the |a |an |its |chair|chief|head|who\b)|\s+(?:as|said|says|told|added|wrote|who)\b")


def antecedents(article: Article, span: Span) -> tuple[Span, ...]:
    """Return the spans of `article` that name whom or what the sentence at `span` speaks of; none if it says so itself.

    A span is a name as it stands in one of the `_BACK` sentences before or, where these have none, in the headline if
    the text has it.
    """
    sentence = article.text[span.start : span.end]
    wants_person = bool(_PERSON.search(sentence) or _HE_SAID.search(sentence))
    if not wants_person and not leans(sentence):
        return ()
    for before in _earlier(article, span):
        names = _names(article.text, before)
        if wants_person:
            people = [name for name in names if _is_person(article.text, name)]
            cued = [name for name in people if _CUE.match(article.text, name.end)] if len(people) > 1 else people
            if people:
                return tuple(cued) if len(cued) == 1 else ()
        elif names:  # of several, the one that the article is about
            return (max(names, key=lambda name: article.text.count(article.text[name.start : name.end])),)
    return ()


def leans(sentence: str) -> bool:
    """Whether a sentence opens with what it does not name: "it", "the company"."""
    return bool(_THING.search(sentence) or _DEFINITE.search(sentence))


def _earlier(article: Article, span: Span) -> list[Span]:
    """The sentences before, nearest first, and the headline."""
    earlier = [one for one in _sentences(article.text) if one.end <= span.start]
    near = earlier[-_BACK:][::-1]
    start = article.text.find(article.title) if article.title else -1
    headline = [Span(start, start + len(article.title))] if 0 <= start < span.start else []
    return near + headline


@lru_cache(maxsize=32)
def _sentences(text: str) -> tuple[Span, ...]:
    return tuple(sentences(text))


def _names(text: str, span: Span) -> list[Span]:
    """Where the names of a sentence stand, in order."""
    sentence, found, start = text[span.start : span.end], [], 0
    known = _name_words(text)
    for name in facts.names(sentence, known):
        place = sentence.find(name, start)
        if place >= 0:  # a name that was cut off another is found at its first part
            found.append(Span(span.start + place, span.start + place + len(name)))
            start = place + len(name)
    return found


@lru_cache(maxsize=32)
def _name_words(text: str) -> frozenset[str]:
    return facts.name_words([text])


def _is_person(text: str, name: Span) -> bool:
    """Whether a name has the form of a person's: two to four words, none all in capitals."""
    words = text[name.start : name.end].split()
    return 2 <= len(words) <= 4 and all(re.fullmatch(r"[^\W\d_]\.|(?=[^a-z]*[a-z])[\w’'-]+", word) for word in words)
