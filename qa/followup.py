"""A line and the turns before it -> its meaning, and the questions that it can stand for, likeliest first.

Only proposes candidates, which `standalone` makes; the caller takes the one that the articles answer best. Knows the
conversation, no articles.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from citewire.qa import facts
from citewire.qa.analysis import Doc, read
from citewire.qa.claims import arriving, strip_markers
from citewire.qa.replies import is_own, is_refusal
from citewire.qa.rewriting import feature
from citewire.qa.standalone import MOST, candidates, is_fragment, leans, opened, points
from citewire.qa.types import Turn, without_dateline

__all__ = [
    "Meant", "follow_up", "genders", "has_pronoun", "last_quoted", "last_told", "leans", "names_nothing", "opened",
    "refused", "resolve", "topic", "without_opening",
]  # fmt: skip

DialogueAct = Literal["question", "more", "who_said", "which_article", "doubt", "agree", "nothing"]

_ON_SAID: Mapping[str, DialogueAct] = {"who_said": "who_said", "which_article": "which_article", "doubt": "doubt"}
_OTHERS = ("other", "rest")  # words for unnamed things
_REACH = 12  # most earlier turns that a line can refer to
_LONG = 20  # candidates with more words are dropped if there are shorter ones


@dataclass(frozen=True, slots=True)
class Meant:
    """What a line means after the turns before it.

    Attributes:
        kind: what the line asks for: an answer, more on the topic, who said a sentence, which article it is from,
            whether it is true, the answer to the suggested question; "nothing" if it needs turns that do not exist.
        candidates: for "question" the questions that it can stand for, likeliest first; for "more" the last question,
            for "agree" the suggested one, else the line itself.
        said: for "more" all sentences told on the topic; for "who_said", "which_article" and "doubt" those of the last
            answer, the one asked about first; without citation numbers.
    """

    kind: DialogueAct
    candidates: tuple[str, ...]
    said: tuple[str, ...] = ()


def resolve(text: str, history: Sequence[Turn], intent: str = "") -> Meant:
    """Return what a line means after `history`, oldest turn first.

    Args:
        text: the line.
        history: answers as shown.
        intent: "more", "who_said", "which_article", "doubt", "agree" or "elliptic" if the classifier says so, else "".
            A line that names its topic is a question, whatever the intent.
    """
    turns = _of_substance(history)
    nothing = Meant("nothing", (text,))
    if intent == "agree":
        offered = _offered(history[-1].answer) if history else ""
        return Meant("agree", (offered,)) if offered else nothing
    if intent == "more" and not _has_topic(text):
        return _more(turns) if turns else nothing
    if (kind := _ON_SAID.get(intent)) and not _stands_alone(text, intent):
        told = [turn for turn in (_asking(history)[-1:] if kind == "doubt" else turns) if _tells(turn)]
        said = _nearest_first(_sentences(told[-1].answer), text) if told else ()
        return Meant(kind, (text,), said) if said else nothing
    unnamed = intent == "elliptic" and leans(text) and not any(w.pos_ == "PROPN" for w in read(text))
    if unnamed and (not turns or (_is_bare(text) and refused(history))):
        return nothing
    return Meant("question", follow_up(text, history, elliptic=intent == "elliptic"))


def follow_up(text: str, history: Sequence[Turn], *, elliptic: bool = False) -> tuple[str, ...]:
    """Return the questions that a line can stand for, likeliest first.

    The line itself comes first if it can stand alone, and is the only one if there are no earlier turns.

    Args:
        text: the line.
        history: the oldest turn first.
        elliptic: whether the line needs its context, whatever its words.
    """
    turns = _plain(history)
    text = " ".join(text.split())
    if not turns or not text:
        return (text,)
    last = _resolved(turns)[-1]
    made = candidates(text, turns, last)
    typed = without_opening(text)
    made = tuple(one for one in made if len(one.split()) <= _LONG) or made
    if _is_bare(text):  # "why?": about the last question
        asked = last.question.rstrip(" ?!.")
        made = (*made[:1], f"{typed.rstrip(' ?!.')} ({asked})?", *made[1:])
    if has_pronoun(text) and made:
        return made  # the line itself could only be answered by chance
    return (*made[: MOST - 1], typed) if elliptic or leans(text) else (typed, *made[: MOST - 1])


def _is_bare(text: str) -> bool:
    """Whether a line only asks about the turn before it: "and why?"."""
    return not facts.terms(without_opening(text)) and not has_pronoun(text)


def without_opening(text: str) -> str:
    """Return a line without its opening "and" or "ok, and"."""
    return opened(read(text)).text


def last_told(history: Sequence[Turn]) -> tuple[str, ...]:
    """Return the sentences of the last answer from the articles, without citation numbers."""
    return next((_sentences(turn.answer) for turn in reversed(history) if _tells(turn)), ())


def last_quoted(history: Sequence[Turn]) -> tuple[str, ...]:
    """Return the paths that the last answer from the articles quotes; () if they are unknown."""
    return next((turn.articles for turn in reversed(history) if _tells(turn)), ())


def has_pronoun(text: str) -> bool:
    """Return whether a line has a pronoun without its referent."""
    return any(map(points, read(text)))


def genders(text: str) -> set[str]:
    """Return the genders of the personal pronouns in a text: {"Fem"} for "what did she win?"."""
    return {gender for word in read(text) if (gender := feature(word, "Gender")) in ("Masc", "Fem")}


def names_nothing(text: str) -> bool:
    """Return whether a line without a verb only refers to unnamed things.

    >>> names_nothing("And what about the others?"), names_nothing("And what about the other ferries?")
    (True, False)
    """
    doc = opened(read(text))
    named = [w.lemma_.lower() for w in doc if w.pos_ in ("NOUN", "PROPN")]
    rest = any(w.lemma_.lower() in _OTHERS for w in doc)
    return is_fragment(doc) and rest and all(one in (*_OTHERS, "one") for one in named)


def refused(history: Sequence[Turn]) -> bool:
    """Return whether the last question to the articles was refused."""
    return any(is_refusal(turn.answer) for turn in _asking(history)[-1:])


def topic(history: Sequence[Turn]) -> str:
    """Return the last question that stands alone, "" if there is none."""
    asked = [turn.question for turn in _of_substance(history)]
    return next((one for one in reversed(asked) if not leans(one)), "")


def _asking(history: Sequence[Turn]) -> list[Turn]:
    """The turns about the articles: answered from them, refused, or without an answer."""
    return [turn for turn in history if not turn.answer or is_refusal(turn.answer) or _tells(turn)]


def _of_substance(history: Sequence[Turn]) -> list[Turn]:
    """The turns that a line can refer to: those about the articles, except refused ones."""
    return [turn for turn in _asking(history) if not is_refusal(turn.answer)]


def _tells(turn: Turn) -> bool:
    """Whether an answer is from the articles, neither a refusal nor citewire's own words."""
    return bool(turn.answer) and not is_refusal(turn.answer) and not is_own(turn.answer)


def _plain(history: Sequence[Turn]) -> list[Turn]:
    """The last turns that a line can refer to, answers without citation numbers and datelines; "" without an answer."""
    turns = _of_substance(history)[-_REACH:]
    told = (" ".join(map(without_dateline, _sentences(turn.answer))) if _tells(turn) else "" for turn in turns)
    return [replace(turn, answer=answer) for turn, answer in zip(turns, told, strict=True)]


def _resolved(turns: Sequence[Turn]) -> list[Turn]:
    """The turns, each with its likeliest standalone question.

    "Tell me more" and "who said that?" get the question before them.
    """
    done: list[Turn] = []
    for n, turn in enumerate(turns):
        asked = turn.question
        if done and leans(asked):
            made = candidates(asked, turns[:n], done[-1]) if _asks(asked) else (done[-1].question,)
            asked = next(iter(made), asked)
        done.append(replace(turn, question=asked))
    return done


def _asks(text: str) -> bool:
    """Whether a line asks something new, other than "tell me more" and "who said that?"."""
    return has_pronoun(text) or any(w.pos_ in ("NOUN", "PROPN", "NUM") or w.tag_ == "WRB" for w in read(text))


def _sentences(answer: str) -> tuple[str, ...]:
    plain = (strip_markers(text)[0] for text, whole in arriving([answer]) if whole)
    return tuple(text for text in plain if text)


def _offered(answer: str) -> str:
    """The suggested question in an answer: its first line that ends in "?" and has no quote, else ""."""
    lines = map(strip_markers, answer.splitlines())
    return next((line for line, cited in lines if line.endswith("?") and not cited), "")


def _more(turns: Sequence[Turn]) -> Meant:
    """More on the last standalone question, with all that was told on it."""
    resolved = _resolved(_plain(turns))
    topic = resolved[-1].question
    said = (text for turn in resolved if turn.question == topic for text in _sentences(turn.answer))
    return Meant("more", (topic,), tuple(dict.fromkeys(said)))


def _has_topic(text: str) -> bool:
    """Whether a request names its topic: "more about the mill", "tell me about her", not "about that"."""
    return any(
        (w.dep_ == "pobj" and w.pos_ in ("NOUN", "PROPN")) or feature(w, "Gender") in ("Masc", "Fem")
        for w in read(text)
    )


def _stands_alone(text: str, intent: str) -> bool:
    named = any(w.pos_ == "PROPN" for w in read(text))
    return not leans(text) and (named or intent == "who_said")


def _nearest_first(said: Sequence[str], text: str) -> tuple[str, ...]:
    """The sentences, those that share most words with the line first."""
    asked = _words(read(text))
    return tuple(sorted(said, key=lambda sentence: -len(_words(read(sentence)) & asked)))


def _words(doc: Doc) -> set[str]:
    return {w.lemma_.lower() for w in doc if w.pos_ in ("NOUN", "PROPN", "NUM", "VERB")}
