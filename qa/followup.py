"""A question and the turns before it -> questions that stand alone, likeliest first; the reader decides among them.

Offers candidates and settles nothing: every name, thing, place and time of the last turns that a word such as "it"
can stand for, and the question before with what a fragment ("and in 2023?", "why?") exchanges in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, product

from citewire.qa.analysis import Doc, Span, Token, read
from citewire.qa.rewriting import SUBJECTS, VERBS, as_question, asked_of, asking, feature, replaced, whole_span
from citewire.qa.types import REFUSAL, Turn

_TURNS = 3  # earlier turns that a follow-up can lean on
_MOST = 5  # rewritings offered
_MARK = re.compile(r"\s*\[\d+\]")
_TIMES = ("DATE", "TIME")
_PLACES = ("GPE", "LOC", "FAC")
_DEMONSTRATIVES = ("this", "that", "these", "those")


@dataclass(frozen=True, slots=True)
class _Meant:
    """What a word of a follow-up can stand for."""

    text: str
    label: str  # spaCy's of its entity, "" for a common noun
    plural: bool
    subject: bool
    name: bool
    person: bool
    place: str  # the preposition "in", "at" or "on" before it
    answer: bool  # only the answer has it
    of_who: bool  # it answers a question for a person
    age: int  # turns


_NOTHING = _Meant("", "", False, False, False, False, "", False, False, 0)


def leans(text: str) -> bool:
    """Whether a question needs what was said before it: pronouns, demonstratives, too few words."""
    doc = read(text.strip())
    if not len(doc) or any(map(_points, doc)) or doc[0].pos_ == "CCONJ" or _is_fragment(doc):
        return True
    return not any(w.pos_ in ("NOUN", "PROPN", "NUM") for w in doc) or _lone_count(doc) is not None


def follow_up(text: str, history: Sequence[Turn]) -> tuple[str, ...]:
    """Return the questions that `text` can stand for after `history`, oldest turn first; likeliest first.

    The text itself comes first where it can stand alone, and is all there is where nothing was said before.
    """
    turns: list[Turn] = []
    for turn in history[-_TURNS:]:
        answer = "" if turn.answer.startswith(REFUSAL) else _MARK.sub("", turn.answer)
        turns.append(Turn(_candidates(turn.question, turns)[0], answer))
    return _candidates(text, turns)


def _candidates(text: str, turns: Sequence[Turn]) -> tuple[str, ...]:
    text = " ".join(text.split())
    doc = read(text)
    if not turns or not len(doc):
        return (text,)
    leaning = leans(text)
    made = dict.fromkeys(q for q in _rewritings(doc, turns, leaning) if q and q != text)
    return (*(() if leaning and made else (text,)), *islice(made, _MOST))


def _rewritings(doc: Doc, turns: Sequence[Turn], leaning: bool) -> Iterator[str]:
    last = turns[-1]
    if not leaning:
        full = [(set(m.text.split()), m.text) for m in _meant(turns) if m.person]
        names = [c for c in doc.noun_chunks if c.root.pos_ == "PROPN"]
        yield replaced(doc, {(c.start, c.end): _fullest(c.text, full) for c in names})
        if not names:
            yield from islice(_with_owner(doc, turns), 2)
        return
    asked = opened(doc)
    if (noun := _counted(last.question)) and (count := _lone_count(asked)) is not None:
        asked = read(replaced(asked, {(count, count + 1): f"{asked[count].text} {noun}"}))
    if _is_fragment(asked) or _only_points(asked):
        yield from islice(_exchanged(asked, last), _MOST - 1)
    else:
        yield from islice(_pointed(asked, turns), _MOST - 1)


# -- what leans ------------------------------------------------------------------------------------------


def _points(word: Token) -> bool:
    """Whether a word stands for something that the question does not name before it."""
    if (
        word.lower_ in _DEMONSTRATIVES
        and word.pos_ in ("PRON", "DET")
        and word.dep_ != "mark"
        and not _is_relative(word)
    ):
        return not (word.dep_ == "det" and word.ent_type_ in _TIMES)
    if word.tag_ in ("RB", "EX") and word.lower_ in ("there", "then"):
        return word.tag_ == "RB"
    if word.lower_ in ("one", "ones") and word.dep_ != "nummod":
        return any(child.dep_ in ("det", "amod") for child in word.children)
    return _is_pronoun(word) and not _is_empty(word) and not _named_before(word)


def _is_relative(word: Token) -> bool:
    return (
        word.lower_ == "that"
        and word.dep_ != "det"
        and any(w.dep_ == "relcl" and word in w.lefts for w in word.ancestors)
    )


def _is_pronoun(word: Token) -> bool:
    return word.tag_ in ("PRP", "PRP$") and feature(word, "Person") == "3" and feature(word, "Reflex") != "Yes"


def _is_empty(word: Token) -> bool:
    """Whether an "it" stands for a clause that follows it: "Is it true that ...", "does it cost to ..."."""
    clauses = ("xcomp", "ccomp", "csubj", "advcl", "acl")
    near = [*word.head.children, *(g for c in word.head.children if c.dep_ in ("acomp", "attr") for g in c.children)]
    return word.lower_ == "it" and word.dep_ in SUBJECTS and any(w.dep_ in clauses and w.i > word.i for w in near)


def _named_before(word: Token) -> bool:
    """Whether a noun before the pronoun, in the question itself, can be what it means."""
    before = [w for w in word.doc[: word.i] if w.pos_ in ("PROPN", "NOUN") and w.dep_ not in ("compound", "npadvmod")]
    asked = asking(word.doc)
    before = [w for w in before if not (asked and w.i < asked[1] and word.head.pos_ in VERBS)]
    return any(w.ent_type_ not in _TIMES and _agree(word, feature(w, "Number") == "Plur") for w in before)


def _agree(word: Token, plural: bool) -> bool:
    return plural or feature(word, "Number") == "Sing" or word.lower_ in ("they", "their", "them")


def _is_fragment(doc: Doc) -> bool:
    """Whether the words are no clause: "in 2023?", "What about Lund?", "Since when?"."""
    words = [w for w in doc if not w.is_punct]
    if not words or any(w.pos_ in VERBS and w.dep_ != "amod" for w in words):
        return False
    return _is_about(doc) or words[0].pos_ in ("ADP", "CCONJ") or asking(doc) is not None or len(words) < 4


def _is_about(doc: Doc) -> bool:
    return len(doc) > 2 and doc[0].lower_ in ("what", "how") and doc[1].lower_ == "about"


def _only_points(doc: Doc) -> bool:
    """Whether all that a question says is that something was so: "When was that?", "Why did it do that?"."""
    if not asking(doc) or not any(w.lower_ in _DEMONSTRATIVES for w in doc) or doc[0].tag_ not in ("WRB", "IN"):
        return False
    verbs = [w for w in doc if w.pos_ in VERBS]
    return not any(w.pos_ in ("NOUN", "PROPN") for w in doc) and all(w.lemma_ in ("be", "do", "happen") for w in verbs)


def opened(doc: Doc) -> Doc:
    """The question without the "and" before it."""
    skip = next((w.i for w in doc if w.pos_ != "CCONJ" and not w.is_punct), 0)
    return read(doc[skip:].text) if skip else doc


def _lone_count(doc: Doc) -> int | None:
    """Where "many" or "much" stands without what is counted: "How many did Lund sell?"."""
    for word in doc[1:]:
        if word.lower_ == "many" and doc[word.i - 1].lower_ == "how":
            follows = doc[word.i + 1] if word.i + 1 < len(doc) else None
            return word.i if follows is None or follows.pos_ in (*VERBS, "PUNCT") else None
    return None


def _counted(question: str) -> str:
    doc = read(question)
    span = asking(doc)
    return doc[span[0] + 2 : span[1]].text if span and doc[span[0]].lower_ == "how" else ""


# -- what is meant ---------------------------------------------------------------------------------------


def _meant(turns: Sequence[Turn]) -> list[_Meant]:
    """What the turns speak of, newest turn and subjects first."""
    out: dict[str, _Meant] = {}
    for age, turn in enumerate(reversed(turns)):
        asked = read(turn.question)
        of_who = any(w.lower_ in ("who", "whom") for w in asked)
        for doc in (asked, read(turn.answer)) if turn.answer else (asked,):
            for one in _referents(doc):
                known = out.get(one.text.lower())
                told = doc is not asked and one.text.lower() not in turn.question.lower()
                one = replace(one, age=age, answer=told, of_who=told and of_who)
                if known is None:
                    out[one.text.lower()] = one
                elif known.age == age:
                    out[one.text.lower()] = replace(known, place=known.place or one.place)
    full = [(set(m.text.split()), m.text) for m in out.values() if m.person]
    return [replace(m, text=_fullest(m.text, full)) if m.person else m for m in out.values()]


def _fullest(name: str, names: Sequence[tuple[set[str], str]]) -> str:
    """The longest of the names that has the words of this one."""
    return max((text for words, text in names if words >= set(name.split())), key=len, default=name)


def _referents(doc: Doc) -> Iterator[_Meant]:
    if (span := asking(doc)) and doc[span[1] - 1].pos_ == "NOUN":
        asked = doc[span[1] - 1]
        words = [w.text for w in doc[span[0] : span[1]] if w.dep_ in ("compound", "amod") and w.lower_ != "many"]
        yield replace(_referent(doc[asked.i : asked.i + 1], asked), text=" ".join(["the", *words, asked.text]))
    for chunk in doc.noun_chunks:
        if chunk.root.pos_ not in ("NOUN", "PROPN", "NUM") or any(w.tag_.startswith("W") for w in chunk):
            continue
        for owner in (w for w in chunk if w.dep_ == "poss" and w.pos_ in ("PROPN", "NOUN")):
            yield _referent(doc[owner.left_edge.i : owner.i + 1], owner)
        if not (own := next((w for w in chunk if w.tag_ == "PRP$"), None)):
            yield _referent(chunk, chunk.root)
            behind = next((c for c in chunk.root.rights if c.dep_ == "prep" and c.i == chunk.end), None)
            if (
                behind is not None
                and chunk.root.pos_ == "NOUN"
                and not any(w.ent_type_ in _TIMES for w in behind.subtree)
            ):
                yield replace(
                    _referent(doc[chunk.start : behind.right_edge.i + 1], chunk.root), name=False, subject=False
                )
        elif named := next((w for w in doc[: own.i] if w.pos_ == "PROPN" and w.dep_ != "compound"), None):
            name = doc[named.left_edge.i : named.i + 1].text
            yield replace(_referent(chunk, chunk.root), text=f"{name}'s {doc[own.i + 1 : chunk.end].text}", name=True)
        last = list(chunk.root.conjuncts)
        if last and chunk.root.dep_ != "conj" and any(c.dep_ == "cc" for c in chunk.root.children):
            yield replace(_referent(doc[chunk.start : last[-1].i + 1], chunk.root), plural=True)


def _referent(span: Span, head: Token) -> _Meant:
    words = span.text if span[0].tag_ != "DT" or span[0].lower_ == "the" else f"the {span[1:].text}"
    words = f"the{words[3:]}" if span[0].lower_ == "the" else words
    name = head.pos_ == "PROPN" or any(w.pos_ == "PROPN" and w.dep_ == "compound" for w in span)
    before = head.head if head.dep_ == "pobj" else None
    place = before.lower_ if before is not None and before.lower_ in ("in", "at", "on") else ""
    plural = feature(head, "Number") == "Plur" and not (name and len(span) > 1)
    label = head.ent_type_
    full_name = head.pos_ == "PROPN" and len(span) > 1 and span[0].is_title
    person = head.pos_ == "PROPN" and (label == "PERSON" or (full_name and label not in ("ORG", "GPE")))
    return _Meant(words, label, plural, head.dep_ in SUBJECTS, name, person, place, False, False, 0)


def _fit(word: Token, one: _Meant) -> float:
    """How well a word can mean one thing; below 0 not at all."""
    if one.label in _TIMES and word.lower_ != "then":
        return -1
    score = 3.0 - 1.5 * one.age + one.subject + one.name - 0.5 * one.answer
    full_name = one.name and len(one.text.split()) > 1
    person = one.of_who or one.person
    if word.lower_ == "there":
        return score + 2 * (one.label in _PLACES) + 3 * bool(one.place) - 2 * one.subject - one.person
    if word.lower_ == "then":
        return score if one.label in _TIMES else -1
    if feature(word, "Number") == "Sing" and one.plural:
        return -1
    if feature(word, "Gender") in ("Masc", "Fem"):
        return score + 3 * one.of_who + 2 * (one.label == "PERSON") if person else score - 4
    if word.lower_ in ("they", "them", "their", "theirs"):
        return score + 3 * one.plural + (one.label == "ORG")
    return score - 3 * (one.of_who and full_name) - 1.5 * (one.person and full_name)


def _pointed(doc: Doc, turns: Sequence[Turn]) -> Iterator[str]:
    """The question with each thing that its pronouns can mean, the best fitting first."""
    meant = _meant(turns)
    groups: dict[str, list[Token]] = {}
    for word in filter(_points, doc):
        groups.setdefault(feature(word, "Gender") + word.lemma_[:3], []).append(word)
    choices = []
    for words in list(groups.values())[:3]:
        ranked = sorted(((_fit(words[0], m), m) for m in meant), key=lambda pair: -pair[0])
        fitting = [(score, words, m) for score, m in ranked if score >= 0][:_MOST]
        if words[0].lower_ in _DEMONSTRATIVES and words[0].dep_ != "det" and len(groups) > 1:
            fitting = [(_MOST, [], _NOTHING), *fitting]  # "that" can stand for all that was said
        choices.append(fitting)
    for chosen in sorted(product(*filter(None, choices)), key=lambda some: -sum(score for score, _, _ in some)):
        if len({m.text for _, _, m in chosen}) == len(chosen):
            yield replaced(doc, dict(_edit(w, m) for _, words, m in chosen for w in words))
    if turns[-1].answer and (said := next((w for w in doc if w.lower_ in ("that", "this") and w.dep_ == "dobj"), None)):
        told = turns[-1].answer
        yield replaced(doc, {(said.i, said.i + 1): f"that {told.rstrip('.')}"})


def _edit(word: Token, one: _Meant) -> tuple[tuple[int, int], str]:
    span = (word.i, word.i + 1)
    if word.lower_ == "there":
        return span, f"{one.place or ('in' if one.label in _PLACES else 'at')} {one.text}"
    if word.lower_ == "then":
        return span, f"in {one.text}"
    if word.tag_ == "PRP$" or word.dep_ == "poss":
        return span, f"{one.text}’" if one.text.endswith("s") and one.plural else f"{one.text}'s"
    if word.dep_ == "det":
        return (word.i, word.head.i + 1), one.text
    return (whole_span(word) if word.lower_ in ("one", "ones") else span), one.text


def _with_owner(doc: Doc, turns: Sequence[Turn]) -> Iterator[str]:
    """The question with whose thing it asks for: "Who is the chairman?" as "Who is the chairman of Lund?"."""
    chunk = next((c for c in doc.noun_chunks if c[0].lower_ == "the" and len(whole_range(c)) == len(c)), None)
    if chunk is not None:
        for one in sorted(_meant(turns), key=lambda m: (m.age, not m.name, not m.subject)):
            if one.label not in _TIMES:
                yield replaced(doc, {(chunk.start, chunk.end): f"{chunk.text} of {one.text}"})


def whole_range(chunk: Span) -> range:
    """The tokens of a noun phrase with all that depends on its head."""
    return range(*whole_span(chunk.root))


# -- the question before, with one thing exchanged ---------------------------------------------------------


def _exchanged(doc: Doc, last: Turn) -> Iterator[str]:
    earlier = read(last.question)
    if not _is_about(doc) and (span := asking(doc)):
        asked = doc[span[0] : span[1]].text.lower().removesuffix(" then")
        yield asked_of(earlier, asked)
        if last.answer:
            yield asked_of(read(last.answer), asked)
        return
    part = doc[2 if _is_about(doc) else 0 :]
    while len(part) and part[-1].is_punct:
        part = part[:-1]
    if not len(part):
        return
    preposition = part[0].lower_ if part[0].pos_ == "ADP" else ""
    words = part[1:].text if preposition else part.text
    yield from _in_place(earlier, words, preposition, _kind(part))


def _kind(part: Span) -> str:
    labels = {w.ent_type_ for w in part} & set(_TIMES)
    if labels or all(w.pos_ == "NUM" for w in part if w.pos_ not in ("ADP", "DET")):
        return "time"
    return "name" if any(w.pos_ == "PROPN" for w in part) else "thing"


def _in_place(earlier: Doc, words: str, preposition: str, kind: str) -> Iterator[str]:
    """The earlier question with the words in the place of each thing of the same kind, the likeliest first."""
    found: list[tuple[float, tuple[int, int]]] = []
    places = [(c, c.root) for c in earlier.noun_chunks if not any(w.tag_.startswith("W") for w in c)]
    places += [(earlier[whole_span(w)[0] : w.i + 1], w) for w in earlier if w.dep_ == "poss" and w.pos_ == "PROPN"]
    if kind == "thing" and (asked := asking(earlier)) and asked[1] - asked[0] > 1:
        counted = next(
            (w.i for w in earlier[asked[0] + 1 : asked[1]] if w.lower_ not in ("many", "much", "of")), asked[1]
        )
        yield replaced(earlier, {(counted, asked[1]): words})
    places += [(earlier[w.i : w.i + 1], w) for w in earlier if w.tag_ == "CD" and w.dep_ == "pobj"]
    for span, head in places:
        own = _kind(span)
        same = bool(preposition) and head.dep_ == "pobj" and head.head.lower_ == preposition
        if (own == "time") == (kind == "time"):
            score = 2.0 * (own == kind) + 3 * same + (head.dep_ in SUBJECTS) - (kind == "name" and len(span) > 3)
            found.append((score - any(w.dep_ == "poss" for w in span[:-1]), (span.start, span.end)))
    for _, place in sorted(dict.fromkeys(found), key=lambda pair: -pair[0]):
        yield replaced(earlier, {place: words})
    if kind == "time" or preposition:
        behind = f"{preposition or 'in'} {words}"
        yield as_question(f"{earlier.text.rstrip(' ?')} {behind}")
