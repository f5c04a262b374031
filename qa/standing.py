"""Whether a sentence can be read without its context, and which opening words it can lose.

Knows one sentence and its parse, no article, so it cannot tell what "the company" refers to.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from citewire.qa import analysis
from citewire.qa.analysis import Doc, Token
from citewire.qa.rewriting import feature
from citewire.qa.types import without_dateline

_WORDS = range(7, 56)  # number of words of a sentence that is shown
_PERSONAL = ("PRP", "PRP$")  # tags of personal and possessive pronouns
_SUBJECTS = ("nsubj", "nsubjpass", "expl", "csubj")
_MARKS = ("“", "”", '"')
_TIMES = ("DATE", "TIME")
_QUOTED = re.compile(r"“[^”]*”|\"[^\"]*\"")
_ENDS = re.compile(r"[.!]['\"”’)\]]*$")


def plain(text: str) -> str:
    """Return a sentence without its dateline and its opening conjunction.

    >>> plain("LUND, Norland (AP) — But the ferry sank.")
    'The ferry sank.'
    """
    said = without_dateline(" ".join(text.split()))
    doc = analysis.read(said)
    if len(doc) > 1 and doc[0].tag_ == "CC" and doc[0].head.i > 1 and not doc[1].is_punct:
        said = doc[1:].text
        said = said[0].upper() + said[1:]
    return said


def stands_alone(text: str) -> bool:
    """Return whether a sentence can be read without its context: a whole statement in which nothing points back.

    >>> stands_alone("The ferry sank on Monday off the coast."), stands_alone("It sank on Monday off the coast.")
    (True, False)
    """
    return is_whole(text) and not _points_back(analysis.read(text))


def is_whole(text: str) -> bool:
    """Return whether a sentence is a whole statement, even if words in it point back.

    >>> is_whole("It sank on Monday off the coast."), is_whole("Sunk off the coast on a Monday.")
    (True, False)
    """
    if len(text.split()) not in _WORDS or not _ENDS.search(text) or _open_quotation(text):
        return False
    if not any(character.isalpha() for character in _QUOTED.sub("", text)):
        return False  # only a quotation: the speaker is missing
    doc = analysis.read(text)
    roots = [token for token in doc if token.dep_ == "ROOT"]
    tells = any(child.dep_ in _SUBJECTS for root in roots for child in root.children)
    return tells and not any(token.like_url or token.like_email for token in doc)


def _open_quotation(text: str) -> bool:
    return text.count("“") != text.count("”") or text.count('"') % 2 == 1


def _points_back(doc: Doc) -> bool:
    """Whether a sentence opens with a link to the one before, or has a pronoun without a noun before it to refer to."""
    first = doc[1] if doc[0].is_quote and len(doc) > 1 else doc[0]
    linked = first.pos_ in ("CCONJ", "ADV", "INTJ") and not first.ent_type_ and doc[first.i + 1].text == ","
    shown = feature(first, "PronType") == "Dem" and not first.ent_type_
    if linked or shown:
        return True
    quoted: list[bool] = []
    for token in doc:
        quoted.append((bool(quoted) and quoted[-1]) != (token.text in _MARKS))
        person = feature(token, "Person") if token.tag_ in _PERSONAL else ""
        if person == "3" and token.dep_ != "expl" and not _names_before(token, quoted):
            return True
        alone = token.dep_ != "det" and feature(token, "PronType") == "Dem" and not any(token.rights)
        if (alone or person in ("1", "2")) and not quoted[-1]:
            return True
    return False


def _names_before(pronoun: Token, quoted: Sequence[bool]) -> bool:
    """Whether a noun that agrees in number precedes a pronoun, and not in a quotation unless the pronoun is in one.

    For "he" and "she" the noun is a name or a subject.
    """
    number, person = feature(pronoun, "Number"), feature(pronoun, "Gender") in ("Masc", "Fem")
    for token in pronoun.doc[: pronoun.i]:
        apart = quoted[token.i] and not quoted[pronoun.i]
        if apart or token.pos_ not in ("PROPN", "NOUN") or token.ent_type_ in _TIMES:
            continue
        if person and token.pos_ != "PROPN" and token.dep_ not in _SUBJECTS:
            continue
        if number != "Sing" or feature(token, "Number") != "Plur":
            return True
    return False
