"""A sentence of an answer -> its place in the articles, and who said it there.

Uses the verifier and the reader on hits and articles; knows no conversations and writes no answer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from citewire.index.passages import sentences
from citewire.index.types import Article, Hit, Span
from citewire.qa import analysis, facts
from citewire.qa.analysis import Doc, Token, read
from citewire.qa.analysis import Span as Words
from citewire.qa.claims import Place, place_of, quoted_at, verbatim_place
from citewire.qa.evidence import ANSWERS, ArticleOf, Evidence
from citewire.qa.reader import Reader, Window
from citewire.qa.verdicts import SUPPORTED, Checker

# Least probabilities for the reader's answer to "Who said it?"; the lower one if that is the subject of a verb with a
# clause ("Holm said that ..."). Set on tests/data/speakers.jsonl, which also has sentences that nobody said.
_SPOKEN, _AGREED = 0.4, 0.14
_WHO, _TOPIC = "Who said it?", ("On what?", "What is it about?")
# Least probabilities for the reader's answers that a question names a speaker, and a topic.
_NAMED, _ON = 0.18, 0.3
_POSSESSED = re.compile(r"^.*['’]s ")
_READ, _QUOTES = 16, 3  # most sentences with a speaker that are compared with the one asked for; most that are quoted
_ON_TOPIC = 0.1  # least probability of direct speech about a topic; low, because it seldom names the topic
_MARKS = ("“", "”", '"')
_CLAUSES = ("ccomp", "parataxis", "xcomp")
_BEFORE = 4  # the speaker is searched in this many sentences before a quotation and in the one after it


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who said a sentence of an article.

    Attributes:
        words: as the article names them, never a pronoun.
        place: the sentence that names them, character-exact; at most `_BEFORE` before the one said.
    """

    words: str
    place: Place


@dataclass(frozen=True, slots=True)
class SpeakerQuery:
    """Whose words a question asks for, and about what.

    Attributes:
        person: as the question names them, "" for anyone.
        topic: "" for anything.
        names, nouns: lower-case words of the question that may name or describe the speaker.
    """

    person: str
    topic: str
    names: frozenset[str]
    nouns: frozenset[str]

    @property
    def asked(self) -> str:
        """The question in the wording that the reader reads best."""
        asked = f"What did {self.person} say" if self.person else "What was said"
        return f"{asked} about {self.topic}?" if self.topic else f"{asked}?"


def located(sentence: str, hits: Sequence[Hit], article: ArticleOf, reader: Reader) -> Place | None:
    """Return the sentence of the hits that a sentence of an answer comes from; None if none entails it.

    Args:
        sentence: without citation numbers.
        hits: passages found for it, or those of the answer.
        article: looks up an article by path.
        reader: verifies the sentence against those of the hits.
    """
    spans = dict.fromkeys((hit.passage.article, span) for hit in hits for span in hit.passage.sentences)
    places = [place_of(article(path), span) for path, span in spans]
    alone = reader.verify([(sentence, one.text) for one in places])
    if alone and max(one.supported for one in alone) >= SUPPORTED:
        return places[max(range(len(places)), key=lambda at: alone[at].supported)]
    judged = Checker(reader).check(sentence, [quoted_at(article(one.article), one.span) for one in places])
    return places[judged.places[0]] if judged.verdict == "supported" else None


def who_said(place: Place, article: ArticleOf, reader: Reader) -> Speaker | None:
    """Return who said a sentence; None if the article names no speaker.

    If the sentence is all quotation or its speaker is a pronoun, the sentences around it are searched for the name.

    Args:
        place: the sentence.
        article: looks up an article by path.
        reader: finds the speaker if the grammar does not show one.
    """
    said = article(place.article)
    quoted = _is_quotation(said.text, place.span)
    found = None if quoted else _speaker(said, place.span, reader)
    if found is not None and not _points(found.words):
        return found
    if found is None and not quoted:
        return None
    spans = list(sentences(said.text))
    before = [span for span in spans if span.end <= place.span.start][: -_BEFORE - 1 : -1]
    behind = [span for span in spans if span.start >= place.span.end][:1] if found is None else []
    named = (_speaker(said, span, reader) for span in (*before, *behind))
    return next((one for one in named if one is not None and not _points(one.words)), None)


def wanted(question: str, reader: Reader) -> SpeakerQuery:
    """Return whose words a question asks for, and about what.

    >>> wanted("Give me a quote from Lena Holm on the mill", load_reader(1)).asked
    'What did Lena Holm say about the mill?'
    """
    window, doc = [Window(question)], read(question)
    on = max((reader.read(ask, window)[0] for ask in _TOPIC), key=lambda one: one.probability)
    who = reader.read(_WHO, window)[0]
    nouns = [_holder(chunk) for chunk in doc.noun_chunks if chunk.root.pos_ in ("NOUN", "PROPN")]
    of_topic = [noun for noun in nouns if on.probability >= _ON and on.start <= noun.idx < on.end]
    nouns = [noun for noun in nouns if noun not in of_topic]
    speaking = [noun for noun in nouns if who.probability >= _NAMED and who.start <= noun.idx < who.end]
    speaking = speaking or [noun for noun in nouns if noun.dep_ in ("nsubj", "poss")]
    person = doc[speaking[0].left_edge.i : speaking[0].i + 1].text if speaking else ""
    topic, about = "", [noun for noun in of_topic if noun.dep_ != "ROOT"]  # not "quotes" in "Any quotes on the mill?"
    if about:
        inside = [word.i for word in doc if on.start <= word.idx < on.end]
        first = about[0].left_edge.i if about[0] != of_topic[0] else min(about[0].left_edge.i, inside[0])
        end = max(about[-1].i, inside[-1]) + 1
        whole = not any(word.pos_ in ("VERB", "AUX") for word in doc[end:])
        topic = doc[first : len(doc) if whole else end].text.rstrip(" ?!.")
    if not person and not topic:
        topic = analysis.about(question)
    names = frozenset(noun.lower_ for noun in nouns if noun.pos_ == "PROPN")
    return SpeakerQuery(person, topic, names, frozenset(noun.lower_ for noun in nouns) - names)


def quotes(
    asked: SpeakerQuery, evidence: Sequence[Evidence], article: ArticleOf, reader: Reader
) -> list[tuple[Place, Speaker]]:
    """Return up to `_QUOTES` sentences with their speakers, direct speech first.

    Args:
        asked: whose words are asked for, and about what.
        evidence: for `asked.asked`, as `qa.evidence.gather` returns it.
        article: looks up an article by path.
        reader: finds the speaker if the grammar does not show one.
    """
    found: list[tuple[bool, bool, Place, Speaker]] = []
    for one in sorted(evidence, key=lambda one: -one.probability):
        home = article(one.article)
        direct = any(mark in one.text for mark in _MARKS) or _is_quotation(home.text, one.span)
        if asked.topic and one.probability < (_ON_TOPIC if direct else ANSWERS):
            continue
        place = verbatim_place(one)
        if (direct or _teller(one.text, quoted=False)) and (speaker := who_said(place, article, reader)):
            found.append((_is_one(asked, speaker), direct, place, speaker))
        if len(found) == _READ:
            break
    chosen = [one for one in found if one[0]]
    if not chosen and not asked.person and asked.topic:
        chosen = [one for one in found if one[1]]
    once: dict[str, tuple[Place, Speaker]] = {}
    for _, _, place, speaker in sorted(chosen, key=lambda one: not one[1]):
        once.setdefault(" ".join(facts.words(place.text)), (place, speaker))
    return list(once.values())[:_QUOTES]


def positions(asked: SpeakerQuery, evidence: Sequence[Evidence]) -> list[Place]:
    """Return up to `_QUOTES` sentences with the speaker's name and all words of the topic, for when there is no speech.

    "Orvik rates the mill as a risk" states Orvik's position on the mill.
    """
    topic = set(facts.terms(asked.topic))
    return [
        verbatim_place(one)
        for one in evidence
        if one.probability >= _ON_TOPIC
        and asked.person
        and topic
        and facts.has_name(asked.person, one.text)
        and topic <= set(facts.terms(one.text))
    ][:_QUOTES]


def _holder(chunk: Words) -> Token:
    """The head of a phrase, or its owner beside an auxiliary: "mayor" in "What were the mayor's words?"."""
    owners = (word for word in chunk if word.dep_ == "poss" and word.pos_ != "PRON")
    return next(owners, chunk.root) if chunk.root.head.pos_ == "AUX" else chunk.root


def _is_one(asked: SpeakerQuery, speaker: Speaker) -> bool:
    """Whether a speaker has a name asked for or is so described; the owner in "Holm's lawyer" is someone else."""
    named, described = (facts.words(_POSSESSED.sub("", text)) for text in (speaker.words, _phrase(speaker)))
    return not asked.names.isdisjoint(named) or not asked.nouns.isdisjoint((*named, *described))


def _phrase(speaker: Speaker) -> str:
    """The whole noun phrase of a speaker: "the mayor of Vire, Paul Okafor," for "Paul Okafor"."""
    doc, start = read(speaker.place.text), speaker.place.text.find(speaker.words)
    words = [word for word in doc if start <= word.idx < start + len(speaker.words)]
    tops = [word for word in words if word.head not in words or word.head == word]
    top = tops[0] if tops else None
    top = top.head if top is not None and top.dep_ == "appos" else top
    return doc[top.left_edge.i : top.right_edge.i + 1].text if top is not None else ""


def _speaker(article: Article, span: Span, reader: Reader) -> Speaker | None:
    """The speaker that a sentence names, possibly a pronoun."""
    place = place_of(article, span)
    if told := _teller(place.text) or _credited(place.text):
        return Speaker(told, place)
    subject = _teller(place.text, quoted=False)
    reading = reader.read(_WHO, [Window(place.text)])[0]
    words = place.text[reading.start : reading.end]
    agreed = bool(subject and words) and (subject in words or words in subject)
    if not words or reading.probability < (_AGREED if agreed else _SPOKEN):
        return None
    return Speaker(subject if agreed or (subject and _points(subject)) else words, place)


def _teller(text: str, quoted: bool = True) -> str:
    """The subject of a verb that governs a quotation (or any clause): "Lena Holm" in "“We pay,” said Lena Holm."."""
    doc = read(text)
    inside = _quoted_tokens(doc)
    for verb in doc:
        said = [child for child in verb.children if child.dep_ in _CLAUSES and (not quoted or _holds(child, inside))]
        named = [child for child in verb.children if child.dep_ == "nsubj" and not inside[child.i]]
        if said and named and not inside[verb.i]:
            return _named(named[0])
    return ""


def _credited(text: str) -> str:
    """Whom a sentence credits: "the harbour office" in "Fares rose, according to the harbour office."; else ""."""
    marks = (word for word in read(text) if word.lower_ == "to" and word.i and word.nbor(-1).lower_ == "according")
    named = (child for mark in marks for child in mark.children if child.dep_ == "pobj")
    return next(map(_named, named), "")


def _points(words: str) -> bool:
    """Whether words begin with a personal pronoun."""
    return read(words)[0].tag_ == "PRP"


def _quoted_tokens(doc: Doc) -> list[bool]:
    """Whether each token is inside quotation marks; an unclosed quotation reaches to the end."""
    inside: list[bool] = []
    for token in doc:
        before = bool(inside) and inside[-1]
        opens = token.text == "“" or (token.text == '"' and not before)
        inside.append(opens or (before and token.text not in ("”", '"')))
    return inside


def _holds(clause: Token, inside: Sequence[bool]) -> bool:
    return any(inside[token.i] for token in clause.subtree)


def _named(subject: Token) -> str:
    """A subject without its description: "Paul Okafor" for "the mayor, Paul Okafor,"."""
    doc = subject.doc
    phrase = doc[subject.left_edge.i : subject.right_edge.i + 1]
    people = [name for name in phrase.ents if name.label_ == "PERSON"]
    chunks = [chunk for chunk in doc.noun_chunks if chunk.root == subject]
    return (people or chunks or [doc[subject.i : subject.i + 1]])[0].text


def _is_quotation(text: str, span: Span) -> bool:
    """Whether a whole sentence is inside quotation marks, which may open before it and close after it."""
    said = text[span.start : span.end].strip()
    paragraph = text.rfind("\n", 0, span.start) + 1
    opened = said[:1] in ("“", '"') or text.count("“", 0, span.start) > text.count("”", 0, span.start)
    opened = opened or text.count('"', paragraph, span.start) % 2 == 1
    return opened and not any(mark in said[1:-2] for mark in ("”", '"'))
