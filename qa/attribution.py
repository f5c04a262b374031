"""A sentence of an answer -> where it stands in the articles, and who said it there.

Reads hits and articles by the verifier and the reader; knows nothing of conversations and writes no answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from citewire.index.passages import sentences, title_words
from citewire.index.types import Article, Hit, Span
from citewire.qa import facts
from citewire.qa.analysis import Doc, Token, read
from citewire.qa.claims import Place, quoted_at
from citewire.qa.evidence import ANSWERS, ArticleOf, Evidence
from citewire.qa.reader import Reader, Window
from citewire.qa.verdicts import SUPPORTED, Checker

# Probabilities from which the reader is believed, the lower one where it names the subject of a verb with a clause;
# tests/data/speakers.jsonl has sentences of both kinds, and some that nobody said.
_SPOKEN, _AGREED = 0.45, 0.14
_READ, _QUOTES = 16, 3  # sentences, the likeliest, in which someone's words are looked for; that are quoted at most
_ON_TOPIC = 0.15  # probability from which direct speech bears on a question: it seldom names what it speaks of
_MARKS = ("“", "”", '"')
_CLAUSES = ("ccomp", "parataxis", "xcomp")
_BEFORE = 4  # sentences before a quotation in which its speaker is looked for; and one behind it


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who said a sentence of an article.

    Attributes:
        words: as the article names them, never a pronoun.
        place: the sentence that names them, character-exact; at most `_BEFORE` before the one said.
    """

    words: str
    place: Place


def located(sentence: str, hits: Sequence[Hit], article: ArticleOf, reader: Reader) -> Place | None:
    """Return the sentence of the hits that a sentence of an answer is from; None where none says it.

    Args:
        sentence: without the numbers of its quotes.
        hits: passages found for it, or those of the answer.
        article: looks up an article by path.
        reader: its verifier decides where no sentence has the same words.
    """
    spans = dict.fromkeys((hit.passage.article, span) for hit in hits for span in hit.passage.sentences)
    places = [_place(article(path), span) for path, span in spans]
    alone = reader.verify([(sentence, one.text) for one in places])
    if alone and max(one.supported for one in alone) >= SUPPORTED:
        return places[max(range(len(places)), key=lambda at: alone[at].supported)]
    judged = Checker(reader).check(sentence, [quoted_at(article(one.article), one.span) for one in places])
    return places[judged.places[0]] if judged.verdict == "supported" else None


def who_said(place: Place, article: ArticleOf, reader: Reader) -> Speaker | None:
    """Return who said the sentence at a place; None where the article does not tell: it says so itself, then.

    The sentence names its speaker, or one next to it does where all of it is quoted or "he" said it.
    """
    said = article(place.article)
    found = _speaker(said, place.span, reader)
    if found is not None and not _points(found.words):
        return found
    if found is None and not _is_quotation(said.text, place.span):
        return None
    spans = list(sentences(said.text))
    before = [span for span in spans if span.end <= place.span.start][: -_BEFORE - 1 : -1]
    behind = [span for span in spans if span.start >= place.span.end][:1] if found is None else []
    named = (_speaker(said, span, reader) or (_person(said, span) if found else None) for span in (*before, *behind))
    return next((one for one in named if one is not None and not _points(one.words)), None)


def quotes(question: str, evidence: Sequence[Evidence], article: ArticleOf, reader: Reader) -> list[Place]:
    """Return up to `_QUOTES` sentences in which the one whom a question names speaks of its topic, direct speech first.

    Args:
        question: one for the words of someone, "What did Lena Holm say about the mill?".
        evidence: sentences that bear on it, as `qa.evidence.gather` returns them.
        article: looks up an article by path.
        reader: tells who speaks where the grammar of a sentence does not.
    """
    person = _asked_speaker(question)
    if not person:
        return []
    topic = set(facts.terms(question)) - set(facts.terms(person))
    likely = sorted(evidence, key=lambda one: -one.probability)[:_READ]
    found: list[tuple[bool, Place]] = []
    for one in likely:
        text = article(one.article).text
        direct = any(mark in one.text for mark in _MARKS) or _is_quotation(text, one.span)
        bears = one.probability >= (_ON_TOPIC if direct else ANSWERS) or not topic
        if not bears or not facts.has_name(person, f"{text} {title_words(article(one.article))}"):
            continue
        place = Place(one.article, one.span, one.text)
        speaker = who_said(place, article, reader)
        if speaker is not None and _is_one(person, speaker.words):
            found.append((direct, place))
    once: dict[str, Place] = {}
    for _, place in sorted(found, key=lambda pair: not pair[0]):
        once.setdefault(" ".join(facts.words(place.text)), place)
    return list(once.values())[:_QUOTES]


def _asked_speaker(question: str) -> str:
    """Whose words a question asks for: its first name, else its subject or owner; "" for no one."""
    names = facts.names(question)
    if names:
        return names[0]
    doc = read(question)
    named = [token for token in doc if token.dep_ in ("nsubj", "poss") and token.tag_[0] not in "WP"]
    return named[0].text if named else ""


def _is_one(person: str, speaker: str) -> bool:
    """Whether two texts can name one person: the last word of each name is in the other, as "Lena Holm" and "Holm"."""
    asked, named = facts.words(person), facts.words(speaker)
    return bool(asked and named) and (asked[-1] in named or named[-1] in asked)


def _speaker(article: Article, span: Span, reader: Reader) -> Speaker | None:
    """Who a sentence names as the one who said something, be it by a pronoun."""
    place = _place(article, span)
    if told := _teller(place.text):
        return Speaker(told, place)
    subject = _teller(place.text, quoted=False)
    reading = reader.read("Who said it?", [Window(place.text)])[0]
    words = place.text[reading.start : reading.end]
    agreed = bool(subject and words) and (subject in words or words in subject)
    if not words or reading.probability < (_AGREED if agreed else _SPOKEN):
        return None
    return Speaker(subject if agreed or (subject and _points(subject)) else words, place)


def _person(article: Article, span: Span) -> Speaker | None:
    """The person who is a subject of a sentence, whom "she" in one of the next is taken to go on with."""
    place = _place(article, span)
    people = [name for name in read(place.text).ents if name.label_ == "PERSON" and name.root.dep_ == "nsubj"]
    return Speaker(people[0].text, place) if people else None


def _teller(text: str, quoted: bool = True) -> str:
    """The subject of a verb that governs a quotation, or any clause: "Lena Holm" of "“We pay,” said Lena Holm."."""
    doc = read(text)
    inside = _quoted_tokens(doc)
    for verb in doc:
        said = [child for child in verb.children if child.dep_ in _CLAUSES and (not quoted or _holds(child, inside))]
        named = [child for child in verb.children if child.dep_ == "nsubj" and not inside[child.i]]
        if said and named and not inside[verb.i]:
            return _name(named[0])
    return ""


def _points(words: str) -> bool:
    """Whether words are a pronoun, which names no one."""
    return read(words)[0].tag_ == "PRP"


def _quoted_tokens(doc: Doc) -> list[bool]:
    """Whether each token stands between quotation marks; one that is never closed reaches to the end."""
    inside: list[bool] = []
    for token in doc:
        before = bool(inside) and inside[-1]
        opens = token.text == "“" or (token.text == '"' and not before)
        inside.append(opens or (before and token.text not in ("”", '"')))
    return inside


def _holds(clause: Token, inside: Sequence[bool]) -> bool:
    return any(inside[token.i] for token in clause.subtree)


def _name(subject: Token) -> str:
    """A subject without what only describes it: "the mayor, Paul Okafor," is "Paul Okafor"."""
    named = [child for child in subject.children if child.dep_ == "appos" and child.pos_ == "PROPN"]
    head = named[0] if named and subject.pos_ != "PROPN" else subject
    doc = subject.doc
    spans = [chunk for chunk in doc.noun_chunks if chunk.root == head]
    spans = [name for name in doc.ents if name.start <= head.i < name.end and name.label_ == "PERSON"] or spans
    return spans[0].text if spans else head.text


def _is_quotation(text: str, span: Span) -> bool:
    """Whether all of a sentence stands between quotation marks, which may open before it and close behind it."""
    said = text[span.start : span.end].strip()
    paragraph = text.rfind("\n", 0, span.start) + 1
    opened = said[:1] in ("“", '"') or text.count("“", 0, span.start) > text.count("”", 0, span.start)
    opened = opened or text.count('"', paragraph, span.start) % 2 == 1
    return opened and not any(mark in said[1:-2] for mark in ("”", '"'))


def _place(article: Article, span: Span) -> Place:
    return Place(article.path, span, article.text[span.start : span.end])
