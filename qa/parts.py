"""A question that asks for more than one fact -> questions that each ask for one, and what joins their answers.

Each part is the question itself with one conjunct in the place of several, read anew to see that it stands. Where the
construction is not clear the question stays whole: a split that is missing costs a search, a wrong one the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from citewire.qa.analysis import Doc, Span, Token, read
from citewire.qa.arithmetic import Operation
from citewire.qa.followup import follow_up, leans, opened
from citewire.qa.rewriting import SUBJECTS, VERBS, as_question, asked_of, asking, feature, is_name, replaced, root
from citewire.qa.types import Turn

Kind = Literal["plain", "list", "comparison", "change"]

_MOST = 8  # parts; a reader asks for fewer, a pasted table of names is no question
# The direction of a comparison by the lemma of its word: quantifiers, words for time, and the few adjectives that name
# the smaller end of a scale told in figures. Every other one is taken for the larger end.
_DIRECTIONS: dict[str, Operation] = {
    "less": "smaller", "least": "smaller", "few": "smaller", "fewer": "smaller", "fewest": "smaller",
    "little": "smaller", "low": "smaller", "small": "smaller", "cheap": "smaller", "short": "smaller",
    "light": "smaller", "slow": "smaller", "near": "smaller",
    "old": "older", "young": "younger", "new": "younger",
    "early": "earlier", "soon": "earlier", "first": "earlier", "late": "later", "last": "later",
}  # fmt: skip
_LEVELS = ("high", "low", "large", "great", "small", "big")  # of a quantity these say no more than its figure
_POSITIVE = {"better": "good", "best": "good"}
_DEGREES = ("JJR", "JJS", "RBR", "RBS")
_QUANTIFIERS = ("more", "most", "less", "least", "few", "fewer", "fewest", "much", "many", "little")
_SINGULAR = {"are": "is", "were": "was", "do": "does", "have": "has"}
_EACH = ("each", "both", "respectively", "separately", "individually")


@dataclass(frozen=True, slots=True)
class Whole:
    """What a question asks for as a whole.

    Attributes:
        kind: "comparison" of two things or more, "list" of several answers, "change" of one thing over time, "plain".
        operation: what is to be done with the figures or days that the parts' answers give, "" if nothing.
        parts: questions that stand alone, in the order of the answer; empty for one plain question, and for a
            comparison or a change whose parts the words do not name.
    """

    kind: Kind = "plain"
    operation: Operation | Literal[""] = ""
    parts: tuple[str, ...] = ()


def whole(text: str) -> Whole:
    """Return what `text`, a question that stands alone, asks for as a whole."""
    found = _read(" ".join(text.split()))
    parts = tuple(dict.fromkeys(found.parts))
    return Whole() if found.parts and not 2 <= len(parts) <= _MOST else Whole(found.kind, found.operation, parts)


def _read(text: str, depth: int = 2) -> Whole:
    doc = read(text)
    if not depth or not any(w.is_alpha for w in doc):
        return Whole()
    rules: tuple[Callable[[Doc], Whole | None], ...] = (
        _questions,
        _change,
        _choice,
        _than,
        _set_beside,
        _each,
        _coordinated,
    )
    found = next((whole for rule in rules if (whole := rule(doc))), Whole())
    if found.kind != "list":
        return found
    return Whole("list", found.operation, tuple(q for p in found.parts for q in (_read(p, depth - 1).parts or (p,))))


# -- several questions ------------------------------------------------------------------------------------


def _questions(doc: Doc) -> Whole | None:
    """Questions one after the other, or joined by "and"."""
    if "?" in doc[:-1].text:
        pieces = [opened(read(piece.strip()))[:] for piece in doc.text.split("?") if piece.strip()]
        return _standing([as_question(p.text) for p in pieces]) if all(map(_opens, pieces)) else None
    for joint in doc[1:-1]:
        if joint.tag_ == "CC" and joint.lower_ in ("and", "but") and not _is_quoted(joint):
            first, second = doc[: joint.i], doc[joint.i + 1 :]
            if found := _two(read(first.text.rstrip(" ,;")), second):
                return found
    return None


def _two(first: Doc, second: Span) -> Whole | None:
    if second[0].lower_ == "also":
        second = second[1:]
    if not len(second) or not _opens(second) or not _opens(first[:]) or _has_relative(first):
        return None
    behind = read(second.text)
    asked = asking(behind)
    clause = any(w.pos_ in VERBS for w in behind)
    own = asking(first)
    if own and own[1] == len(first):  # "When and where was it built?"
        rest = behind[asked[1] :].text if asked and clause else ""
        return Whole("list", parts=(as_question(f"{first.text} {rest}"), as_question(second.text))) if rest else None
    if not any(w.pos_ in VERBS for w in first):
        return None
    if clause:
        return _standing([as_question(first.text), as_question(second.text)])
    again = (
        _again(first, behind[:].text.rstrip(" ?!.")) if asked and behind[asked[1] :].text.strip(" ?!.") == "" else ""
    )
    return Whole("list", parts=(as_question(first.text), again)) if again else None


def _again(first: Doc, asked: str) -> str:
    """The first question with other question words: "Who founded Acme" with "when"."""
    if again := asked_of(first, asked):
        return again
    verb, span = root(first), asking(first)
    thing = next((w for w in verb.children if w.dep_ == "dobj" and w.i > verb.i), None)
    if not span or thing is None or verb.i != span[1] or not (verb.tag_ == "VBD" and verb.lower_.endswith("ed")):
        return ""  # other forms of a passive are not known
    start, end = thing.left_edge.i, thing.right_edge.i + 1
    be = "were" if feature(thing, "Number") == "Plur" else "was"
    return as_question(f"{asked} {be} {first[start:end].text} {verb.text} {first[end:].text}")


def _opens(words: Span) -> bool:
    """Whether the words begin as a question does: with a question word or an auxiliary before its subject."""
    if not len(words):
        return False
    if words[0].pos_ in ("ADP", "SCONJ") and not words[0].tag_.startswith("W"):
        words = words[1:]
    if not len(words) or words[0].tag_.startswith("W"):
        return bool(len(words))
    return (
        words[0].pos_ == "AUX"
        and len(words) > 2
        and (is_name(words[1]) or words[1].pos_ in ("DET", "PRON", "NOUN", "ADJ"))
    )


def _has_relative(doc: Doc) -> bool:
    asked = asking(doc)
    return any(w.tag_ in ("WP", "WDT", "WP$") and (not asked or w.i >= asked[1]) for w in doc) or any(
        w.dep_ in ("ccomp", "relcl") and any(c.tag_ == "WRB" for c in w.children) for w in doc
    )


def _is_quoted(word: Token) -> bool:
    return word.doc[: word.i].text.count('"') % 2 == 1 or word.doc[: word.i].text.count("“") > word.doc[
        : word.i
    ].text.count("”")


def _standing(pieces: Sequence[str]) -> Whole | None:
    """The questions as a list, what they leave out filled in from those before."""
    turns: list[Turn] = []
    for piece in pieces:
        if turns and leans(piece):
            piece = follow_up(piece, turns)[0]
            if leans(piece):
                return None
        turns.append(Turn(piece, ""))
    return Whole("list", parts=tuple(t.question for t in turns))


# -- one question for several things ------------------------------------------------------------------------


def _coordinated(doc: Doc) -> Whole | None:
    """The same asked of several times, names or quantities."""
    asked = asking(doc)
    for head in doc:
        items = [head, *head.conjuncts] if head.dep_ != "conj" else []
        joints = [c for item in items for c in item.children if c.dep_ == "cc"]
        if len(items) < 2 or any(c.lower_ not in ("and", "&") for c in joints) or (asked and head.i < asked[1]):
            continue
        if _is_quoted(head) or not joints or (asked and doc[asked[0]].lower_ == "why"):
            continue
        if parts := _times(items) or _things(items):
            return Whole("list", parts=tuple(parts))
    return None


def _each(doc: Doc) -> Whole | None:
    """As in "How many ships did A, B and C each buy?", "Do A and B both sell ships?"."""
    word = next((w for w in doc if w.lower_ in ("each", "both")), None)
    lead = next((w for w in doc if w.lower_ in _SINGULAR or w.tag_ in ("MD", "VBD")), None)
    if word is None or lead is None or word.i < lead.i or len(names := _items(doc[lead.i + 1 : word.i])) < 2:
        return None
    edits = {(lead.i, lead.i + 1): _singular(lead), (word.i, word.i + 1): ""}
    return Whole("list", parts=tuple(replaced(doc, {**edits, (lead.i + 1, word.i): name}) for name in names))


def _is_time(word: Token) -> bool:
    return word.ent_type_ == "DATE" or (word.tag_ == "CD" and len(word.text) == 4 and word.is_digit)


def _times(items: Sequence[Token]) -> list[str]:
    before = items[0].head
    if not all(map(_is_time, items)) or items[0].dep_ != "pobj" or before.lower_ in ("between", "from"):
        return []
    return _shared(items)


def _things(items: Sequence[Token]) -> list[str]:
    """The parts for coordinated subjects, or things that belong to them, where each has its own."""
    head, doc = items[0], items[0].doc
    each = any(w.lower_ in _EACH for w in doc)
    verb = next((w for w in head.ancestors if w.pos_ in VERBS), head)
    auxiliary = next((w for w in verb.lefts if w.pos_ == "AUX"), verb)
    if any(w.lower_ == "together" for w in doc) or not all(i.pos_ in ("NOUN", "PROPN") for i in items):
        return []
    plural = auxiliary.lower_ in ("are", "were") and auxiliary.i < head.i
    if head.dep_ in (*SUBJECTS, "attr") and head.head == verb:
        names = all(i.pos_ == "PROPN" for i in items)
        owned = [any(c.dep_ in ("det", "poss") for c in i.children) for i in items]
        alike = len({feature(i, "Number") for i in items}) == 1 and feature(head, "Number") != "Plur"
        if (
            each
            or (plural and asking(doc) and (names or all(owned) or (owned[0] and alike)))
            or (all(owned) and asking(doc))
        ):
            return _shared(items, auxiliary)
        return []
    of = head.head
    owner = of.head if head.dep_ == "pobj" and of.lower_ in ("of", "in", "at") else None
    if owner is None or owner.dep_ not in (*SUBJECTS, "attr") or not (each or (plural and owner.tag_ == "NNS")):
        return []
    return _shared(items, auxiliary, owner)


def _shared(items: Sequence[Token], auxiliary: Token | None = None, owner: Token | None = None) -> list[str]:
    """The question once for each of the items, which share what stands before the first and after the last."""
    doc, last = items[0].doc, items[-1]
    opening = [c for c in items[0].lefts if c.dep_ in ("det", "poss")]
    tails = [next((c.i for c in i.rights if c.dep_ in ("prep", "nummod")), None) for i in items]
    own_tails = tails[0] is not None and tails[0] < items[1].i
    parts = []
    for item in items:
        begin = min([item.i, *(c.left_edge.i for c in item.lefts if c.dep_ != "cc")])
        words = doc[begin : (item.right_edge.i + 1 if own_tails and item is last else item.i + 1)].text
        if own_tails and item is not last:
            words = doc[begin : next(c.i for c in item.rights if c.dep_ in ("cc", "punct", "conj"))].text
        if item is not items[0] and opening and not any(c.dep_ in ("det", "poss") for c in item.lefts):
            words = f"{doc[opening[0].left_edge.i : opening[-1].right_edge.i + 1].text} {words}"
        end = last.right_edge.i + 1 if own_tails else last.i + 1
        edits = {(min([items[0].i, *(c.left_edge.i for c in items[0].lefts)]), end): words}
        edits |= {(w.i, w.i + 1): "" for w in doc if w.lower_ in _EACH}
        if auxiliary is not None and (owner is not None or feature(item, "Number") != "Plur" or item.pos_ == "PROPN"):
            edits[auxiliary.i, auxiliary.i + 1] = _singular(auxiliary)
        if owner is not None and owner.tag_ == "NNS":
            edits[owner.i, owner.i + 1] = owner.lemma_
        parts.append(replaced(doc, edits))
    return parts


def _singular(auxiliary: Token) -> str:
    plain = _SINGULAR.get(auxiliary.lower_, auxiliary.lower_)
    return plain.capitalize() if auxiliary.is_title else plain


# -- comparisons --------------------------------------------------------------------------------------------


def _choice(doc: Doc) -> Whole | None:
    """One of several is asked for: "Which is older, A or B?", "Which of A and B had more?"."""
    split = _choice_behind(doc) or _choice_before(doc)
    if not split or len(split[1]) < 2:
        return None
    bare = read(as_question(split[0]))
    asked = asking(bare)
    verb = bare[asked[1]] if asked and asked[1] < len(bare) else None
    if verb is None or verb.pos_ not in VERBS or asked is None:
        return None
    helped = verb.pos_ == "AUX" and verb.lemma_ != "have"
    lead = _singular(verb) if helped else "did" if verb.tag_ == "VBD" else "does"
    rest = list(bare[asked[1] + helped :])
    degree = next(
        (w for w in rest if w.tag_ in _DEGREES or (w.lower_ in ("first", "last") and w.dep_ == "advmod")), None
    )
    if degree is None:
        made = [as_question(f"{lead} {name} {_plain(rest, verb)}") for name in split[1]] if len(rest) > 1 else []
        return Whole("comparison", "", tuple(made)) if made else None
    return _compared([_measure(lead, name, rest, degree, verb) for name in split[1]], _direction(degree))


def _compared(parts: Sequence[str], operation: Operation) -> Whole | None:
    return Whole("comparison", operation, tuple(parts)) if all(parts) else None


def _plain(words: Sequence[Token], finite: Token | None) -> str:
    """The words behind a helping verb: "sold its mill" is "sell its mill"."""
    return "".join((w.lemma_ + " " if w == finite and w.pos_ in VERBS else w.text_with_ws) for w in words)


def _direction(degree: Token) -> Operation:
    if any(c.lower_ in ("less", "least") for c in degree.children):
        return "smaller"
    return _DIRECTIONS.get(degree.lower_, _DIRECTIONS.get(degree.lemma_.lower(), "larger"))


def _measure(lead: str, name: str, rest: Sequence[Token], degree: Token, finite: Token | None = None) -> str:
    """How much one thing has of what is compared, "" where unclear: "does A have more ships" is "How many ships ...".

    Args:
        lead: the helping verb.
        name: the thing.
        rest: what follows it in a question for yes or no.
        degree: the word among these, or before them, that compares.
        finite: the verb among these that the helping verb makes plain.
    """
    noun = degree.head if degree.dep_ == "amod" and degree.head.i > degree.i else None
    adjective = degree.head if degree.lower_ in _QUANTIFIERS and degree.head.pos_ in ("ADJ", "ADV") else None
    adjective = adjective if adjective is not None and adjective.i > degree.i else None
    top = noun if noun is not None else adjective if adjective is not None else degree
    dropped = {
        c.i for c in (*degree.children, *top.children) if c.i < top.i and c.dep_ in ("det", "advmod", "npadvmod")
    }
    before = _plain([w for w in rest if w.i < degree.i and w.i not in dropped], finite).strip()
    after = "".join(w.text_with_ws for w in rest if w.i > top.i)
    thing = degree.doc[degree.i + 1 : top.i + 1].text
    is_be = lead in ("is", "was", "are", "were")
    if adjective is not None:
        return as_question(f"how {adjective.text} {lead} {name} {before} {after}")
    if degree.lower_ in _QUANTIFIERS:
        many = "many" if top.tag_ == "NNS" else "much"
        return "" if is_be or not before else as_question(f"how {many} {thing} {lead} {name} {before} {after}")
    how = f"how {_POSITIVE.get(degree.lower_, degree.lemma_.lower())}"
    if before == "have" and noun is not None:
        be = ("were" if lead == "did" else "are") if noun.tag_ == "NNS" else "was" if lead == "did" else "is"
        return as_question(f"{'what' if degree.lemma_ in _LEVELS else how} {be} {name}'s {thing} {after}")
    if before:
        return as_question(f"when {lead} {name} {before} {after}") if _direction(degree) in ("earlier", "later") else ""
    measured = _is_quantity(read(name)[:]) and degree.lemma_ in _LEVELS
    return as_question(f"{'what' if measured else how} {lead} {name} {after}") if is_be and noun is None else ""


def _is_quantity(thing: Span) -> bool:
    """Whether the words name something of something: Acme's cost, the cost of Acme."""
    head = thing.root
    return head.pos_ == "NOUN" and any(c.dep_ in ("poss", "prep") for c in head.children)


def _choice_behind(doc: Doc) -> tuple[str, list[str]] | None:
    """What is asked and the things of "Which is older, A or B?" and "Which firm, A or B, is older?"."""
    joint = next((w for w in reversed(doc) if w.lower_ == "or"), None)
    if joint is None or doc[0].lower_ not in ("which", "who", "what"):
        return None
    end = next((w.i for w in doc[joint.i :] if w.is_punct), len(doc))
    breaks = [w.i for w in doc[: joint.i] if w.text in (",", ":", "-", "–")]
    at = next((b for b in breaks if any(w.pos_ in VERBS for w in doc[:b]) or end < len(doc) - 1), None)
    return (f"{doc[:at].text} {doc[end + 1 :].text}", _items(doc[at + 1 : end])) if at else None


def _choice_before(doc: Doc) -> tuple[str, list[str]] | None:
    """What is asked and the things of "Which of A and B ..." and "Of A and B, which ..."."""
    of = next((w for w in doc[:3] if w.lower_ in ("of", "between", "among")), None)
    joint = next((w for w in doc if w.tag_ == "CC"), None)
    if of is None or joint is None or joint.i < of.i or (of.i and doc[0].lower_ != "which"):
        return None
    end = next((w.i for w in doc[joint.i :] if (w.pos_ in VERBS if of.i else w.text == ",")), len(doc))
    asked = doc[end + (not of.i) :]
    if not len(asked) or (not of.i and asked[0].lower_ not in ("which", "who")):
        return None
    return f"{'which ' if of.i else ''}{asked.text}", _items(doc[of.i + 1 : end])


def _items(words: Span) -> list[str]:
    """The things that a list names, each a noun phrase."""
    found: list[list[Token]] = [[]]
    for word in words:
        if word.tag_ == "CC" or word.text == ",":
            found.append([])
        elif not word.is_punct:
            found[-1].append(word)
    found = [some for some in found if some]
    nominal = all(any(w.pos_ in ("NOUN", "PROPN", "NUM") or is_name(w) for w in some) for some in found)
    clear = nominal and not any(w.pos_ in VERBS and not is_name(w) for some in found for w in some)
    return [words.doc[some[0].i : some[-1].i + 1].text for some in found] if clear else []


def _than(doc: Doc) -> Whole | None:
    """Two things by "than": "Is A older than B?", "How much more did A earn than B?"."""
    than = next((w for w in doc if w.lower_ == "than"), None)
    degree = next((w for w in reversed(doc[: than.i]) if w.tag_ in _DEGREES), None) if than is not None else None
    asked = asking(doc)
    much = asked is not None and doc[asked[0]].lower_ in ("how", "by")
    lead = next((w for w in doc if w.pos_ == "AUX"), None)
    if than is None or degree is None or lead is None or (not much and lead.i != 0):
        return None
    end = next(
        (
            w.i
            for w in doc[than.i + 2 :]
            if w.is_punct or (w.pos_ in (*VERBS, "ADP", "PART") and w.lower_ not in ("of", "'s", "’s"))
        ),
        len(doc),
    )
    stop = next(
        (
            w.i
            for w in doc[lead.i + 1 : than.i]
            if (w.pos_ in VERBS and not is_name(w)) or w == degree or (w.dep_ == "advmod" and w.head == degree)
        ),
        than.i,
    )
    first, other = doc[lead.i + 1 : stop], doc[than.i + 1 : end]
    time = next((w.head for w in doc[stop : than.i] if _is_time(w) and w.dep_ == "pobj"), None)
    rest = [w for w in (*doc[stop : than.i], *doc[end:]) if not w.is_punct and w.pos_ != "AUX"]
    if other and other[0].pos_ == "ADP":  # one thing at two times
        if time is None or not any(map(_is_time, other)):
            return None
        rest = [w for w in rest if w not in time.subtree]
        names, tails = [first.text] * 2, [doc[time.left_edge.i : time.right_edge.i + 1].text, other.text]
        tails[0] = doc[time.i : time.i + 2].text
    else:
        names, tails = _both(first, other), ["", ""]
    if not names or not first:
        return None
    made = [_measure(lead.lower_, name, rest, degree) for name in names]
    if much and degree.i < lead.i:
        made = [_asked_degree(doc, degree, lead, name, rest) for name in names]
    operation: Operation = "ratio" if any(w.lower_ == "times" for w in doc[: degree.i]) else "difference"
    parts = [as_question(f"{q.rstrip('?')} {tail}") if q else "" for q, tail in zip(made, tails, strict=True)]
    return _compared(parts, operation if much else _direction(degree))


def _asked_degree(doc: Doc, degree: Token, lead: Token, name: str, rest: Sequence[Token]) -> str:
    """The question with "how many more", of one thing without "more"."""
    behind = "".join(w.text_with_ws for w in rest)
    if degree.lower_ not in _QUANTIFIERS or (degree.head.pos_ == "ADJ" and degree.head.i > degree.i):
        return _measure(lead.lower_, name, rest, degree)
    thing = doc[degree.i + 1 : lead.i].text
    many = "many" if doc[lead.i - 1].tag_ == "NNS" else "much"
    return as_question(f"how {many if thing else 'much'} {thing} {lead.text} {name} {behind}")


def _both(first: Span, other: Span) -> list[str]:
    """Both things that are compared in full: Acme's cost and "Lund's", Acme's cost and "that of Lund"."""
    if not len(first) or not len(other) or first.text.lower() == other.text.lower():
        return []
    figures = any(w.pos_ == "NUM" or w.is_currency for w in other) or other[0].lower_ in ("a", "an", "any")
    pronoun = any(w.pos_ == "PRON" and w.lower_ not in ("that", "those") for w in other)
    if figures or pronoun or not any(w.pos_ in ("PROPN", "NOUN") or is_name(w) for w in other):
        return []
    mark = next((w.i for w in first if w.tag_ == "POS"), None)
    owned = first.doc[mark + 1 : first.end].text if mark else ""
    if other[-1].tag_ == "POS":
        return [first.text, f"{other.text} {owned}"] if owned else []
    if other[0].lower_ in ("that", "those"):
        of = next((w.i for w in first if w.lower_ == "of"), first.end)
        return [
            first.text,
            f"the {owned} {other[1:].text}" if owned else f"{first.doc[first.start : of].text} {other[1:].text}",
        ]
    if owned and all(w.pos_ == "PROPN" for w in other):
        return [first.text, f"{other.text}'s {owned}"]
    other_mark = next((w.i for w in other if w.tag_ == "POS"), None)
    if other_mark and not owned and all(w.pos_ == "PROPN" or is_name(w) for w in first):  # "Acme and Lund's revenue"
        return [f"{first.text}'s {other.doc[other_mark + 1 : other.end].text}", other.text]
    return [first.text, other.text]


def _set_beside(doc: Doc) -> Whole | None:
    """Things set side by side: "Compare A and B", "How does A compare with B?", "the difference between A and B"."""
    word = next((w for w in doc if w.lemma_.lower() in ("compare", "difference", "ratio")), None)
    if word is None:
        return None
    lead = next((w for w in doc[: word.i + 1] if w.pos_ == "AUX"), None)
    be = (
        lead.lower_
        if lead is not None and lead.lemma_ == "be"
        else "was"
        if lead is not None and lead.lower_ == "did"
        else "is"
    )
    between, aspect = word, doc[0:0]
    if word.lemma_.lower() != "compare":
        between = next((w for w in doc[word.i :] if w.lower_ in ("between", "of")), word)
        aspect = doc[word.i + 1 : between.i]
        if between == word or lead is None or lead.lemma_ != "be" or (aspect and aspect[0].lower_ != "in"):
            return None
    elif word.i and (lead is None or doc[0].lower_ != "how"):
        return None
    words = (
        doc[between.i + 1 :].text
        if not word.i or between != word
        else f"{doc[lead.i + 1 : word.i].text} {doc[word.i + 1 :].text}"
        if lead is not None
        else ""
    )
    things = read(words.rstrip(" ?!."))
    joint = next((w for w in things if w.lower_ in ("and", "with", "to", "against")), None)
    when = next(
        (
            w.i
            for w in things
            if w.lower_ in ("in", "during", "for")
            and joint is not None
            and w.i > joint.i
            and any(map(_is_time, things[w.i + 1 : w.i + 3]))
        ),
        len(things),
    )
    if joint is None or not joint.i or any(w.pos_ in VERBS for w in things):
        return None
    if any(map(_is_time, things[: joint.i])):
        return Whole("comparison")  # of one thing at two times: not one question each
    names = _both(things[: joint.i], things[joint.i + 1 : when])
    if aspect:
        names = [f"the {aspect[1:].text.removeprefix('the ')} of {name}" for name in names]
    told = bool(aspect) or any(_is_quantity(read(name)[:]) for name in names)
    ask = f"what {be}" if told else "what is known about"
    operation: Operation | Literal[""] = (
        "" if not told or word.lemma_.lower() == "compare" else "ratio" if word.lemma_ == "ratio" else "difference"
    )
    return Whole("comparison", operation, tuple(as_question(f"{ask} {name} {things[when:].text}") for name in names))


# -- change over time ---------------------------------------------------------------------------------------


def _change(doc: Doc) -> Whole | None:
    """How one thing changed from one time to another."""
    asked = asking(doc)
    lead = next((w for w in doc if w.pos_ == "AUX"), None)
    start = next((w.i for w in doc if w.lower_ in ("from", "between", "since")), len(doc))
    if (
        asked is None
        or lead is None
        or lead.lemma_ == "be"
        or lead.i != asked[1]
        or doc[asked[0]].lower_ not in ("how", "by", "what")
    ):
        return _change_in(doc)
    how = doc[asked[1] - 1]
    if how.lower_ not in ("how", "much", "percent", "percentage", "%"):
        return None
    words = [w for w in doc[lead.i + 1 : start] if not w.is_punct]
    moves = words[-1] if words else None
    # in a question's order the verb is often read as a noun: it is the last word before the times
    if moves is None or len(words) < 2 or moves.tag_ in ("NNS", "NNP") or any(w.pos_ == "VERB" for w in words[:-1]):
        return None
    times = _span(doc[start:])
    if not times:
        return Whole("change") if moves.lemma_ == "change" and how.lower_ == "how" and start == len(doc) else None
    operation: Operation = "difference" if how.lower_ in ("how", "much") else "percent change"
    return _at_both(doc[lead.i + 1 : moves.i], times, operation)


def _change_in(doc: Doc) -> Whole | None:
    """As in "What was the change in A from one time to another?"."""
    word = next((w for w in doc if w.lemma_ == "change" and w.pos_ == "NOUN"), None)
    into = next((c for c in word.children if c.lower_ in ("in", "of")), None) if word is not None else None
    thing = next((c for c in into.children if c.dep_ == "pobj"), None) if into is not None else None
    if word is None or thing is None:
        return None
    end = next((w.i for w in doc[thing.i :] if w.lower_ in ("from", "between", "since")), len(doc))
    if not (times := _span(doc[end:])):
        return None
    percent = any(w.lower_ in ("percent", "percentage", "relative") for w in doc[: word.i])
    return _at_both(doc[thing.left_edge.i : end], times, "percent change" if percent else "difference")


def _span(words: Span) -> tuple[str, str] | None:
    """The two times of "from 2019 to 2023", "between March and May 2023", "since 2019"."""
    if not len(words) or words[0].lower_ not in ("from", "between", "since"):
        return None
    if words[0].lower_ == "since":
        return (f"in {words[1:].text.rstrip(' ?!.')}", "now") if any(map(_is_time, words)) else None
    joint = next((w for w in words if w.lower_ in ("to", "and", "until", "through")), None)
    if joint is None:
        return None
    first, last = words.doc[words.start + 1 : joint.i], words.doc[joint.i + 1 : words.end]
    if not len(first) or not all(any(map(_is_time, part)) for part in (first, last)):
        return None
    return f"in {first.text}", f"in {last.text.rstrip(' ?!.')}"


def _at_both(thing: Span, times: tuple[str, str], operation: Operation) -> Whole:
    alone = read(thing.text)
    if all(is_name(w) or w.pos_ == "DET" for w in thing):
        return Whole("change")  # what of it changed is not said
    plural = root(alone).tag_ == "NNS"
    asked = [("are" if plural else "is") if t == "now" else ("were" if plural else "was") for t in times]
    return Whole(
        "change",
        operation,
        tuple(as_question(f"what {be} {thing.text} {t}") for be, t in zip(asked, times, strict=True)),
    )
