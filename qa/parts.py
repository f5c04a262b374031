"""A line that asks several questions -> standalone questions.

Only clauses are split: "who won and how much did it cost?". The caller decides whether the whole line or its questions
are answered; two things or times in one clause are for `qa.compare`.
"""

from __future__ import annotations

from citewire.qa import facts
from citewire.qa.analysis import Doc, Span, Token, read

_MOST = 4  # most questions in one line
_VERBS = ("VERB", "AUX")


def parts(text: str) -> tuple[str, ...]:
    """Return the questions of a line, () if it asks only one.

    >>> parts("Who runs Orvik Foods, and when was it founded?")
    ('Who runs Orvik Foods?', 'When was Orvik Foods founded?')
    """
    lines = [piece.strip(" .!,;") for piece in " ".join(text.split()).split("?")]
    asked = [one for line in lines if line for one in _clauses(read(line))]
    if not 2 <= len(asked) <= _MOST or not all(_asks(read(one)[:]) for one in asked):
        return ()
    first = read(asked[0])
    return tuple(
        f"{one[:1].upper()}{one[1:]}?" for one in (asked[0], *(_standing(read(one), first) for one in asked[1:]))
    )


def _clauses(doc: Doc) -> list[str]:
    """The two questions that a conjunction joins, or the whole line."""
    for joint in doc[1:-1]:
        first, second = doc[: joint.i], doc[joint.i + 1 :]
        if joint.tag_ != "CC" or not _asks(second) or not _asks(first) or _has_relative(first):
            continue
        one, other = (some.text.strip(" ,;") for some in (first, second))
        if not _has_verb(first):  # "When and where was it built"
            return [f"{one} {second[_after_question(second) :].text}", other] if _has_verb(second) else [doc.text]
        if not _has_verb(second):  # "How many died and why", "What did they build and when"
            asked = f"{one}: {other}" if _asks_for_subject(first) else f"{other} {first[_after_question(first) :].text}"
            return [one, asked.strip(" ,;")]
        return [one, other]
    return [doc.text]


def _asks(words: Span) -> bool:
    """Whether words begin like a question: with a question word, or with an auxiliary before its subject."""
    words = (
        words[1:]
        if len(words) > 1 and words[0].pos_ in ("ADP", "SCONJ", "CCONJ", "ADV") and words[0].tag_[0] != "W"
        else words
    )
    if not len(words):
        return False
    return words[0].tag_.startswith("W") or (words[0].pos_ == "AUX" and len(words) > 2 and words[1].pos_ not in _VERBS)


def _has_verb(words: Span) -> bool:
    return any(word.pos_ in _VERBS for word in words)


def _has_relative(words: Span) -> bool:
    """Whether words have a relative clause, which the next clause may continue: "the man who won and who ..."."""
    return any(word.tag_.startswith("W") and _has_verb(words[: word.i]) for word in words)


def _after_question(words: Span) -> int:
    """The number of question words: two for "how often"."""
    verb = next((at for at, word in enumerate(words) if word.pos_ in _VERBS), len(words))
    return verb if words[0].lower_ == "how" else 1


def _asks_for_subject(words: Span) -> bool:
    verb = next((at for at, word in enumerate(words) if word.pos_ in _VERBS), 0)
    return any(word.dep_ in ("nsubj", "nsubjpass") for word in words[:verb])


def _standing(doc: Doc, first: Doc) -> str:
    """A question with its pronoun replaced by a noun phrase of the first question."""
    pronoun = next((word for word in doc if word.tag_ in ("PRP", "PRP$")), None)
    if pronoun is None:
        named = facts.names(first.text)
        bare = not any(word.pos_ in ("NOUN", "PROPN") for word in doc)  # "who fills in until then?"
        return f"{doc.text} ({', '.join(named)})" if bare and named else doc.text
    number = pronoun.morph.get("Number", [])
    of_person = pronoun.morph.get("Gender", []) in (["Masc"], ["Fem"])
    if any(word.pos_ in (("PROPN",) if of_person else ("NOUN", "PROPN")) for word in doc[: pronoun.i]):
        return doc.text  # the pronoun may refer to a noun of its own question
    things = [chunk for chunk in first.noun_chunks if not any(w.tag_[0] == "W" and w.lower_ != "how" for w in chunk)]
    things = [chunk for chunk in things if chunk.root.pos_ != "PRON" and chunk.root.ent_type_ != "DATE"]
    fitting = [chunk for chunk in things if chunk.root.morph.get("Number", []) == number]
    people = [chunk for chunk in fitting if chunk.root.pos_ == "PROPN"] if of_person else []
    named = facts.names(first.text)
    thing = next((_bare(chunk) for chunk in reversed(people or fitting)), named[0] if named else "")
    if not thing:
        return f"{first.text}: {doc.text}"
    thing += "'s" if pronoun.tag_ == "PRP$" else ""
    return f"{doc[: pronoun.i].text_with_ws}{thing}{pronoun.whitespace_}{doc[pronoun.i + 1 :].text}"


def _bare(chunk: Span) -> str:
    """A noun phrase without question words: "trams" for "how many trams"."""
    words: list[Token] = [word for word in chunk if not (word.tag_[0] == "W" or word.lower_ in ("many", "much"))]
    return chunk.doc[words[0].i : words[-1].i + 1].text
