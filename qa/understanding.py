"""What a line asks for: its kinds, and the standalone question that it is after the earlier turns.

`kinds` classifies the line, `followup` proposes the questions that it can stand for, and what the articles answer
decides. Answers nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from citewire.index.options import SearchOptions
from citewire.index.passages import sentences
from citewire.index.types import Filters
from citewire.qa import analysis, casing, facts, followup, replies, spelling
from citewire.qa.evidence import ANSWERS, odds
from citewire.qa.finding import Finder
from citewire.qa.kinds import APART, CERTAIN, KINDS, LIKELIER, Guess, Kinds
from citewire.qa.types import Turn

_QUOTES = re.compile(r"[“”\"]")
_PIECE = re.compile(r"\S.*?(?:[.,:;!?](?=\s)|$)")  # a piece of a line, up to its next punctuation mark
_QUOTED_TITLE = re.compile(r"“[^”]*”")
_NEAR = 6.0  # multiplies the odds of an answer from an article that the last answer quotes
_TOLD = 3.0  # divides the odds of a sentence that the last answer already showed
_FIRST = 2.0  # multiplies the odds for the first, likeliest reading of a follow-up
_FOLLOWING = 0.3  # least probability of an answer to a follow-up; the reader does not see the earlier turns
_THERE = 0.2  # the same for an answer from an article that the last answer quotes
_BEARS = 0.1  # the same while the readings of a follow-up are compared
_NAMING, _TWICE = 20, 2  # most sentences with a name that are read for pronouns; fewest with one that tell
_LIKELY = 0.15  # least probability of a kind that is tried


@dataclass(frozen=True, slots=True)
class Asked:
    """How a line is understood.

    Attributes:
        kinds: possible kinds, the likeliest first, as in `citewire.qa.kinds`; for questions about the last answer
            also "more", "who_said", "which_article" and "doubt".
        intents: the likeliest intent of each kind.
        text: the standalone question.
        said: the sentences of the last answer that the line refers to, without citation numbers.
        reply: citewire's reply in its own words, "" for the one in `replies`.
        sure: probability of the first kind.
        least: answer threshold: the least probability of a sentence that answers.
        near: paths of the last answer's articles if they are searched before all others, else ().
    """

    kinds: tuple[str, ...]
    intents: Mapping[str, str]
    text: str
    said: tuple[str, ...] = ()
    reply: str = ""
    sure: float = 1.0
    least: float = ANSWERS
    near: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Context:
    """What a line is understood by: the articles, the classifier, the earlier turns (oldest first) and the filters."""

    finder: Finder
    kinds: Kinds
    history: Sequence[Turn]
    wanted: SearchOptions


@dataclass(frozen=True, slots=True)
class _Following:
    """A reading of a follow-up; `near` and `least` as in `Asked`, `sure`: the best answer reaches LIKELIER."""

    text: str
    near: tuple[str, ...] = ()
    least: float = _FOLLOWING
    sure: bool = False


def understood(text: str, context: Context) -> Asked:
    """Return what a line asks for. Raises: see `Finder.hits`."""
    text = _unaddressed(spelling.corrected(text, context.finder.index), context.kinds)
    guess, history = _read(text, context.kinds), context.history
    sure = guess.intents[guess.intent] >= LIKELIER
    of_all = (guess.kind == "talk" and sure) or (guess.kind == "corpus" and guess.probability >= CERTAIN)
    if of_all and not (followup.has_pronoun(text) and followup.topic(history)):
        return _asked(guess, text)  # "what are these about?" refers to no earlier turn
    text = _cased(text, context)
    history = [replace(turn, question=casing.cased(turn.question, [turn.answer])) for turn in history]
    intent = (guess.intent if sure else "elliptic") if guess.kind == "follow_up" else ""
    meant = followup.resolve(text, history, intent)
    if meant.kind == "nothing":
        before = replies.REFUSED if followup.refused(history) else replies.NOTHING_BEFORE
        reply = replies.NOTHING_OFFERED if guess.intent == "agree" else before
        return Asked(("talk",), {}, text, reply=reply, sure=guess.probability)
    if meant.kind in ("more", "who_said", "which_article", "doubt"):
        near = _last_quoted(context) if meant.kind != "more" else ()
        return Asked((meant.kind,), {}, meant.candidates[0], meant.said, near=near)
    if not followup.topic(history) or meant.kind == "agree":  # no earlier turn has content
        return _asked(_read(meant.candidates[0], context.kinds), meant.candidates[0])
    if followup.names_nothing(text):
        return Asked(("talk",), {}, text, reply=replies.WHOM)
    return _after(text, meant.candidates, guess, replace(context, history=history))


def _last_quoted(context: Context) -> tuple[str, ...]:
    """The articles that the last answer quotes and that are still in the index and pass the filters."""
    index, allowed = context.finder.index, context.finder.index.select(context.wanted.filters)

    def there(path: str) -> bool:
        rows = index.select(Filters(articles=(path,)))
        return rows is not None and bool((rows if allowed is None else rows & allowed).any())

    return tuple(filter(there, followup.last_quoted(context.history)))


def _after(text: str, candidates: Sequence[str], guess: Guess, context: Context) -> Asked:
    """What a line asks for after turns that have a topic, whether it needs them or not."""
    leaning = guess.kind == "follow_up" or followup.leans(text)
    last = _last_articles(context)
    own = not leaning and guess.kind in ("talk", "corpus", "summary", "not_for_it")
    if own and (guess.kind == "talk" or facts.names(text)):
        return _asked(guess, text)
    if own and guess.kind == "summary":  # "tell me more about the strike": that of the last answer
        return replace(_asked(guess, text), near=last if analysis.about(text) else ())
    following = _standalone(text, candidates, leaning, last, context)
    if own and not following.sure:
        return _asked(guess, text)
    behind = following.text.startswith(text.rstrip(" ?!."))  # text added at the end keeps the line's kind
    if guess.kind == "follow_up" or not behind:
        guess = _read(following.text, context.kinds)
    follows = leaning or own or bool(following.near) or following.text != text
    asked = _asked(guess, following.text, follows)
    return replace(asked, least=following.least, near=following.near) if follows else asked


def _last_articles(context: Context) -> tuple[str, ...]:
    """The articles that the last answer quotes; if none is known, those found for its sentences."""
    if quoted := _last_quoted(context):
        return quoted
    found = (context.finder.hits(one, context.wanted)[:1] for one in followup.last_told(context.history))
    return tuple(dict.fromkeys(hit.passage.article for hits in found for hit in hits))


def _cased(text: str, context: Context) -> str:
    """A line with capitals as in the earlier answers and the passages found for it."""

    def written() -> Iterator[str]:  # a generator, so that a line typed with capitals costs no search
        yield from (turn.answer for turn in context.history)
        for hit in context.finder.hits(text, context.wanted):
            whole = context.finder.index.article(hit.passage.article).text
            yield from (whole[span.start : span.end] for span in hit.passage.sentences)

    return casing.cased(text, written())


def _read(text: str, kinds: Kinds) -> Guess:
    """Classify a line without the titles that it quotes, which say nothing about its kind."""
    return kinds.read(_QUOTED_TITLE.sub("", text).strip() or text)


def _unaddressed(text: str, kinds: Kinds) -> str:
    """A line without small talk around its question: "Another question: who runs Orvik?"."""
    pieces = [] if _QUOTES.search(text) else list(_PIECE.finditer(text))
    asking = [piece for piece in pieces[1:] and pieces if not _is_talk(piece[0], kinds)]
    return text[asking[0].start() : asking[-1].end()].rstrip(" ,;:") if asking else text


def _is_talk(text: str, kinds: Kinds) -> bool:
    guess = _read(text, kinds)
    return guess.kind == "talk" and guess.probability >= CERTAIN and not facts.names(text)


def _asked(guess: Guess, text: str, leaning: bool = False) -> Asked:
    """The question with the kinds to try, likeliest first; a follow-up (`leaning`) is about articles."""
    likely = {guess.kind: guess.probability, **guess.others}
    for kind in ("follow_up", *(APART if leaning else ())):
        likely.pop(kind, None)
    tried = (kind for kind in likely if likely[kind] >= _LIKELY)
    # Kinds that no article answers come last below LIKELIER: if such a guess is wrong, the question is refused.
    kinds = sorted(tried, key=lambda kind: (kind in APART and likely[kind] < LIKELIER, -likely[kind]))
    intents: dict[str, str] = {KINDS[one]: one for one in sorted(guess.intents, key=lambda one: guess.intents[one])}
    sure = likely[kinds[0]] if kinds else 0.0
    return Asked(tuple(kinds) or ("fact",), intents, text, sure=sure)


def _standalone(
    text: str, candidates: Sequence[str], leaning: bool, last: tuple[str, ...], context: Context
) -> _Following:
    """Return the reading of a follow-up that the articles answer best.

    Each reading is searched in all articles; the line as typed is also searched in those of the last answer only,
    where "how much is a ticket?" is clear. Answers from these articles get more weight and a lower threshold, as
    the subject is right; answers that were already shown get less weight. A line with a name that does not lean on
    earlier turns is not reworded; it is returned as it is if the last answer does not have the name.
    """
    said = followup.last_told(context.history)
    named = [] if leaning else facts.names(text)
    if named and not all(facts.has_name(name, " ".join(said)) for name in named):
        return _Following(text)
    told = {" ".join(facts.words(one)) for one in said}
    readings = [_Following(one) for one in ([text] if named else _of_gender(text, candidates, last, context))]
    readings += [_Following(followup.without_opening(text), last)] if last else []

    judged = []  # (has an answer, weighted odds, reading, answer)
    for at, one in enumerate(readings):
        found = context.finder.part(one.text, within(context.wanted, one.near), _BEARS).chosen[:1]
        if not found:
            judged.append((False, 0.0, one, ""))
            continue
        (best,) = found
        least = _THERE if best.article in last else _FOLLOWING
        good = odds(best.probability) * (_NEAR if best.article in last else 1.0) * (_FIRST if at == 0 else 1.0)
        good /= _TOLD if " ".join(facts.words(best.text)) in told else 1.0
        one = replace(one, least=least, sure=best.probability >= LIKELIER)
        judged.append((best.probability >= least, good, one, best.text))
    first = max(judged, key=lambda one: one[:2])
    same = (one for one in judged if one[0] == first[0] and one[3] == first[3])  # prefers a name to "she"
    return next(same)[2]


def _of_gender(text: str, candidates: Sequence[str], last: tuple[str, ...], context: Context) -> Sequence[str]:
    """The readings without those that put "he" for somebody whom the last answer's articles call "she", or the reverse.

    All of them if none is left.
    """
    asked = followup.genders(text)
    if len(asked) != 1:
        return candidates
    texts = [context.finder.index.article(path).text for path in last]
    told = [text[span.start : span.end] for text in texts for span in sentences(text)]

    def other(name: str) -> bool:
        """Whether nearly all sentences with a name and a pronoun have one of the other gender."""
        last_name = name.split()[-1]
        naming = islice((text for text in told if last_name in text), _NAMING)
        called = Counter(gender for text in naming for gender in followup.genders(text))
        return called.total() >= _TWICE and called.total() > 3 * sum(called[one] for one in asked)

    typed = facts.names(text)
    fitting = [one for one in candidates if not any(map(other, set(facts.names(one)) - set(typed)))]
    return fitting or candidates


def within(wanted: SearchOptions, articles: tuple[str, ...]) -> SearchOptions:
    """Return the options for a search in these articles only; unchanged for ()."""
    return replace(wanted, filters=replace(wanted.filters, articles=articles)) if articles else wanted
