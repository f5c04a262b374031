"""A parsed question or statement -> another question, by replacing token spans.

Knows English word order as spaCy parses it, not the meaning of a question.
"""

from __future__ import annotations

from collections.abc import Mapping

from citewire.qa.analysis import Doc, Token

Span = tuple[int, int]  # token positions (start, end), end exclusive
SUBJECTS = ("nsubj", "nsubjpass")
VERBS = ("VERB", "AUX")


def as_question(words: str) -> str:
    """Return the words as one question, with a capital and a question mark; "" for no words."""
    words = " ".join(words.split()).strip(" ?!.,;:")
    for mark in (",", "'", "’"):
        words = words.replace(f" {mark}", mark)
    return f"{words[0].upper()}{words[1:]}?" if words else ""


def replaced(doc: Doc, edits: Mapping[Span, str]) -> str:
    """Return the question with some spans replaced, "" to delete one."""
    out, at = [], 0
    for (start, end), words in sorted(edits.items()):
        if start >= at:
            out += [doc[at:start].text_with_ws, words, doc[end - 1].whitespace_ or " " * (not words)]
            at = end
    return as_question("".join([*out, doc[at:].text_with_ws]))


def feature(word: Token, name: str) -> str:
    """Return a grammatical feature of a word, such as "Plur" for its Number, "" if it has none."""
    return next(iter(word.morph.get(name, [])), "")


def is_name(word: Token) -> bool:
    """Return whether a word is part of a name, by tag or capital: spaCy often mistags unknown names in questions."""
    return word.pos_ == "PROPN" or (word.i > 0 and word.is_title and not word.is_sent_start and word.tag_ != "PRP")


def asking(doc: Doc) -> Span | None:
    """Return the span of the question phrase: "how many people", "in which year"; None if there is none."""
    first = next((w for w in doc if w.tag_ in ("WP", "WDT", "WRB", "WP$")), None)
    if first is None or any(w.pos_ in VERBS for w in doc[: first.i]):
        return None
    top = first
    while top.head.i > top.i and top.head.pos_ not in VERBS and top.head.i - top.i < 4:
        if any(w.pos_ in VERBS for w in doc[top.i : top.head.i]):
            break
        top = top.head
    start = top.head.i if top.head.pos_ in ("ADP", "SCONJ") and top.head.i == first.i - 1 else first.i
    return start, top.i + 1


def subject(verb: Token) -> Token | None:
    """Return the head of a verb's subject, None if it has none."""
    return next((w for w in verb.children if w.dep_ in SUBJECTS), None)


def root(doc: Doc) -> Token:
    """Return the root of the first sentence."""
    return next(w for w in doc if w.dep_ == "ROOT")


def whole_span(head: Token) -> Span:
    """Return the span of a word with all its dependents."""
    return head.left_edge.i, head.right_edge.i + 1


def support(verb: Token) -> str:
    """Return the form of "do" in the tense of a verb."""
    return {"VBD": "did", "VBZ": "does"}.get(verb.tag_, "do")


def asked_of(doc: Doc, asked: str) -> str:
    """Return a statement, a yes-no question or a when/where/why/how question as a question with other question words.

    "Lund sold its yard in May." with "why" gives "Why did Lund sell its yard in May?"; "" if the order is unclear.
    """
    if span := asking(doc):
        adverb = doc[span[0]].tag_ == "WRB" and doc[span[1] - 1].tag_ == "WRB"
        return replaced(doc, {span: asked}) if adverb else ""
    if not len(doc):
        return ""
    if doc[0].pos_ == "AUX":
        return as_question(f"{asked} {doc[0].lower_} {doc[1:].text}")
    verb = root(doc)
    told = subject(verb)
    if told is None or verb.pos_ not in VERBS or told.i > verb.i:
        return ""
    end = verb.sent.end
    start, behind = whole_span(told)
    auxiliary = next((w for w in verb.lefts if w.dep_ in ("aux", "auxpass")), verb if verb.pos_ == "AUX" else None)
    name = doc[start:behind].text
    name = name if told.pos_ == "PROPN" or doc[start].pos_ == "PROPN" else f"{name[0].lower()}{name[1:]}"
    if auxiliary is not None:
        rest = f"{doc[behind : auxiliary.i].text} {doc[auxiliary.i + 1 : end].text}"
        return as_question(f"{asked} {auxiliary.text} {name} {rest}")
    rest = f"{doc[behind : verb.i].text} {verb.lemma_} {doc[verb.i + 1 : end].text}"
    return as_question(f"{asked} {support(verb)} {name} {rest}")
