"""A line and the turns before it -> what it means, and the questions that it can stand for, likeliest first.

Offers candidates and settles nothing: which of them the articles answer is for the reader to say. Knows what was said,
no articles. `standalone` makes the candidates.
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
from citewire.qa.types import Turn

__all__ = [
    "Meant", "follow_up", "has_pronoun", "last_quoted", "last_told", "leans", "names_nothing", "opened", "refused",
    "resolve", "topic", "without_opening",
]  # fmt: skip

Kind = Literal["question", "more", "who_said", "which_article", "doubt", "agree", "nothing"]

_ON_SAID: Mapping[str, Kind] = {"who_said": "who_said", "which_article": "which_article", "doubt": "doubt"}
_OTHERS = ("other", "rest")  # words for what is not named
_REACH = 12  # earlier turns whose words a line can mean
_LONG = 20  # words of a question above which another reading of a line is taken, if there is one


@dataclass(frozen=True, slots=True)
class Meant:
    """What a typed line means after the turns before it.

    Attributes:
        kind: what is wanted: the answer to a question, more on a topic, who said a sentence, which article it is from,
            whether it is true, the answer to a question that was offered; "nothing" where the line leans on turns that
            there are not.
        candidates: the questions that it can stand for, likeliest first; one for "more" (the topic) and "agree" (the
            question offered), the line itself for all other kinds.
        said: for "more" all sentences told on the topic; for "who_said", "which_article" and "doubt" those of the last
            answer, the one asked about first; without the numbers of their quotes.
    """

    kind: Kind
    candidates: tuple[str, ...]
    said: tuple[str, ...] = ()


def resolve(text: str, history: Sequence[Turn], intent: str = "") -> Meant:
    """Return what a line means after `history`, oldest turn first.

    Args:
        text: the line.
        history: answers as shown.
        intent: "more", "who_said", "which_article", "doubt", "agree" or "elliptic" as a classifier reads the line,
            else "".
            A line that names what it is about is a question, whatever the intent.
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
    if not turns and intent == "elliptic" and leans(text) and not any(w.pos_ == "PROPN" for w in read(text)):
        return nothing
    return Meant("question", follow_up(text, history, elliptic=intent == "elliptic"))


def follow_up(text: str, history: Sequence[Turn], *, elliptic: bool = False) -> tuple[str, ...]:
    """Return the questions that `text` can stand for after `history`, oldest turn first; likeliest first.

    The text itself comes first where it can stand alone, and is all there is where nothing was said before.
    `elliptic` tells that it leans, whatever its words.
    """
    turns = _plain(history)
    text = " ".join(text.split())
    if not turns or not text:
        return (text,)
    last = _resolved(turns)[-1]
    made = candidates(text, turns, last)
    typed = opened(read(text)).text
    made = tuple(one for one in made if len(one.split()) <= _LONG) or made
    bare = not facts.terms(typed) and not has_pronoun(text)
    if bare:  # "why?": of what was asked last
        asked = last.question.rstrip(" ?!.")
        made = (*made[:1], f"{typed.rstrip(' ?!.')} ({asked})?", *made[1:])
    if has_pronoun(text) and made:
        return made  # alone it can only be answered by chance
    return (*made[: MOST - 1], typed) if elliptic or leans(text) else (typed, *made[: MOST - 1])


def without_opening(text: str) -> str:
    """Return a line without the "and" or "ok, and" before it."""
    return opened(read(text)).text


def last_told(history: Sequence[Turn]) -> tuple[str, ...]:
    """Return the sentences of the last answer that told something from the articles, without their numbers."""
    return next((_sentences(turn.answer) for turn in reversed(history) if _tells(turn)), ())


def last_quoted(history: Sequence[Turn]) -> tuple[str, ...]:
    """Return the articles that the last answer that told something quotes; () where they are not known."""
    return next((turn.articles for turn in reversed(history) if _tells(turn)), ())


def has_pronoun(text: str) -> bool:
    """Return whether a line has a pronoun for something that it does not name."""
    return any(map(points, read(text)))


def names_nothing(text: str) -> bool:
    """Return whether a line is no clause and only points at things that it does not name.

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


# -- the turns -------------------------------------------------------------------------------------------


def _asking(history: Sequence[Turn]) -> list[Turn]:
    """The turns that asked something of the articles: answered from them, refused, or not answered at all."""
    return [turn for turn in history if not turn.answer or is_refusal(turn.answer) or _tells(turn)]


def _of_substance(history: Sequence[Turn]) -> list[Turn]:
    """Those of them that a line can go on from: a refused one is no context, whoever sends it."""
    return [turn for turn in _asking(history) if not is_refusal(turn.answer)]


def _tells(turn: Turn) -> bool:
    """Whether an answer told something from the articles."""
    return bool(turn.answer) and not is_refusal(turn.answer) and not is_own(turn.answer)


def _plain(history: Sequence[Turn]) -> list[Turn]:
    """The last turns of substance, each with what it told, without numbers; "" for one that was not answered."""
    turns = _of_substance(history)[-_REACH:]
    return [replace(turn, answer=" ".join(_sentences(turn.answer)) if _tells(turn) else "") for turn in turns]


def _resolved(turns: Sequence[Turn]) -> list[Turn]:
    """The turns, each with its likeliest question.

    "Tell me more" and "who said that?" ask no question of their own: they go on with the one before.
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
    """Whether a line asks something new of what was said, other than "tell me more" and "who said that?"."""
    return has_pronoun(text) or any(w.pos_ in ("NOUN", "PROPN", "NUM") or w.tag_ == "WRB" for w in read(text))


def _sentences(answer: str) -> tuple[str, ...]:
    plain = (strip_markers(text)[0] for text, whole in arriving([answer]) if whole)
    return tuple(text for text in plain if text)


def _offered(answer: str) -> str:
    """The first line of an answer that is a question and no quote, "" if none is."""
    lines = map(strip_markers, answer.splitlines())
    return next((line for line, cited in lines if line.endswith("?") and not cited), "")


def _more(turns: Sequence[Turn]) -> Meant:
    """The topic is the last question, made to stand alone; what was told since it was first asked counts."""
    resolved = _resolved(_plain(turns))
    topic = resolved[-1].question
    said = (text for turn in resolved if turn.question == topic for text in _sentences(turn.answer))
    return Meant("more", (topic,), tuple(dict.fromkeys(said)))


def _has_topic(text: str) -> bool:
    """Whether a request says what it is about: "more about the mill", "tell me about her", not "about that"."""
    return any(
        (w.dep_ == "pobj" and w.pos_ in ("NOUN", "PROPN")) or feature(w, "Gender") in ("Masc", "Fem")
        for w in read(text)
    )


def _stands_alone(text: str, intent: str) -> bool:
    named = any(w.pos_ == "PROPN" for w in read(text))
    return not leans(text) and (named or intent == "who_said")


def _nearest_first(said: Sequence[str], text: str) -> tuple[str, ...]:
    """The sentences that share most words with the line first, else in their order."""
    asked = _words(read(text))
    return tuple(sorted(said, key=lambda sentence: -len(_words(read(sentence)) & asked)))


def _words(doc: Doc) -> set[str]:
    return {w.lemma_.lower() for w in doc if w.pos_ in ("NOUN", "PROPN", "NUM", "VERB")}
