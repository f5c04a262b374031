"""From the model's words to checked claims: split, align to exact quotes, judge.

A claim is supported when its numbers, dates and names stand in its quotes, most of its other words do too, and it does
not deny what they say. This compares words, not meaning: a claim that twists a sentence using only the sentence's own
words passes (docs/quality.md has the figures).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import sentencex

from citewire.index.passages import sentences
from citewire.index.types import Article, Span
from citewire.qa import facts
from citewire.qa.evidence import Evidence
from citewire.qa.types import Verdict

# [1], [1, 2], [[1]], 【1】, [1][2] and, at the end of a text, a marker that has only half arrived.
_MARKER = re.compile(r"\s*(?:\[+|【)\s*(\d{1,3}(?:\s*[,;–-]\s*\d{1,3})*)\s*(?:\]+|】)")
_HALF_MARKER = re.compile(r"\s*(?:\[+|【)[\d\s,;–-]*$")
_NEGATION = re.compile(r"\b(?:not|no|never|none|neither|nor|without|cannot|\w+n['’]t)\b", re.IGNORECASE)
# Words that set two statements of one sentence against each other.
_CONTRAST = re.compile(
    r";|,?\s\b(?:while|whereas|but|although|in contrast|compared (?:to|with)|versus)\b", re.IGNORECASE
)
_SUPPORTED, _PARTIAL = 0.6, 0.4  # least share of a claim's words in its quotes, for each verdict


@dataclass(frozen=True, slots=True)
class Place:
    """An exact quote before it has a number."""

    article: str
    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """A claim's verdict, the quotes it rests on, and how much of it they carry.

    Attributes:
        probability: share of the claim's words in the quotes, halved for every number, date or name that is not;
            it orders claims and is not calibrated.
    """

    verdict: Verdict
    probability: float
    reason: str
    places: tuple[Place, ...]


def arriving(pieces: Iterable[str]) -> Iterator[tuple[str, bool]]:
    """Yield (text, whole) as `pieces` arrive: the sentence being written, whole=True once it has ended.

    How the text is cut into pieces decides nothing: a sentence has ended when the first word after it is complete,
    and no quotation is open.
    """
    text = ""
    for piece in pieces:
        for character in piece:
            text += character
            if not character.isspace():
                continue
            first, *rest = _split(text)
            if rest and not _quoting(first):
                text = "".join(rest)
                yield first, True
        yield text, False
    yield from ((sentence, True) for sentence in _split(text) if sentence.strip())


def _quoting(text: str) -> bool:
    return text.count("“") > text.count("”") or text.count('"') % 2 == 1


def _split(text: str) -> list[str]:
    """Cut `text` into sentences; a citation marker after the full stop, and blanks, stay with what they follow."""
    out: list[str] = []
    for line in re.findall(r"[^\n]+\n*|\n+", text):
        # sentencex panics on some non-ASCII spaces before a full stop, so it gets plain ones.
        parts = sentencex.segment("en", re.sub(r"\s", " ", line.rstrip("\n")))
        for part in [*parts, line[len(line.rstrip("\n")) :]]:
            marker = re.match(r"(?:\s*(?:\[+|【)[\d\s,;–-]*(?:\]+|】))+", part)
            if out and marker:
                out[-1] += marker[0]
                part = part[marker.end() :]
            if out and (not part.strip() or not out[-1].strip() or _HALF_MARKER.fullmatch(part)):
                out[-1] += part
            else:
                out.append(part)
    return out or [""]


def strip_markers(text: str) -> tuple[str, list[int]]:
    """Return the text without citation markers, and the numbers they held."""
    cited: list[int] = []
    before, plain = "", text
    while plain != before:  # taking one marker out can leave another, as in "[ [1] 2]"
        before = plain
        cited += [int(n) for m in _MARKER.finditer(plain) for n in re.findall(r"\d+", m[1])]
        plain = " ".join(_HALF_MARKER.sub("", _MARKER.sub("", plain)).split())
        plain = re.sub(r"\s+([.,;:!?])", r"\1", plain).lstrip("-•* ")
    return plain, cited


def verbatim(evidence: Evidence) -> Judgement:
    """The judgement of a claim that is the sentence itself."""
    return Judgement("supported", 1.0, "", (Place(evidence.article, evidence.span, evidence.text),))


def judge(
    claim: str,
    cited: Sequence[int],
    evidence: Sequence[Evidence],
    article: Callable[[str], Article],
    known: frozenset[str],
) -> Judgement:
    """Judge `claim` against the sentence of `evidence` that carries most of it.

    A name that the sentence leaves to its article ("the company") may be carried by a second quote: the nearest
    earlier sentence, else the opening one, that has the name.

    Args:
        claim: a sentence without markers.
        cited: the 1-based numbers that the model wrote; they only break ties, since it may cite wrongly.
        evidence: the sentences that the model was given.
        article: looks up an article by path.
        known: words that are names although they open the claim; see `facts.name_words`.
    """
    best = max(
        enumerate(evidence, 1),
        key=lambda ne: (-len(_absent(claim, ne[1].text, known)), _share(claim, ne[1].text), ne[0] in cited),
    )[1]
    places = [Place(best.article, best.span, best.text)]
    for name in [n for n in _absent_names(claim, best.text, known) if not _has_digit(n)]:
        source = article(best.article)
        if not facts.has_name(name, " ".join(p.text for p in places)) and (span := _naming(name, source, best.span)):
            places.append(Place(best.article, span, source.text[span.start : span.end]))
    quoted = "\n".join(p.text for p in places)
    # A second quote says who is spoken of; a figure has to stand in the first.
    figures, share = _absent_figures(claim, best.text), _share(claim, quoted)
    absent = [*figures, *_absent_names(claim, quoted, known)]
    probability = round(share * 0.5 ** len(absent), 3)
    if share < _PARTIAL:
        return Judgement("unsupported", probability, "no sentence of the sources says this", ())
    wrong = [f for f in figures if f.lower() != "one"]  # as in "one of the ships"
    if wrong or any(_has_digit(name) for name in absent):
        return Judgement("unsupported", probability, f"{_listed(absent)} not in the quote", ())
    if absent:
        return Judgement("partial", probability, f"{_listed(absent)} not in the quote", tuple(places))
    if _NEGATION.search(claim) and not _NEGATION.search(best.text):
        return Judgement("partial", probability, "the quote does not deny this", tuple(places))
    if _denies(best.text, claim):
        return Judgement("partial", probability, "the quote denies this", tuple(places))
    if _mixes(claim, best.text):
        return Judgement("unsupported", probability / 2, "the quote says these things of different subjects", ())
    if share < _SUPPORTED:
        return Judgement("partial", probability, "the quote carries only part of this", tuple(places))
    return Judgement("supported", probability, "", tuple(places))


def _absent(claim: str, quoted: str, known: frozenset[str]) -> list[str]:
    """The numbers, months and names of the claim that `quoted` does not have, as the claim writes them."""
    return [*_absent_figures(claim, quoted), *_absent_names(claim, quoted, known)]


def _absent_figures(claim: str, quoted: str) -> list[str]:
    there = facts.numbers(quoted)
    out = [claim[n.start : n.end].strip() for n in facts.numbers(claim) if not any(n.matches(t) for t in there)]
    out += [m.capitalize() for m in sorted(facts.months(claim) - facts.months(quoted))]
    return list(dict.fromkeys(out))


def _absent_names(claim: str, quoted: str, known: frozenset[str]) -> list[str]:
    return list(dict.fromkeys(n for n in facts.names(claim, known) if not facts.has_name(n, quoted)))


def _share(claim: str, quoted: str) -> float:
    """Share of the claim's words and numbers, function words left out, that `quoted` has in some form."""
    mine, there = set(facts.terms(_without_numbers(claim))), set(facts.terms(quoted))
    have = [any(facts.same_root(m, t) for t in there) for m in mine]
    have += [any(n.matches(t) for t in facts.numbers(quoted)) for n in facts.numbers(claim)]
    return sum(have) / len(have) if have else 0.0


def _without_numbers(text: str) -> str:
    for number in reversed(facts.numbers(text)):
        text = f"{text[: number.start]} {text[number.end :]}"
    return text


def _denies(quoted: str, claim: str) -> bool:
    """Whether the quote negates a word that the claim, itself without a negation, affirms."""
    if _NEGATION.search(claim):
        return False
    mine = facts.terms(claim)
    for negation in _NEGATION.finditer(quoted):
        after = re.split(r"[,;:.]", quoted[negation.end() :])[0]
        negated = [] if re.match(r"\s+(?:only|just|merely)\b", after) else facts.terms(after)[:1]
        if any(facts.same_root(n, m) for n in negated for m in mine):
            return True
    return False


def _mixes(claim: str, quoted: str) -> bool:
    """Whether the claim joins a number of one contrasted part of the quote to words that stand only in another part."""
    parts = [p for p in _CONTRAST.split(quoted) if p.strip()]
    mine = facts.numbers(claim)
    homes = [p for p in parts if any(n.matches(t) for n in mine for t in facts.numbers(p))]
    if len(parts) < 2 or len(homes) != 1:
        return False
    home, rest = homes[0], " ".join(p for p in parts if p is not homes[0])
    own_subject = facts.names(home)
    names = {t for n in facts.names(quoted) for t in facts.terms(n)}
    here, elsewhere = set(facts.terms(home)), set(facts.terms(rest))
    strays = [t for t in set(facts.terms(claim)) if t in elsewhere and not any(facts.same_root(t, h) for h in here)]
    return any(t not in names or own_subject for t in strays)


def _naming(name: str, article: Article, before: Span) -> Span | None:
    """The nearest sentence before `before` that has `name`, else the first of the article that has it."""
    having = [s for s in sentences(article.text) if facts.has_name(name, article.text[s.start : s.end])]
    earlier = [s for s in having if s.end <= before.start]
    return earlier[-1] if earlier else having[0] if having else None


def _has_digit(text: str) -> bool:
    return any(character.isdigit() for character in text)


def _listed(absent: Sequence[str]) -> str:
    return f"{', '.join(absent)} {'is' if len(absent) == 1 else 'are'}"
