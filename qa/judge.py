"""Whether a text gives what a question asks for, told by rules: its terms, names and years, and the kind of answer.

The rules name what is missing in words that a reader understands; they are strict, and how much they count is weighed
by `answerable`. Knows no ranking and asks no language model.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from citewire.index.types import Article, Span
from citewire.qa import facts
from citewire.qa.question import PLACE, Question
from citewire.qa.vectors import WordVectors

_KIND = 0.55  # the same, between the kind of thing asked for and a name ("country", "Singapore")
_ALIASES = {"us": "american", "usa": "american", "united states": "american", "uk": "british", "eu": "european"}
_PLACES = ("place", "country", "city", "region")
_WINDOW = 2  # sentences before a sentence that may say who or what it speaks of
_SAID = re.compile(r"[“”\"]|\b(?:said|says|stated|states|explained|told|added|argued|wrote|commented)\b")
_DAY = re.compile(
    r"\b(?:yesterday|today|tomorrow|(?:mon|tues|wednes|thurs|fri|satur|sun)day"
    r"|(?:last|next|this|the previous) (?:week|month|year|quarter|spring|summer|autumn|winter))\b",
    re.IGNORECASE,
)


class Judge:
    """Whether a text gives what a question asks for; `vectors` are the words it compares."""

    def __init__(self, question: Question, vectors: WordVectors) -> None:
        self._question = question
        self.vectors = vectors
        self._asked: dict[str, str] = {facts.stem(w): w for w in content_words(question.text)}
        vectors.add([*self._asked.values(), *facts.words(question.noun), question.noun, *_PLACES])

    def read(self, sentences: Iterable[str]) -> None:
        """Embed the words of `sentences` in one batch, before they are judged one by one."""
        self.vectors.add(w for s in sentences for w in [*content_words(s), *facts.names(s)])

    def answers(self, claim: str) -> bool:
        """Whether `claim` gives what is asked for and says more than the question itself."""
        self.read([claim])
        asked = set(facts.terms(self._question.text))
        new = [t for t in facts.terms(claim) if not any(facts.same_root(t, a) for a in asked)]
        return bool(new) and not self.wanted(claim, None)

    def missing(self, span: Span, article: Article) -> tuple[str, ...]:
        """What the question asks for and the sentence, read in its article, does not give."""
        q = self._question
        sentence, near = article.text[span.start : span.end], before(article.text, span)
        subject = f"{sentence}\n{near}\n{article.title}\n{opening(article.text)}"
        out = [name for name in q.names if not facts.has_name(name, subject)]
        spoken_of = facts.years(sentence) or facts.years(f"{article.text}\n{article.published[:4]}")
        if q.years and not q.years & spoken_of:  # a sentence on 2022 says nothing of 2023, whatever the article has
            out += [str(y) for y in sorted(q.years)]
        whole = terms_of(article.text)
        there = {*facts.terms(sentence), *facts.terms(near)}
        if q.expects == "statement":  # a quoted person seldom repeats what the quote is about
            there |= whole
        absent = [t for t in q.terms if not self._has_term(t, there, sentence)]
        if len(absent) > self._may_lack():
            out += [self._asked.get(t, t) for t in absent]
        if wanted := self.wanted(sentence, whole):
            out.append(wanted)
        return tuple(out)

    def _may_lack(self) -> float:
        """How many of the question's terms a sentence may leave out.

        None of a person's title. None of two where a figure or name is asked for, since a figure of something else is
        the likeliest wrong answer; why and what are asked in words that answers seldom repeat, so half.
        """
        q = self._question
        if q.describes:
            return 0 if q.expects == "person" else (len(q.terms) - 1) / 2
        if len(q.terms) <= 2 and q.expects not in ("reason", "statement", "open"):
            return 0
        return len(q.terms) / 2

    def _has_term(self, term: str, there: set[str], sentence: str) -> bool:
        if term in there or any(facts.same_root(term, t) for t in there):
            return True
        asked = self._asked.get(term, term)
        return any(self.vectors.alike(asked, w) for w in content_words(sentence))

    def wanted(self, sentence: str, whole: frozenset[str] | None) -> str:
        """The kind of thing that the question asks for, if the sentence has none; "" otherwise.

        `whole` has the terms of the sentence's article, None for a claim, whose article has been judged already.
        """
        q = self._question
        asked = facts.numbers(q.text)
        amounts = [n for n in facts.numbers(sentence) if not any(n.matches(a) for a in asked)]
        amounts = [n for n in amounts if not (n.unit == "" and n.value in facts.years(sentence))]
        if q.expects == "percent" and not any(n.unit == "%" for n in amounts):
            return "a percentage"
        if q.expects == "amount" and not amounts:
            return "a figure"
        if q.expects == "count" and not any(self._counts(sentence, n) for n in amounts):
            return f"a number of {q.noun}"
        if q.expects == "statement" and not (
            _SAID.search(sentence) and (not q.names or any(facts.has_name(n, sentence) for n in q.names))
        ):
            return "what was said"
        if q.expects == "date" and not _tells_time(sentence, q):
            return "a date"
        if q.expects == "person" and not self.new_names(sentence):
            return "a name"
        if q.expects == "named" and not self._named(sentence, whole):
            return f"the name of the {q.noun}"
        return ""

    def _counts(self, sentence: str, number: facts.Number) -> bool:
        """Whether what follows the number, up to five words on in the same clause, is the noun of "how many"."""
        nouns = facts.words(self._question.noun)
        if not nouns or number.unit:
            return False
        after = facts.words(re.split(r"[,;:.()]", sentence[number.end : number.end + 60])[0])[:5]
        head = nouns[-1]
        return any(facts.stem(head) in facts.stem(w) or self.vectors.alike(head, w) for w in after)

    def new_names(self, sentence: str) -> list[str]:
        """The names in the sentence that are not the question's own in another form ("US", "United States")."""
        own = [facts.name_key(n) for n in self._question.names]
        own += [_ALIASES[key] for key in own if key in _ALIASES]
        out = []
        for name in facts.names(sentence, facts.name_words([sentence])):
            key = facts.name_key(name)
            same = (
                key in o or o in key or facts.same_root(key, o) or _initials(key) == o or _initials(o) == key
                for o in own
            )
            if not any(same):
                out.append(name)
        return out

    def _named(self, sentence: str, whole: frozenset[str] | None) -> bool:
        """Whether a new name stands for the noun: alike in meaning, or in an article on such things that names it."""
        noun = self._question.noun
        kinds = _PLACES if noun == PLACE else [noun]
        new = self.new_names(sentence)
        if any(self.vectors.alike(kind, n, _KIND) for kind in kinds for n in new):
            return True
        if not new or not facts.words(noun):
            return False
        word = facts.words(noun)[-1]
        if any(self.vectors.alike(w, place, _KIND) for w in (noun, word) for place in _PLACES):
            return False  # a place is told by what its name means, checked above
        head = facts.stem(word)
        unnamed = rf"\ban?\s+(?:\w+\s+)?{re.escape(head)}\w*\s+(?:that|who|which|in|at|to|for|of|whose)\b"
        return (whole is None or head in whole) and not re.search(unnamed, sentence.lower())


@lru_cache(maxsize=32)
def terms_of(text: str) -> frozenset[str]:
    """The terms of a whole article, which every one of its sentences is judged with."""
    return frozenset(facts.terms(text))


def content_words(text: str) -> list[str]:
    """Return the words of `text` that carry meaning, in lower case, repetitions kept."""
    return [w for w in facts.words(text) if w not in facts.STOP_WORDS]


def _initials(name: str) -> str:
    parts = name.split()
    return "".join(w[0] for w in parts) if len(parts) > 1 else ""


def _tells_time(sentence: str, question: Question) -> bool:
    return bool(facts.months(sentence) or facts.years(sentence) - question.years or _DAY.search(sentence))


def before(text: str, span: Span) -> str:
    """The `_WINDOW` sentences or lines before the span."""
    near = re.split(r"(?<=[.!?…”\"])\s+|\n+", text[max(0, span.start - 1000) : span.start].strip())
    return "\n".join(near[-_WINDOW:])


def opening(text: str) -> str:
    """The article's first full line."""
    return next((line for line in text.split("\n") if len(line.split()) > 4), "")


def is_heading(sentence: str) -> bool:
    """Title case without a full stop: it repeats what the text says and hides which words are names."""
    parts = [w for w in re.findall(r"[^\W\d_]+", sentence) if len(w) > 3]
    return sentence[-1] not in ".!?…”\"'" and sum(w[0].isupper() for w in parts) > 0.7 * len(parts)
