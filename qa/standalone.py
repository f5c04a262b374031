"""A text and the turns before it -> questions that stand alone, likeliest first.

Offers every name, thing, place and time of the turns that a word such as "it" can stand for, and the question before
with what a fragment ("and in 2023?", "why?") exchanges in it. Settles nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice, product, takewhile

from citewire.qa.analysis import Doc, Span, Token, read
from citewire.qa.referents import PLACES, TIMES, Thing, suits, things
from citewire.qa.rewriting import SUBJECTS, VERBS, as_question, asked_of, asking, feature, replaced, whole_span
from citewire.qa.types import Turn

_MOST = 4  # rewritings offered
_CLAUSES = ("xcomp", "ccomp", "csubj", "advcl", "acl")


def leans(text: str) -> bool:
    """Whether a question needs what was said before it: a pronoun, a demonstrative, "and ...", too few words."""
    doc = read(text.strip())
    if not len(doc) or any(map(points, doc)) or doc[0].pos_ == "CCONJ":
        return True
    if _is_fragment(doc) and (doc[0].pos_ == "ADP" or asking(doc)):
        return True
    return not any(w.pos_ in ("NOUN", "PROPN", "NUM") for w in doc) or _lone_count(doc) is not None


def candidates(text: str, turns: Sequence[Turn], leaning: bool) -> tuple[str, ...]:
    """Return the questions that a text can stand for after the turns, which stand alone; likeliest first."""
    doc = opened(read(text)) if leaning else read(text)
    fragment = _is_fragment(doc)
    leaning = leaning and (fragment or leans(text))
    made = _leaning(doc, turns) if leaning or fragment else _with_owner(doc, turns)
    same = () if leaning or fragment else _same(doc, turns)
    new = list(islice(dict.fromkeys(q for q in (*same, *made) if q and q != text), _MOST))
    return (*new[: len(same)], *(() if leaning and new else (text,)), *new[len(same) :])


def opened(doc: Doc) -> Doc:
    """The question without the "and" before it."""
    skip = next((w.i for w in doc if w.pos_ != "CCONJ" and not w.is_punct), 0)
    return read(doc[skip:].text) if skip else doc


def points(word: Token) -> bool:
    """Whether a word stands for something that the question does not name before it."""
    if demonstrates(word):
        relative = word.dep_ != "det" and any(w.dep_ == "relcl" and word in w.lefts for w in word.ancestors)
        return not relative and word.dep_ != "mark" and not (word.dep_ == "det" and word.ent_type_ in TIMES)
    if word.lower_ in ("one", "ones") and word.dep_ != "nummod":
        return any(child.dep_ in ("det", "amod") for child in word.children)
    third = word.tag_ in ("PRP", "PRP$") and feature(word, "Person") == "3" and feature(word, "Reflex") != "Yes"
    return third and not _is_empty(word) and not _named_before(word)


def demonstrates(word: Token) -> bool:
    """Whether a word is "this", "those", "there" (of a place), "then"."""
    return feature(word, "PronType") == "Dem" and word.tag_ in ("DT", "RB") and word.pos_ != "SCONJ"


# -- what leans ------------------------------------------------------------------------------------------


def _is_empty(word: Token) -> bool:
    """Whether an "it" stands for a clause that follows it: "Is it true that ...", "does it cost to ..."."""
    behind = takewhile(lambda w: w.pos_ != "CCONJ", word.doc[word.i + 1 :])
    clause = any(w.dep_ in _CLAUSES and word.head.is_ancestor(w) for w in behind)
    return clause and word.lower_ == "it" and word.dep_ in SUBJECTS


def _named_before(word: Token) -> bool:
    """Whether a name before the pronoun, in the question itself, can be what it means."""
    person = feature(word, "Gender") in ("Masc", "Fem")
    other = ("ORG", *PLACES) if person else ("PERSON",) if word.lower_ in ("it", "its") else ()
    return any(w.pos_ == "PROPN" and w.ent_type_ not in (*TIMES, *other) for w in word.doc[: word.i])


def _is_fragment(doc: Doc) -> bool:
    """Whether the words are no clause: "in 2023?", "What about Lund?", "Since when?", "Lund ferry price"."""
    return not any(w.pos_ in VERBS and w.dep_ != "amod" for w in doc)


def _is_about(doc: Doc) -> bool:
    return len(doc) > 2 and doc[0].tag_[0] == "W" and doc[1].lower_ == "about"


def _only_points(doc: Doc) -> bool:
    """Whether a question asks of nothing but what was said: "When was that?", "Why did it do that?"."""
    verbs = [w for w in doc if w.pos_ in VERBS]
    told = any(map(demonstrates, doc)) and not any(w.pos_ in ("NOUN", "PROPN") or w.tag_ == "WP" for w in doc)
    return told and all(w.lemma_ in ("be", "do", "happen") for w in verbs)


def _lone_count(doc: Doc) -> int | None:
    """Where "many" stands without what is counted: "How many did Lund sell?"."""
    counts = (w for w in doc[1:] if w.lower_ == "many" and doc[w.i - 1].tag_ == "WRB")
    return next(
        (w.i for w in counts if doc[w.i + 1 : w.i + 2].text == "" or doc[w.i + 1].pos_ in (*VERBS, "PUNCT")), None
    )


# -- the candidates --------------------------------------------------------------------------------------


def _leaning(doc: Doc, turns: Sequence[Turn]) -> Iterator[str]:
    last = turns[-1]
    if (count := _lone_count(doc)) is not None and (span := asking(read(last.question))):
        counted = read(last.question)[span[0] + 2 : span[1]].text
        doc = read(replaced(doc, {(count, count + 1): f"{doc[count].text} {counted}"}))
        yield doc.text if not any(map(points, doc)) else ""
    if _is_fragment(doc) or _only_points(doc):
        yield from _exchanged(doc, last)
    else:
        yield from _pointed(doc, turns)


def _same(doc: Doc, turns: Sequence[Turn]) -> tuple[str, ...]:
    """The question with the thing in full that it names by one word: "the mill" as "Brask's mill"."""
    if (the := _definite(doc)) is None:
        return ()
    head = the.root.text.lower()
    fuller = [one for one in things(turns) if one.name and one.text.lower().split()[-1] == head]
    return tuple(replaced(doc, {(the.start, the.end): one.text}) for one in fuller[:1])


def _with_owner(doc: Doc, turns: Sequence[Turn]) -> Iterator[str]:
    """The question with whose thing it asks for: "Who is the chairman?" as "Who is the chairman of Lund?"."""
    if (the := _definite(doc)) is not None:
        named = [one for one in things(turns) if one.name and one.label not in TIMES]
        for one in sorted(named, key=lambda one: -one.weight)[:2]:
            yield replaced(doc, {(the.start, the.end): f"{the.text} of {one.text}"})


def _definite(doc: Doc) -> Span | None:
    """The first "the ..." of a question without names, with nothing behind it that tells which."""
    the = (c for c in doc.noun_chunks if c[0].lower_ == "the" and whole_span(c.root) == (c.start, c.end))
    return None if any(w.pos_ == "PROPN" for w in doc) else next(the, None)


# -- its words exchanged ---------------------------------------------------------------------------------


def _pointed(doc: Doc, turns: Sequence[Turn]) -> Iterator[str]:
    """The question with each thing that its words can mean, the best fitting first; two words mean different things."""
    groups: dict[str, list[Token]] = {}
    for word in filter(points, doc):
        groups.setdefault(feature(word, "Gender") + word.lemma_[:3], []).append(word)
    choices: list[list[tuple[float, list[Token], Thing | None]]] = []
    for words in islice(groups.values(), 3):
        fits = [(fit, one) for one in things(turns) if (fit := suits(words[0], one)) is not None]
        ranked = [(fit, words, one) for fit, one in sorted(fits, key=lambda pair: -pair[0])[:_MOST]]
        if len(groups) > 1 and demonstrates(words[0]) and words[0].pos_ == "PRON":
            choices.append([(9.0, [], None), *ranked])  # beside another pronoun, "that" can be all that was said
        else:
            choices.append([*ranked])
    for chosen in sorted(
        product(*filter(None, choices)) if any(choices) else (), key=lambda some: -sum(fit for fit, _, _ in some)
    ):
        told = [(word, one) for _, words, one in chosen if one for word in words]
        if len({one.text for _, _, one in chosen if one}) == len([one for _, _, one in chosen if one]):
            yield replaced(doc, dict(_edit(word, one) for word, one in told))


def _edit(word: Token, one: Thing) -> tuple[tuple[int, int], str]:
    span = (word.i, word.i + 1)
    if word.lower_ == "there":
        return span, f"{one.place or ('in' if one.label in PLACES else 'at')} {one.text}"
    if word.lower_ == "then":
        return span, f"in {one.text}"
    if word.tag_ == "PRP$" or word.dep_ == "poss":
        return span, f"{one.text}’" if one.text.endswith("s") and one.plural else f"{one.text}'s"
    if word.dep_ == "det":
        return (word.i, word.head.i + 1), one.text
    return (whole_span(word) if word.lower_ in ("one", "ones") else span), one.text


# -- the question before, with one thing exchanged -------------------------------------------------------


def _exchanged(doc: Doc, last: Turn) -> Iterator[str]:
    earlier = read(last.question)
    told = read(last.answer) if last.answer else None
    asks = any(w.tag_[0] == "W" for w in doc) and not _is_about(doc)
    if asks:
        kept = [w.text.lower() for w in doc if not w.is_punct and w.pos_ not in (*VERBS, "PRON") and w.tag_ != "RB"]
        asked = " ".join(kept)
        yield asked_of(earlier, asked)
        yield asked_of(told, asked) if told is not None else ""
    elif _only_points(doc):
        yield asked_of(told, "") if told is not None else last.question
    else:
        part = doc[2 if _is_about(doc) else 0 :]
        words = [w for w in part if not w.is_punct]
        if words:
            part = doc[words[0].i : words[-1].i + 1]
            preposition = part[0].lower_ if part[0].pos_ == "ADP" and len(part) > 1 else ""
            yield from _in_place(earlier, part[bool(preposition) :], preposition)


def _in_place(earlier: Doc, part: Span, preposition: str) -> Iterator[str]:
    """The earlier question with the words in the place of each thing of the same kind, the likeliest first."""
    kind = _kind(part)
    places = [(c.start, c.end, c.root) for c in earlier.noun_chunks if not any(w.tag_[0] == "W" for w in c)]
    places += [(w.left_edge.i, w.i + 1, w) for w in earlier if w.dep_ == "poss" and w.pos_ == "PROPN"]
    places += [(w.i, w.i + 1, w) for w in earlier if w.tag_ == "CD" and w.dep_ == "pobj"]
    asked = asking(earlier)
    if kind == "thing" and asked and asked[1] - asked[0] > 1:
        counted = next((w.i for w in earlier[asked[0] + 1 : asked[1]] if w.tag_ == "NN" or w.tag_ == "NNS"), asked[1])
        yield replaced(earlier, {(counted, asked[1]): part.text})
    found = []
    for start, end, head in places:
        own = _kind(earlier[start:end])
        if (own == "time") == (kind == "time"):
            same = bool(preposition) and head.dep_ == "pobj" and head.head.lower_ == preposition
            owned = any(w.dep_ == "poss" for w in earlier[start : end - 1])
            found.append((2 * (own == kind) + 3 * same + (head.dep_ in SUBJECTS) - owned, (start, end)))
    for _, span in sorted(dict.fromkeys(found), key=lambda one: -one[0]):
        yield replaced(earlier, {span: part.text})
    if kind == "time" or preposition:
        yield as_question(f"{earlier.text.rstrip(' ?')} {preposition or 'in'} {part.text}")


def _kind(part: Span) -> str:
    if any(w.ent_type_ in TIMES for w in part) or all(w.pos_ in ("NUM", "DET") for w in part):
        return "time"
    return "name" if any(w.pos_ == "PROPN" for w in part) else "thing"
