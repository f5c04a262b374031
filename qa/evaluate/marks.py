"""An answer and its record -> marks; a claim's verdict and the record's label -> marks.

The only definition of a right answer. Knows answers and records; runs no question and reads no file. A mark is a tally
for `measure.share` under a name of `MEASURES`; measures that the record does not cover are left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from citewire.index.types import Article
from citewire.qa import facts, quantities
from citewire.qa.evaluate import measure
from citewire.qa.evaluate.measure import Tally
from citewire.qa.evaluate.records import Claimed, QuestionItem
from citewire.qa.facts import tokens
from citewire.qa.types import Answer, Claim, ConflictValue, Quote, as_shown
from citewire.qa.verdicts import Checker, Judged

HITS = (1, 4, 10)
LONGEST_EXACT = 12  # most words of an answer that is matched literally; longer ones are measured by F1 and recall

# name -> (description, the marks whose shares are averaged)
MEASURES: dict[str, tuple[str, tuple[str, ...]]] = {
    "right": ("answers, or verdicts, that are right; a right source cited where the record names sources", ("right",)),
    "exact_match": (
        "the answer's few words, all of it where it has none, are an accepted one (SQuAD EM; a right refusal counts)",
        ("em",),
    ),
    "f1": ("their words shared with an accepted answer (SQuAD F1; a right refusal counts)", ("f1",)),
    "answer_recall": ("words of an accepted answer that stand in the answer", ("answer_recall",)),
    "multiple_choice": ("the choice nearest to the answer is the right one", ("multiple_choice",)),
    "refusal_precision": ("refused questions that are unanswerable", ("refusal_precision",)),
    "refusal_recall": ("unanswerable questions that are refused", ("refusal_recall",)),
    "answered": ("answerable questions that are not refused", ("answered",)),
    "quotes_exact": ("quotes that stand in their article, character for character", ("quotes_exact",)),
    "facts_quoted": ("supported claims whose numbers, dates and names stand in their quotes", ("facts_quoted",)),
    "sentence_quoted": ("the sentence that the record names is quoted", ("sentence_quoted",)),
    "citation_recall": ("shown claims that their quotes together support (ALCE)", ("citation_recall",)),
    "citation_precision": ("quotes that a claim needs (ALCE)", ("citation_precision",)),
    "source_precision": ("cited articles that are right sources", ("source_precision",)),
    "conflict_precision": ("flagged disagreements that are there", ("conflict_precision",)),
    "conflict_recall": ("disagreements that are flagged", ("conflict_recall",)),
    "conflict_values": ("answers that sources disagree on and that are shown", ("conflict_values",)),
    "misled": ("a wrong answer given, no disagreement flagged (lower is better)", ("misled",)),
    **{f"hits_at_{k}": (f"a right source among the first {k} articles found", (f"hits_at_{k}",)) for k in HITS},
    "mrr": ("1 / place of the first right source among the first 10 articles found", ("mrr",)),
    "verdict_balanced_accuracy": (
        "mean of the shares of supported claims kept and of other claims caught",
        ("supported_kept", "others_caught"),
    ),
    "supported_kept": ("supported claims that the check calls supported", ("supported_kept",)),
    "others_caught": ("claims that are not supported and not called so", ("others_caught",)),
    "brier": ("squared error of the check's probability (lower is better)", ("brier",)),
}

_FORMULA = re.compile(r"\([^()=]+ = (?P<result>[^()=]+)\)\.?$")  # ends a computed claim; its operands are quoted

FRACTIONS = frozenset(("f1", "answer_recall", "mrr", "brier"))  # measures that are fractions for one record


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks of a record's answer.

    Attributes:
        right: None if the record does not say what is right.
        tallies: by the names of `MEASURES`' marks.
        why: what is wrong, in words for the user.
    """

    right: bool | None
    tallies: dict[str, Tally] = field(default_factory=dict)
    why: tuple[str, ...] = ()


def mark_claim(item: Claimed, judged: Judged) -> Marks:
    """Mark a checker's verdict: anything but "supported" counts as not supported."""
    kept = judged.verdict == "supported"
    right = kept == item.supported
    name = "supported_kept" if item.supported else "others_caught"
    brier = measure.brier(judged.probability, item.supported)
    why = () if right else (f"is {item.kind}, is called {judged.verdict}",)
    return Marks(right, {"right": (right, 1), name: (right, 1), "brier": (brier, 1)}, why)


def mark_answer(item: QuestionItem, answer: Answer, article: Callable[[str], Article], checker: Checker) -> Marks:
    """Mark an answer by its record and by what holds for every answer, such as exact quotes.

    Args:
        item: the record.
        answer: its answer.
        article: looks up an article of the index by path.
        checker: tells whether quotes support their claim.
    """
    right, why = judge(item, answer)
    inexact = [q.text for q in _spans(answer) if article(q.article).text[q.start : q.end] != q.text]
    why += [f"a quote is not in its article: {text}" for text in inexact]
    tallies = {} if right is None else {"right": (float(right), 1.0)}
    tallies |= _wording(item, answer) | _refusal(item, answer) | _conflict(item, answer) | _found(item, answer)
    tallies |= _citations(answer, checker) | _sources(item, answer)
    spans = len(_spans(answer))
    tallies["quotes_exact"] = (float(spans - len(inexact)), float(spans))
    return Marks(right, tallies, tuple(why))


def judge(item: QuestionItem, answer: Answer) -> tuple[bool | None, list[str]]:
    """Return whether the answer is right by the record (None if unknown), and what is wrong.

    A refusal is right for an unanswerable question or a false premise. Any other answer has to contain what the record
    wants and nothing that it forbids, cite one of its sources or quote its sentence if it has them, and flag the
    conflict if it is about one.
    """
    refused = answer.status == "abstained"
    if item.answerable is False:
        return refused, [] if refused else ["answers what the sources do not say"]
    if refused:
        if item.kind == "false_premise":
            return True, []
        return (None if _says_nothing(item) else False), ["refuses what the sources say"] if item.answerable else []
    if answer.status in ("failed", "stopped"):
        return False, [f"the answer {answer.status}"]
    if _says_nothing(item):
        return None, []
    text = shown(answer)
    why = _unsaid(item, text)
    why += [f"says {one!r}" for one in item.must_not_include if one.lower() in text.lower()]
    cites = any(_is_source(cited, item.cite) for cited in _cited(answer))
    if (item.cite or item.quote) and not (cites or _quotes_sentence(item, answer)):
        why.append(f"cites none of {', '.join(item.cite)}" if item.cite else f"does not quote: {item.quote}")
    if item.kind == "conflict" and not answer.conflicts:
        why.append("does not flag the disagreement")
    return not why, why


def shown(answer: Answer) -> str:
    """Return all that the user sees as the answer: its text, and the values in which sources disagree."""
    return "\n".join([answer.text, *(value.value for conflict in answer.conflicts for value in conflict.values)])


def says(text: str, wanted: str) -> bool:
    """Return whether `text` has the short answer `wanted`: its words in sequence, or equal figures and all its words.

    For "yes" and "no" the text has to begin with that word.
    """
    words = tokens(wanted)
    if words in (["yes"], ["no"]):
        return tokens(text)[:1] == words
    if measure.contains(text, wanted):
        return True
    figures = quantities.numbers(wanted)
    there = quantities.numbers(text)
    if not figures or not all(any(figure.matches(one) for one in there) for figure in figures):
        return False
    for figure in reversed(figures):
        wanted = f"{wanted[: figure.start]} {wanted[figure.end :]}"
    return set(tokens(wanted)) <= set(tokens(text))


def _says_nothing(item: QuestionItem) -> bool:
    """Whether the record has no rule for a right answer, except answers too long to match."""
    ruled = bool(item.must_include or item.must_not_include or item.quote) or item.kind in ("conflict", "false_premise")
    return not ruled and not any(_is_short(answer) for answer in item.answers)


def _is_short(answer: str) -> bool:
    return len(tokens(answer)) <= LONGEST_EXACT


def _unsaid(item: QuestionItem, text: str) -> list[str]:
    """The strings and answers that the record wants and the text lacks."""
    lower = text.lower()
    out = [" or ".join(one) for one in item.must_include if not any(any_of.lower() in lower for any_of in one)]
    short = [answer for answer in item.answers if _is_short(answer)]
    absent = [answer for answer in short if not says(text, answer)]
    if item.every:
        out += absent
    elif short and len(absent) == len(short):
        out.append(" or ".join(short))
    return [f"does not say {one}" for one in out]


def _wording(item: QuestionItem, answer: Answer) -> dict[str, Tally]:
    if item.answerable is False and item.worded:  # as SQuAD 2 counts them
        refused = float(answer.status == "abstained")
        return {"em": (refused, 1), "f1": (refused, 1)}
    if not item.answers:
        return {}
    silent = answer.status in ("abstained", "failed")
    text = "" if silent else " ".join(c.text for c in answer.claims if c.shown)
    few = "" if silent else answer.short
    out: dict[str, Tally] = {
        "em": (measure.exact_match(few or text, item.answers), 1),
        "f1": (measure.token_f1(few or text, item.answers), 1),
        "answer_recall": (measure.token_recall(text, item.answers), 1),
    }
    if item.choices:
        chosen = _choice(few, item.choices) or _choice(text, item.choices)
        out["multiple_choice"] = (float(chosen in item.answers), 1)
    return out


def _choice(text: str, choices: Sequence[str]) -> str:
    """Return the choice with the highest word recall in the text, "" if that is 0 or a tie."""
    recalls = [measure.token_recall(text, [choice]) for choice in choices]
    best = max(recalls)
    return choices[recalls.index(best)] if best > 0 and recalls.count(best) == 1 else ""


def _refusal(item: QuestionItem, answer: Answer) -> dict[str, Tally]:
    if item.answerable is None or item.kind == "false_premise":
        return {}
    refused, unanswerable = float(answer.status == "abstained"), float(not item.answerable)
    return {
        "refusal_precision": (refused * unanswerable, refused),
        "refusal_recall": (refused * unanswerable, unanswerable),
        "answered": ((1 - refused) * (1 - unanswerable), 1 - unanswerable),
    }


def _conflict(item: QuestionItem, answer: Answer) -> dict[str, Tally]:
    out: dict[str, Tally] = {}
    text, flagged = shown(answer), float(bool(answer.conflicts))
    if item.disagree is not None:
        there = float(item.disagree)
        out["conflict_precision"] = (flagged * there, flagged)
        out["conflict_recall"] = (flagged * there, there)
    if item.disagree and len(item.values) > 1:
        out["conflict_values"] = (float(sum(says(text, value) for value in item.values)), float(len(item.values)))
    if item.wrong and item.documents:
        right = any(says(text, one) for one in item.answers)
        said_wrong = not right and any(says(text, one) for one in item.wrong)
        out["misled"] = (float(said_wrong and not flagged and answer.status != "abstained"), 1)
    return out


def _found(item: QuestionItem, answer: Answer) -> dict[str, Tally]:
    if not item.find:
        return {}
    articles = dict.fromkeys(hit.article for hit in answer.hits)
    place = next((place for place, article in enumerate(articles, 1) if _is_source(article, item.find)), 0)
    out: dict[str, Tally] = {f"hits_at_{k}": (measure.hit(place, k), 1) for k in HITS}
    return out | {"mrr": (measure.reciprocal_rank(place, 10), 1)}


def _citations(answer: Answer, checker: Checker) -> dict[str, Tally]:
    """Citation recall and precision as in ALCE (Gao et al., EMNLP 2023), with `checker` instead of their NLI model.

    A quote is needed if it supports the claim alone, or if the others do not support it.
    """
    visible = [claim for claim in answer.claims if claim.shown]
    supported = [_supports(claim, range(len(claim.quotes)), checker) for claim in visible]
    needed = quotes = 0
    for claim, whole in zip(visible, supported, strict=True):
        places = range(len(claim.quotes))
        quotes += len(places)
        for place in places if whole else ():
            others = [other for other in places if other != place]
            needed += _supports(claim, [place], checker) or not _supports(claim, others, checker)
    sure = [claim for claim in visible if claim.verdict == "supported"]
    return {
        "citation_recall": (float(sum(supported)), float(len(visible))),
        "citation_precision": (float(needed), float(quotes)),
        "facts_quoted": (float(sum(_facts_quoted(claim) for claim in sure)), float(len(sure))),
    }


def _supports(claim: Claim, places: Sequence[int], checker: Checker) -> bool:
    text = "\n".join(claim.quotes[place].text for place in places)
    return bool(text) and (_is_verbatim(claim, text) or checker.check(claim.text, text).verdict == "supported")


def _is_verbatim(claim: Claim, text: str) -> bool:
    """Whether the claim is part of the text, so that it needs no check."""
    return " ".join(claim.text.split()) in as_shown(text)


def _facts_quoted(claim: Claim) -> bool:
    """Whether every number, month and name of the claim is in its quotes in some spelling, or was computed."""
    quoted = "\n".join(quote.text for quote in claim.quotes)
    formula = _FORMULA.search(claim.text)
    there = [*quantities.numbers(quoted), *quantities.numbers(formula["result"] if formula else "")]
    return _is_verbatim(claim, quoted) or (
        all(any(number.matches(one) for one in there) for number in quantities.numbers(claim.text))
        and facts.months(claim.text) <= facts.months(quoted)
        and all(facts.has_name(name, quoted) for name in facts.names(claim.text))
    )


def _sources(item: QuestionItem, answer: Answer) -> dict[str, Tally]:
    cited = _cited(answer) if item.cite else ()
    out: dict[str, Tally] = {
        "source_precision": (float(sum(_is_source(a, item.cite) for a in cited)), float(len(cited)))
    }
    return out | ({"sentence_quoted": (float(_quotes_sentence(item, answer)), 1)} if item.quote else {})


def _cited(answer: Answer) -> tuple[str, ...]:
    return tuple(dict.fromkeys(q.article for claim in answer.claims if claim.shown for q in claim.quotes))


def _quotes_sentence(item: QuestionItem, answer: Answer) -> bool:
    """Whether a quote of any article contains the record's sentence."""
    wanted = " ".join(item.quote.split())
    return bool(wanted) and any(
        wanted in " ".join(quote.text.split()) for claim in answer.claims if claim.shown for quote in claim.quotes
    )


def _is_source(article: str, sources: Sequence[str]) -> bool:
    return any(article == source or article.endswith((f"#{source}", f"/{source}")) for source in sources)


def _spans(answer: Answer) -> list[Quote | ConflictValue]:
    """All spans of articles in the answer: the quotes of its claims and the values of its conflicts."""
    quotes = [quote for claim in answer.claims for quote in claim.quotes]
    return [*quotes, *(value for conflict in answer.conflicts for value in conflict.values)]
