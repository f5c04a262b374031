"""The things that a question for several asks for, from several sentences and articles, each thing once.

Knows the words that the reader found and how a sentence coordinates them; asks no language model and does not search.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from math import sqrt
from statistics import fmean

from citewire.index.passages import title_words
from citewire.index.types import Span
from citewire.qa import analysis, facts
from citewire.qa.analysis import Doc, Token
from citewire.qa.claims import Place
from citewire.qa.evidence import ANSWERS, ArticleOf, Evidence, odds
from citewire.qa.reader import Reader

_READ = 24  # sentences, the likeliest, in which things are looked for
_NEAR_BEST = 0.6  # share of the best thing's probability from which another is listed
_LEAST = ANSWERS  # probability of a thing that is listed
_SENTENCES = 8  # that the things may come from
_CLEARLY = 0.5  # probability of a sentence from which what it names is listed; with the question's names, `ANSWERS`
_COORDINATED = 3  # things in a row that a number before them may count
_AMOUNTS = ("CARDINAL", "MONEY", "ORDINAL", "PERCENT", "QUANTITY")  # entities that are no thing
_INTRODUCING = 8  # sentences, the likeliest, behind which lines are looked at
_LINES, _LINE_WORDS = 40, 14  # lines that are taken behind a sentence at most, and words of one
_INTRODUCES, _SAID = 0.2, 0.5  # probability of such a sentence, and mean support of its lines, from which it is one
_AHEAD = 400  # characters before such a sentence in which, with the title, the words of the question may stand
_AS_MUCH = 0.4  # share of the best support in a row below which a thing of it is not meant
_NEAR_ROW = 3.0  # times by which the odds of a sentence may be behind those of the best row
_BEHIND_COLON, _BEHIND_STOP = 2, 3  # lines that make a list behind a sentence that ends so
_OF_ONE_FORM = 0.6  # share of the lines with a figure from which those without are headings among them, not things
_NOMINAL = ("NOUN", "PROPN", "NUM", "X")
_INSIDE = ("compound", "amod", "nmod")  # of a noun phrase, before its head

Sort = tuple[str, str]  # name, noun or other; of a name its kind, "" where not known


@dataclass(frozen=True, slots=True)
class Item:
    """One thing of a list.

    Attributes:
        words: the thing, as its sentence names it.
        article: path of the article.
        answer: where the words stand, as offsets into the article's text.
        sentence, text: the sentence that names it, as offsets and character-exact.
        probability: that it is one of those asked for, 0 to 1: how likely the sentence answers and says it of this one.
        intro: the sentence that introduces the line, which `sentence` is then; None where a sentence itself names it.
    """

    words: str
    article: str
    answer: Span
    sentence: Span
    text: str
    probability: float
    intro: Place | None = None


def places(found: Sequence[Item]) -> list[Place]:
    """Return the sentences and lines that name the things, each once, behind the one that introduces them."""
    intros = [one.intro for one in found if one.intro]
    return list(dict.fromkeys([*intros, *(Place(one.article, one.sentence, one.text) for one in found)]))


def introduced(question: str, evidence: Sequence[Evidence], article: ArticleOf, reader: Reader) -> tuple[Item, ...]:
    """Return the things on the lines behind a sentence that introduces them: "The seven countries are:"; else ().

    Args:
        question: one that asks for several things.
        evidence: as `qa.evidence.gather` returns it.
        article: looks up an article by path.
        reader: tells whether the lines are things of those asked for.
    """
    for told in sorted(evidence, key=lambda one: -one.probability)[:_INTRODUCING]:
        text = article(told.article).text
        intro = Place(told.article, told.span, told.text)
        lines = _lines(text, told.span) if told.probability >= _INTRODUCES else []
        found = [_of_line(line, text, told, intro) for line in lines]
        if not found:
            continue
        ahead = f"{title_words(article(told.article))} {text[max(0, told.span.start - _AHEAD) : told.span.end]}"
        named = told.text.endswith(":") and set(facts.terms(question)) <= set(facts.terms(ahead))
        said = reader.verify([(f"{question} {one.words}.", f"{told.text} {one.text}.") for one in found])
        if named or fmean(one.supported for one in said) >= _SAID:
            return tuple(found)
    return ()


def items(question: str, evidence: Sequence[Evidence], reader: Reader) -> tuple[Item, ...]:
    """Return the things asked for, those of the likeliest sentence first and in its order; () where it is no list.

    It is one where a sentence that answers names several in a row, or several sentences that answer name one each.

    Args:
        question: one that asks for several things.
        evidence: as `qa.evidence.gather` returns it.
        reader: tells of each thing whether its sentence says it of this one.
    """
    if max((one.probability for one in evidence), default=0.0) < ANSWERS:
        return ()
    likeliest = sorted(evidence, key=lambda one: -one.probability)[:_READ]
    named = [one for told in likeliest for one in _named(told) if not _is_none(question, one)]
    said = reader.verify([(f"{question} {one.words}.", one.text) for one in named])
    supported = [(one, support.supported) for one, support in zip(named, said, strict=True)]
    groups = [_scored(question, list(group)) for _, group in groupby(supported, key=lambda pair: _place(pair[0]))]
    found = _listed(_of_one_sort(_together(question, [group for group in groups if group])))
    return found if len(found) > 1 else ()


def _scored(question: str, group: Sequence[tuple[Item, float]]) -> list[Item]:
    """The things of one sentence with their probabilities; [] where it does not answer clearly enough.

    The verifier tells better which of several in a row is not meant than whether any of them is.
    """
    highest = max(supported for _, supported in group)
    first = group[0][0]
    named = all(facts.has_name(name, first.text) for name in facts.names(question))
    if len(group) > 1 and first.probability >= (ANSWERS if named else _CLEARLY):
        return [one for one, supported in group if supported >= _AS_MUCH * highest]
    alone = len(group) == 1 and first.probability >= _CLEARLY
    return [replace(first, probability=sqrt(first.probability * highest))] if alone else []


def _together(question: str, groups: Sequence[Sequence[Item]]) -> list[Item]:
    """The things of the sentences that answer as one: a long row alone, else what is as likely and names the same."""
    rows = [group for group in groups if len(group) > 1]
    best = max(rows or groups, key=lambda group: group[0].probability, default=())
    if not best:
        return []
    asked = [name for name in facts.names(question) if facts.has_name(name, best[0].text)]
    kept = list(best)
    for group in groups:
        alike = all(facts.has_name(name, group[0].text) for name in asked) or not asked
        near = odds(group[0].probability) * _NEAR_ROW >= odds(best[0].probability)
        if group is not best and alike and near and (len(group) > 1 or len(best) < _COORDINATED):
            kept += group
    return kept


def _place(one: Item) -> tuple[str, Span]:
    return one.article, one.sentence


def short(found: Sequence[Item]) -> str:
    """Return the things in one line: "A, B and C"."""
    words = [one.words for one in found]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _listed(scored: Sequence[Item]) -> tuple[Item, ...]:
    """The likely ones, each once, from the likeliest sentences."""
    bar = max(_LEAST, _NEAR_BEST * max((one.probability for one in scored), default=0.0))
    likely = sorted((one for one in scored if one.probability >= bar), key=lambda one: -one.probability)
    places = list(dict.fromkeys((one.article, one.sentence) for one in likely))
    found: list[Item] = []
    used: set[tuple[str, Span]] = set()
    for place in places:
        here = sorted((one for one in likely if (one.article, one.sentence) == place), key=lambda one: one.answer.start)
        for one in here:
            if not any(_same(one.words, other.words) for other in found) and len({*used, place}) <= _SENTENCES:
                found.append(one)
                used.add(place)
    return tuple(found)


def _same(one: str, other: str) -> bool:
    """Whether two texts name one thing: all words of one, as it is compared, are in the other."""
    return facts.same_name(one, other) or facts.has_name(one, other) or facts.has_name(other, one)


def _of_one_sort(found: Sequence[Item]) -> list[Item]:
    """Those of the sort that is likeliest together: names of people, of places, ..., nouns, or other words.

    What one sentence names is taken for one sort.
    """
    weights: dict[Sort, float] = {}
    sorts: dict[tuple[str, Span], Sort] = {}
    for (path, sentence), group in groupby(found, key=lambda one: (one.article, one.sentence)):
        here = list(group)
        sort = Counter(map(_sort, here)).most_common(1)[0][0]
        sorts[path, sentence] = sort
        weights[sort] = weights.get(sort, 0.0) + sum(one.probability**2 for one in here)
    kinds: dict[str, float] = {}
    for (kind, _), weight in weights.items():
        kinds[kind] = kinds.get(kind, 0.0) + weight
    kind = max(kinds, key=lambda one: kinds[one], default="")
    labels = {label: weight for (other, label), weight in weights.items() if other == kind and label}
    label = max(labels, key=lambda one: labels[one], default="")
    return [one for one in found if sorts[one.article, one.sentence] in ((kind, label), (kind, ""))]


def _sort(one: Item) -> Sort:
    tokens = _tokens(analysis.read(one.text), _own(one))
    head = _head(tokens)
    if any(token.pos_ == "PROPN" for token in tokens) and head.pos_ in _NOMINAL:
        return "name", head.ent_type_
    return ("noun" if head.pos_ in _NOMINAL else "other"), ""


def _is_none(question: str, one: Item) -> bool:
    """Whether words are an amount or only say again what the question names: "three states" of "Which states ...?"."""
    asked = set(facts.terms(question))
    tokens = _tokens(analysis.read(one.text), _own(one))
    if not tokens or _head(tokens).ent_type_ in _AMOUNTS or _head(tokens).pos_ == "NUM":
        return True
    return set(facts.terms(_head(tokens).text)) <= asked or set(facts.terms(one.words)) <= asked


def _own(one: Item) -> Span:
    return Span(one.answer.start - one.sentence.start, one.answer.end - one.sentence.start)


def _named(told: Evidence) -> Iterator[Item]:
    """What a sentence answers with, each of several coordinated things alone."""
    doc, at = analysis.read(told.text), told.span.start
    answer = Span(told.answer.start - at, told.answer.end - at)
    for start, end in _apart(doc, answer) or _counted(doc, answer) or [(answer.start, answer.end)]:
        aside = told.text[:start].endswith("(") and told.text[end:].startswith(")")  # another name of the one before
        if told.text[start:end].strip() and not aside:
            yield Item(
                told.text[start:end], told.article, Span(at + start, at + end), told.span, told.text, told.probability
            )


def _apart(doc: Doc, answer: Span) -> list[tuple[int, int]]:
    """The things that the words of an answer are coordinated with or hold; [] where they are one."""
    tokens = _tokens(doc, answer)
    if not tokens:
        return []
    head = _head(tokens)
    while head.dep_ in _INSIDE and not head.ent_type_ and head.head.pos_ == "NOUN":
        head = head.head
    heads = [head] if head.pos_ in _NOMINAL else []
    heads += [one for one in tokens if one.pos_ == "PROPN"]
    for one in heads:
        members = sorted({one, *one.conjuncts}, key=lambda member: member.i)
        if len(members) > 1 and all(member.pos_ in _NOMINAL for member in members):
            return [_phrase(member, members) for member in members]
    return [] if head in tokens else [_phrase(head)]


def _counted(doc: Doc, answer: Span) -> list[tuple[int, int]]:
    """The things that a number counts: "five" of "five presidents: Holm, Voss, ..."; [] for none in a row."""
    tokens = _tokens(doc, answer)
    if not tokens or not any(token.pos_ == "NUM" for token in tokens):
        return []
    rows = [
        [one, *one.conjuncts] for one in doc if one.i > tokens[-1].i and one.dep_ != "conj" and one.pos_ in _NOMINAL
    ]
    longest = max(rows, key=len, default=[])
    return [_phrase(one, longest) for one in longest] if len(longest) >= _COORDINATED else []


def _phrase(head: Token, row: Sequence[Token] = ()) -> tuple[int, int]:
    """Characters of the noun phrase, or name, with that head; none that holds another of the row."""
    doc = head.doc
    spans = [chunk for chunk in doc.noun_chunks if chunk.root == head]
    spans += [name for name in doc.ents if name.start <= head.i < name.end]
    spans = [span for span in spans if not any(span.start <= one.i < span.end for one in row if one != head)]
    start = min([head.i, *(span.start for span in spans)])
    end = max([head.i + 1, *(span.end for span in spans)])
    while doc[start].dep_ in ("det", "cc", "punct") and start < head.i:
        start += 1
    return doc[start].idx, doc[end - 1].idx + len(doc[end - 1])


def _tokens(doc: Doc, span: Span) -> list[Token]:
    return [one for one in doc if one.idx < span.end and one.idx + len(one) > span.start and not one.is_punct]


def _head(tokens: Sequence[Token]) -> Token:
    """The one that no other of them governs."""
    return min(tokens, key=lambda one: len(list(one.ancestors)))


# -- one thing a line -------------------------------------------------------------------------------------------------

_BULLET = re.compile(r"[•·▪►◦‣*–—-]\s+")
_NUMBERED = re.compile(r"(\d{1,3})[.)]\s+(?=\D)")


def _lines(text: str, intro: Span) -> list[Span]:
    """The lines behind a sentence that hold one thing each, without bullet or number; [] where they make no list."""
    lines = list(_following(text, intro.end))
    numbered = _numbered(text, lines)
    if numbered:
        return numbered[:_LINES]
    first = next((n for n, line in enumerate(lines[:2]) if _holds_a_thing(text, line)), None)
    if first is None or (first and text[lines[0].start : lines[0].end].endswith((":", "?"))):
        return []
    found = []
    for line in lines[first : first + _LINES]:
        if not _holds_a_thing(text, line):
            break
        bullet = _BULLET.match(text, line.start, line.end)
        found.append(Span(bullet.end() if bullet else line.start, line.end))
    figured = [line for line in found if any(character.isdigit() for character in text[line.start : line.end])]
    found = figured if len(figured) >= _OF_ONE_FORM * len(found) else found
    fewest = _BEHIND_COLON if text[intro.start : intro.end].endswith(":") else _BEHIND_STOP
    return found if len(found) >= fewest else []


def _of_line(line: Span, text: str, told: Evidence, intro: Place) -> Item:
    words = _before_colon(text, line)
    named = Span(line.start, line.start + len(words))
    return Item(words, told.article, named, line, text[line.start : line.end], told.probability, intro)


def _following(text: str, start: int) -> Iterator[Span]:
    """The lines behind the one that ends at or holds `start`, without the white space around them."""
    at = text.find("\n", start)
    if at < 0 or text[start:at].strip():
        return
    for match in re.finditer(r"\S.*", text[at:]):
        yield Span(at + match.start(), at + match.start() + len(match[0].rstrip()))


def _numbered(text: str, lines: Sequence[Span]) -> list[Span]:
    """The headings numbered upwards or downwards, whatever stands between them, from one of the first two lines on."""
    marked = [(n, match) for n, line in enumerate(lines) if (match := _NUMBERED.match(text, line.start, line.end))]
    if not marked or marked[0][0] > 1:
        return []
    found = [marked[0]]
    for (_, before), (n, match) in pairwise(marked):
        if abs(int(match[1]) - int(before[1])) != 1:
            break
        found.append((n, match))
    return [Span(match.end(), lines[n].end) for n, match in found] if len(found) >= _BEHIND_STOP else []


def _holds_a_thing(text: str, line: Span) -> bool:
    """Whether a line names something: it is short and no sentence, question or introduction."""
    said = text[line.start : line.end]
    if len(said.split()) > _LINE_WORDS or said.endswith(("?", ":")):
        return False
    return not said.endswith((".", "!")) or not any(token.pos_ in ("VERB", "AUX") for token in analysis.read(said))


def _before_colon(text: str, line: Span) -> str:
    """What a line names, where "name: more about it" is what it holds."""
    name, colon, _ = text[line.start : line.end].partition(": ")
    return name if colon else text[line.start : line.end]
