"""What a claim says that a quote does not: each difference named in words a reader understands.

Knows how statements differ in numbers, dates, names, negation, opposite words, who did what to whom, who said it, how
sure it is and how many it speaks of. Works on words and their order, without a parser and without a model, so it misses
what only meaning tells; `verdicts` weighs what is found here against meaning.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Literal, get_args

from citewire.qa import english, facts

Kind = Literal[
    "number", "rounded", "date", "name", "negation", "denial", "opposite",
    "role", "subject", "speaker", "hedge", "quantifier", "addition",
]  # fmt: skip
KINDS: tuple[Kind, ...] = get_args(Kind)
# The quote says otherwise, or a figure is made up; the other kinds leave part of the claim without support.
DECISIVE: frozenset[Kind] = frozenset({"number", "date", "negation", "opposite", "role", "subject", "speaker"})

_WORD = re.compile(r"[^\W_]+(?:[.&'’-][^\W_]+)*")
_CLAUSE = re.compile(r"[,;:.()–—]|\b(?:and|but|while|whereas|although|because)\b", re.IGNORECASE)
_COPIED = 0.5  # most of a claim's words that its quote may lack for the claim to be a copy with changes
# Words that set two statements of one sentence against each other.
_CONTRAST = re.compile(
    r";|,?\s\b(?:while|whereas|but|although|in contrast|compared (?:to|with)|versus)\b", re.IGNORECASE
)
_OTHER_SUBJECT = re.compile(r";|,?\s\b(?:while|whereas|in contrast|compared (?:to|with)|versus)\b", re.IGNORECASE)
_SUPERLATIVE = re.compile(r"most|least|\w{2,}est")
_DEGREES = "high|low|larg|great|small|bigg|long|short|cheap|fast|slow|strong|weak|rich|poor|heavi|light"
# "more than 100" sets a limit and compares nothing.
_COMPARATIVE = re.compile(
    rf"\b(?:(?:{_DEGREES})er|more|less|fewer|better|worse)\b(?!\s+(?:than\s+)?(?:[$€£]?\d|half|one\b|an?\b|or\b))",
    re.IGNORECASE,
)
_COMPARES = re.compile(
    rf"\b(?:(?:{_DEGREES})e(?:r|st)|more|most|less|least|fewer|better|best|worse|worst|than|versus|vs|against|compar\w+"
    r"|up|down|above|below|under|over|beat\w*|top\w*|lead\w*|led|lag\w*|trail\w*|record|additional|further|extra"
    r"|r[iao]se\w*|f[ae]ll\w*|gr[oe]w\w*|(?:increas|decreas|declin|reduc|exceed|surpass|outp|outs|outn|drop|jump|soar|climb"
    r"|plung|plummet|shr[iau]nk|cut|doubl|tripl|halv|gain|expan|rais|boost|improv|worsen|slip|slid|surg)\w*)\b",
    re.IGNORECASE,
)
_NEGATION = re.compile(
    r"\b(?:not|no|never|none|neither|nor|nobody|nothing|without|cannot|other than|un(?:able|willing)|\w+n['’]t"
    r"|(?:fail|refus|declin)(?:s|es|ed|ing)?(?= to\b)|lack(?:s|ed|ing)?)\b",
    re.IGNORECASE,
)
_BASED = r"(?:based|headquarter(?:s|ed)|located|domiciled|incorporated|registered|seat(?:ed)?|home|offices?)"
_LEADS_TO_PLACE = re.compile(r"\b(?:in|into|to|from|at|of|across|for|with|by|and|,)\s+(?:the\s+)?$", re.IGNORECASE)
# What undoes the word after it: "ending the ban" is no ban.
_UNDONE = re.compile(
    r"\b(?:end|lift|stop|avoid|prevent|revers|overturn|revok|without|not|no)\w*\s+(?:\w+\s+)?$", re.IGNORECASE
)
_NO_NEGATION = re.compile(r"\s+(?:only|just|merely|least|less than|more than|later than)\b", re.IGNORECASE)
_PREFIXES = ("un", "in", "im", "il", "ir", "dis", "non", "non-")
_SAYING = (
    r"(?:said|says|say|told|tells|stated|states|explained|added|argued|wrote|commented|noted|claimed|announced|"
    r"warned|insisted|testified|tweeted|predicted)"
)
_SAID = re.compile(rf"\b{_SAYING}\b|\baccording to\b", re.IGNORECASE)
# What can make a sentence somebody's words, in whatever form.
_TELLS = re.compile(
    rf"[“”\"‘’']|\b(?:{_SAYING}|saying|stating|for|(?:according|ask|answer|announc|believ|call|claim|confirm|declar|demand"
    r"|deni|deny|describ|estimat|expect|forecast|insist|pledg|post|promis|report|reveal|statement|suggest|think|tweet|urg"
    r"|view|vow|warn)\w*)\b",
    re.IGNORECASE,
)
_PRONOUN_SAID = re.compile(rf"\b(?:he|she|they|it|who)\s+(?:\w+\s+)?{_SAYING}\b|\b{_SAYING}\s+(?:he|she|they)\b", re.I)
_HEDGE = re.compile(
    r"\b(?:may|might|could|would|should|perhaps|possibly|probably|potentially|likely|unlikely|reportedly|allegedly|"
    r"alleged|suspected|rumou?red|proposed|if|unless|whether|"
    r"(?:expect|plan|aim|hop|intend|consider|seek|want|threaten|propos)(?:s|es|ed|ing|ning|ned)?)\b",
    re.IGNORECASE,
)
_QUANTIFIERS = re.compile(
    r"\b(?:only|solely|exclusively|all|every|everyone|always|entirely|completely|never|nobody|none|most|majority)\b",
    re.IGNORECASE,
)
_ALSO_ONLY = {
    "only": {"sole", "solely", "exclusively", "just", "single"},
    "solely": {"only", "sole", "exclusively"},
    "exclusively": {"only", "solely", "exclusive"},
    "all": {"every", "each", "everyone", "entire", "whole", "both", "any"},
    "every": {"all", "each", "any"},
    "everyone": {"all", "everybody"},
    "entirely": {"completely", "fully", "wholly", "entire"},
    "completely": {"entirely", "fully", "wholly"},
    "most": {"majority", "mostly"},
    "majority": {"most", "mostly"},
}  # fmt: skip
# Verbs whose two sides can change places.
_MUTUAL = frozenset(
    map(
        facts.stem,
        "meet met marry married merge merged join joined talk talked discuss discussed agree agreed partner partnered "
        "draw drew compete competed cooperate star starred include included feature featured base based".split(),
    )
)
_IRREGULAR = {
    form: base
    for line in (
        "become became|begin began begun|break broke broken|bring brought|build built|buy bought|catch caught|"
        "choose chose chosen|come came|cost|cut|deal dealt|draw drew drawn|drive drove driven|eat ate eaten|"
        "fall fell fallen|feel felt|fight fought|find found|fly flew flown|forget forgot forgotten|get got gotten|"
        "give gave given|go went gone|grow grew grown|have had|hear heard|hide hid hidden|hold held|keep kept|"
        "know knew known|lead led|leave left|lend lent|lose lost|make made|mean meant|meet met|pay paid|"
        "ride rode ridden|ring rang rung|rise rose risen|run ran|say said|see saw seen|seek sought|sell sold|"
        "send sent|shake shook shaken|shoot shot|show shown|shrink shrank shrunk|sing sang sung|sink sank sunk|"
        "sit sat|sleep slept|speak spoke spoken|spend spent|stand stood|steal stole stolen|stick stuck|"
        "strike struck|swear swore sworn|swim swam swum|take took taken|teach taught|tear tore torn|tell told|"
        "think thought|throw threw thrown|understand understood|wake woke woken|wear wore worn|win won|"
        "withdraw withdrew withdrawn|write wrote written|child children|man men|woman women|person people"
    ).split("|")
    for base, *forms in [line.split()]
    for form in forms
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference between a claim and its quote.

    Attributes:
        kind: what differs.
        reason: completes "not supported: ...".
        what: the words of the claim that are missing; "" where more than words is.
    """

    kind: Kind
    reason: str
    what: str = ""


@dataclass(frozen=True, slots=True)
class Token:
    """A word of a text: as written, in lower case without possessive, its root, where it starts and ends."""

    text: str
    key: str
    root: str
    start: int
    end: int

    @property
    def content(self) -> bool:
        """Whether it carries meaning of its own."""
        return self.key not in facts.STOP_WORDS and not self.key.endswith(("n't", "n’t"))


@dataclass(frozen=True, slots=True)
class Statement:
    """A text, read once: its words, roots, numbers and names."""

    text: str
    tokens: tuple[Token, ...]
    roots: frozenset[str]
    numbers: tuple[facts.Number, ...]
    names: tuple[str, ...]

    @property
    def content(self) -> list[Token]:
        """The words that carry meaning, without those of numbers, in order."""
        spans = [(n.start, n.end) for n in self.numbers]
        return [t for t in self.tokens if t.content and not any(a <= t.start < b for a, b in spans)]

    def has(self, root: str) -> bool:
        """Whether a word of the text has this root."""
        return root in self.roots or any(facts.same_root(root, r) for r in self.roots if r[:4] == root[:4])


def root(word: str) -> str:
    """Return the stem that all forms of a lower-case word share, irregular ones too ("rose", "risen": "rise")."""
    return facts.stem(_IRREGULAR.get(word, word))


def subject_end(text: Statement) -> int:
    """Return where the name that opens the text ends, 0 if none does."""
    name = _opening_name(text)
    return text.text.find(name) + len(name) if name else 0


def read(text: str, known: frozenset[str] = frozenset()) -> Statement:
    """Return `text`, read; `known` as in `facts.names`."""
    tokens = []
    for m in _WORD.finditer(text):
        key = re.sub(r"['’]s?$", "", m[0].lower())
        tokens.append(Token(m[0], key, root(key), m.start(), m.end()))
        if "-" in key:  # "video-sharing" is found in "sharing video"
            parts = [(p.start() + m.start(), p[0]) for p in re.finditer(r"[^\W_]+", key)]
            tokens += [Token(p, p, root(p), at, at + len(p)) for at, p in parts if len(p) > 1]
    roots = frozenset(t.root for t in tokens)
    return Statement(text, tuple(tokens), roots, tuple(facts.numbers(text)), tuple(facts.names(text, known)))


def find(claim: Statement, quote: Statement, nearby: str = "") -> list[Finding]:
    """Return the differences, gravest first; names that `nearby` has are not missed."""
    found = [
        *_figures(claim, quote),
        *_dates(claim, quote),
        *_subjects(claim, quote),
        *_negations(claim, quote),
        *_opposites(claim, quote),
        *_roles(claim, quote),
        *_seats(claim, quote),
        *_speakers(claim, quote),
        *_missing_names(claim, f"{quote.text}\n{nearby}"),
        *_hedges(claim, quote),
        *_quantifiers(claim, quote),
        *_additions(claim, quote),
    ]
    return sorted(dict.fromkeys(found), key=lambda f: f.kind not in DECISIVE)


def reason(found: Sequence[Finding]) -> str:
    """Return what the findings say together: all that is missing as one list, else the first."""
    absent = list(dict.fromkeys(f.what for f in found if f.what and f.kind != "addition"))
    if found[0].kind == "addition" or not found[0].what or len(absent) == 1:
        return found[0].reason
    return f"{', '.join(absent)} are not in the quote"


def reverses(claim: str, question: str) -> bool:
    """Whether a claim tells of the other end of what a question asks for: of the highest where it asks for the lowest.

    >>> reverses("MARA had the highest cost.", "Which miner had the lowest cost?")
    True
    """
    pairs = opposites(read(claim), read(question))
    return any(_SUPERLATIVE.fullmatch(token.key) for pair in pairs for token in pair[:2])


def superlatives(text: str) -> set[str]:
    """Return the words of a text that rank: "lowest", "most"."""
    return {token.key for token in read(text).tokens if _SUPERLATIVE.fullmatch(token.key)}


def states(text: str, what: str) -> bool:
    """Whether `text` has what a finding misses."""
    there = facts.numbers(text)
    figures = facts.numbers(what)
    return all(any(n.matches(t) for t in there) for n in figures) if figures else facts.has_name(what, text)


def _absent(kind: Kind, what: str) -> Finding:
    return Finding(kind, f"{what} is not in the quote", what)


# -- numbers, dates, names ----------------------------------------------------------------------------------------


def _figures(claim: Statement, quote: Statement) -> list[Finding]:
    out = []
    for n in claim.numbers:
        written = claim.text[n.start : n.end].strip()
        if any(n.matches(t) for t in quote.numbers) or written.lower() == "one":  # as in "one of the ships"
            continue
        near = next((t for t in quote.numbers if _rounds(n, t)), None)
        if near:
            out.append(Finding("rounded", f"the quote has {quote.text[near.start : near.end].strip()}, not {written}"))
        else:
            out.append(_absent("number", written))
    return out


def _sort(number: facts.Number) -> str:
    """What a number is at a glance: a share, money, a year, or a count."""
    year = not number.unit and 1500 <= number.value < 2100 and number.value.is_integer()
    return "year" if year else number.unit


def _rounds(rounded: facts.Number, exact: facts.Number) -> bool:
    """Whether `rounded` is `exact` with fewer digits: 14 million for 14.2 million, never one year for another."""
    if rounded.value < 10 or exact.value < 10 or ("%" in (rounded.unit, exact.unit) and rounded.unit != exact.unit):
        return False
    if not rounded.unit and 1900 <= rounded.value < 2100:
        return False
    digits = f"{rounded.value:.10e}".split("e")[0].rstrip("0").replace(".", "")
    return (
        float(f"{exact.value:.{len(digits) - 1}e}") == rounded.value
        and abs(exact.value - rounded.value) <= 0.05 * exact.value
    )


def _dates(claim: Statement, quote: Statement) -> list[Finding]:
    missing = sorted(facts.months(claim.text) - facts.months(quote.text))
    return [_absent("date", m.capitalize()) for m in missing]


def _missing_names(claim: Statement, quoted: str) -> list[Finding]:
    return [_absent("name", n) for n in missing_names(claim, quoted)]


def missing_names(claim: Statement, quoted: str) -> list[str]:
    """Return the names of the claim that `quoted` has in no form ("Ukraine", "Ukrainian")."""
    words: set[str] | None = None
    out = []
    for name in dict.fromkeys(claim.names):
        if facts.has_name(name, quoted):
            continue
        words = words or set(facts.name_key(quoted).replace(",", " ").split())
        parts = [p for p in facts.name_key(name).split() if p not in facts.STOP_WORDS]
        found = all(p in words or any(_same_people(p, w) or same_side(root(p), root(w)) for w in words) for p in parts)
        if not found and not _by_surname(name, quoted):
            out.append(name)
    return out


def _by_surname(name: str, quoted: str) -> bool:
    """Whether `quoted` has the last word of the name where nobody else's first name is before it."""
    *first, last = name.split()
    before = [quoted[: m.start()].split()[-1:] for m in re.finditer(rf"(?<!\w){re.escape(last)}(?!\w)", quoted)]
    return bool(first) and any(not word or not word[0][0].isupper() for word in before)


def _same_people(a: str, b: str) -> bool:
    """Whether one is the other's adjective or plural: "Ukraine", "Ukrainian"; "American", "Americans"."""
    short, long = sorted((a, b), key=len)
    base = short.rstrip("aey")
    return len(base) >= 4 and bool(re.fullmatch(re.escape(base) + r"(?:i?ans?|n|ese|ish|is?|s|ns)", long))


# -- what the number or deed is of --------------------------------------------------------------------------------


def _subjects(claim: Statement, quote: Statement) -> list[Finding]:
    """The quote says the claim's figure or deed of another name."""
    other = _other_opening(claim, quote) or _nearer_name(claim, quote)
    if other:
        return [Finding("subject", f"the quote says this of {other[1]}, not of {other[0]}")]
    if _mixes(claim, quote) or _swaps(claim, quote):
        return [Finding("subject", "the quote says these things of different subjects")]
    return []


def _other_opening(claim: Statement, quote: Statement) -> tuple[str, str] | None:
    """(name that opens the claim, name that opens the quote), neither of which the other text has."""
    mine, theirs = _opening_name(claim), _opening_name(quote)
    if not mine or not theirs or _shares_name(mine, quote.text) or _shares_name(theirs, claim.text):
        return None
    if re.match(r"\s*[,(–—-]", quote.text[subject_end(quote) :]):  # a place line, or a second name follows
        return None
    initials = {"".join(w[0] for w in name.split()).lower() for name in (mine, theirs)}
    return None if initials & {facts.name_key(mine), facts.name_key(theirs)} else (mine, theirs)


def _opening_name(text: Statement) -> str:
    """The name that the text begins with, "the" before it aside."""
    if not text.names:
        return ""
    before = text.text[: text.text.find(text.names[0].split()[0])]
    return text.names[0] if before.strip(" \"'“‘").lower() in ("", "the") else ""


def _shares_name(name: str, text: str) -> bool:
    return any(facts.has_name(word, text) for word in name.split() if word.lower() not in facts.STOP_WORDS)


def _nearer_name(claim: Statement, quote: Statement) -> tuple[str, str] | None:
    """(claim's name, the name that stands between it and the figure, behind a figure of its own) in the quote."""
    subject = next((n for n in claim.names if n in quote.text), None)
    if subject is None or "respectively" in quote.text:
        return None
    at = quote.text.find(subject) + len(subject)
    for n in claim.numbers:
        homes = [t for t in quote.numbers if n.matches(t)]
        if len(homes) != 1 or homes[0].start < at or claim.text.find(subject) > n.start:
            continue
        between = [t for t in quote.numbers if at <= t.start < homes[0].start and _sort(t) == _sort(homes[0])]
        others = [o for o in quote.names if o != subject and not _shares_name(o, claim.text)]
        for other in others if between else []:
            place = quote.text.find(other)
            joined = re.search(r"(?:[,;]|\b(?:and|while|whereas|but))\s+(?:the\s+)?$", quote.text[:place])
            if joined and between[0].end < place < homes[0].start:
                return subject, other
    return None


def _mixes(claim: Statement, quote: Statement) -> bool:
    """Whether the claim joins a number of one contrasted part of the quote to words that stand only in another part."""
    parts = [p for p in _OTHER_SUBJECT.split(quote.text) if p.strip() and facts.numbers(p)]
    homes = [p for p in parts if any(n.matches(t) for n in claim.numbers for t in facts.numbers(p))]
    if len(parts) < 2 or len(homes) != 1 or _CONTRAST.search(claim.text):
        return False
    home, rest = homes[0], " ".join(p for p in parts if p is not homes[0])
    own_subject = facts.names(home)
    names = {t for n in facts.names(quote.text) for t in facts.terms(n)}
    here, elsewhere = set(facts.terms(home)), set(facts.terms(rest))
    strays = [t for t in _unshared(claim, here, names) if t in elsewhere]
    return any(t not in names or own_subject for t in strays)


def _unshared(claim: Statement, here: set[str], names: set[str]) -> set[str]:
    """The terms of a claim that a text lacks, without those that only narrow one it has: "cash" of "cash cost"."""
    out = set()
    narrowed = False  # whether what follows is a term that the text has, or narrows one
    for term in reversed(facts.terms(claim.text)):
        there = any(facts.same_root(term, h) for h in here)
        narrowed = there or (narrowed and term not in names and not _SUPERLATIVE.fullmatch(term))
        if not narrowed:
            out.add(term)
    return out


def _swaps(claim: Statement, quote: Statement) -> bool:
    """Whether the claim says of the name in one contrasted part of the quote what only another part says, of its own.

    "Acme had the lowest cost, while Lund had the highest price" and "Lund had the lowest cost".
    """
    parts = [read(p) for p in _OTHER_SUBJECT.split(quote.text) if p.strip()]
    if len(parts) < 2 or _CONTRAST.search(claim.text):
        return False
    homes = [p for p in parts if any(_shares_name(n, p.text) for n in claim.names)]
    if len(homes) != 1:
        return False
    home = homes[0]
    names = {t for n in (*claim.names, *quote.names) for t in facts.terms(n)}
    unshared = _unshared(claim, set(facts.terms(home.text)), names)
    for part in parts:
        first = part.tokens[0].text if part.tokens and part.tokens[0].content else ""
        doers = [n for n in (*quote.names, first) if n and _acts(n, part.text)]
        if part is home or all(_shares_name(n, claim.text) for n in doers):
            continue
        only_there = [t for t in unshared - names if any(facts.same_root(t, r) for r in facts.terms(part.text))]
        ranked = [t for t in claim.content if _SUPERLATIVE.fullmatch(t.key)]
        if len(only_there) > 1 or any(_ranks(claim, t, part) and not _ranks(claim, t, home) for t in ranked):
            return True
    return False


def _acts(name: str, text: str) -> bool:
    """Whether a verb follows the name: it is who did something, and no adjective ("American")."""
    behind = re.search(rf"{re.escape(name)}\s(?:\([^)]*\)\s)?(?P<verb>[a-z]+)\b", text)
    return behind is not None and (
        english.is_past(behind["verb"]) or behind["verb"] in english.AUXILIARIES.split("|") or behind["verb"][-1] == "s"
    )


def _ranks(claim: Statement, superlative: Token, part: Statement) -> bool:
    """Whether a part of a quote has a claim's superlative of the same thing: a word in common soon behind it."""
    reach = _behind(claim, superlative)
    return any(
        any(a.root == b.root or facts.same_root(a.root, b.root) for a in reach for b in _behind(part, there))
        for there in part.tokens
        if there.key == superlative.key
    )


def _behind(text: Statement, token: Token, reach: int = 4) -> list[Token]:
    """The words that carry meaning behind a token, up to the end of its clause."""
    ends = [m.start() for m in _CLAUSE.finditer(text.text, token.end)]
    end = min(ends, default=len(text.text))
    return [t for t in text.content if token.end <= t.start < end][:reach]


# -- negation, opposites, order -----------------------------------------------------------------------------------


def _negations(claim: Statement, quote: Statement) -> list[Finding]:
    mine, theirs = negated(claim), negated(quote)
    if any(quote.has(r) and not _among(r, theirs) for r in mine if r):
        return [Finding("negation", "the quote does not deny this")]
    if mine and not theirs:
        return [Finding("denial", "the quote does not deny this")]
    if any(claim.has(r) and not _among(r, mine) for r in theirs if r):
        return [Finding("negation", "the quote denies this")]
    return []


def negated(text: Statement) -> list[str]:
    """Return the root of the word that each negation of the text is of, "" where the text leaves it out."""
    out = []
    for m in _NEGATION.finditer(text.text):
        if _NO_NEGATION.match(text.text, m.end()):
            continue
        after = re.split(r"[,;:.]", text.text[m.end() :])[0]
        end = m.end() + len(after)
        out.append(next((t.root for t in text.tokens if m.end() <= t.start < end and t.content), ""))
    return out


def _among(root_: str, roots: Iterable[str]) -> bool:
    return any(facts.same_root(root_, r) for r in roots)


@cache
def _lines() -> list[str]:
    lines = (Path(__file__).parent / "opposites.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


@cache
def _groups() -> dict[str, list[tuple[int, int]]]:
    """Root -> (line, side) of every place it has in opposites.txt."""
    places: dict[str, list[tuple[int, int]]] = {}
    for number, line in enumerate(_lines()):
        for side, words in enumerate(line.split("|")):
            for word in words.split():
                places.setdefault(root(word), []).append((number, side))
    return places


def opposed(a: Token, b: Token) -> bool:
    """Whether the two words exclude each other: by the list, or as a word and its negated form."""
    if a.root == b.root:
        return False
    if any(p + x == y for p in _PREFIXES for x, y in ((a.key, b.key), (b.key, a.key)) if len(x) > 3):
        return True
    mine, theirs = _groups().get(a.root, ()), _groups().get(b.root, ())
    agree = any(m == t for m in mine for t in theirs)
    return not agree and any(m[0] == t[0] for m in mine for t in theirs)


def excluded(word: Token) -> list[str]:
    """Return the words of opposites.txt that exclude `word`."""
    places = _groups().get(word.root, [])
    return [
        other
        for number, line in enumerate(_lines())
        for side, words in enumerate(line.split("|"))
        if any(number == n and side != s for n, s in places)
        for other in words.split()
    ]


def same_side(a: str, b: str) -> bool:
    """Whether two roots stand on one side of a line of opposites.txt, as those of "China" and "Chinese" do."""
    mine, theirs = set(_groups().get(a, ())), set(_groups().get(b, ()))
    return bool(mine & theirs)


def opposites(claim: Statement, quote: Statement) -> list[tuple[Token, Token, bool]]:
    """Return words of the claim that the quote has the opposite of instead, and whether both stand in like company."""
    new, gone = _beyond(claim, quote), _beyond(quote, claim)
    return [(a, b, _like_company(a, claim, b, quote)) for a in new for b in gone if opposed(a, b)]


def _beyond(text: Statement, other: Statement) -> list[Token]:
    """Return the words that `other` has not, or not as often."""
    mine, theirs = Counter(t.root for t in text.tokens), Counter(t.root for t in other.tokens)
    return [t for t in text.tokens if not other.has(t.root) or (t.root in theirs and mine[t.root] > theirs[t.root])]


def _like_company(a: Token, claim: Statement, b: Token, quote: Statement) -> bool:
    """Whether the words around both have a meaning-bearing root in common."""
    mine = {t.root for t in _around(a, claim)}
    return any(facts.same_root(t.root, m) for t in _around(b, quote) for m in mine)


def _around(token: Token, text: Statement, reach: int = 4) -> list[Token]:
    at = text.tokens.index(token)
    near = text.tokens[max(0, at - reach) : at + reach + 1]
    return [t for t in near if t.content and t is not token]


def _opposites(claim: Statement, quote: Statement) -> list[Finding]:
    for a, b, alike in opposites(claim, quote):
        if alike and not _UNDONE.search(claim.text[: a.start]) and not _UNDONE.search(quote.text[: b.start]):
            return [Finding("opposite", f"the quote says “{b.text}”, not “{a.text}”")]
    return []


def _roles(claim: Statement, quote: Statement) -> list[Finding]:
    """Two names that both texts have around the same verb, the other way round."""
    shared = [n for n in dict.fromkeys(claim.names) if n in quote.text and claim.text.count(n) == 1]
    for i, a in enumerate(shared):
        for b in shared[i + 1 :]:
            mine = _between(claim, a, b)
            theirs = _between(quote, b, a)
            verbs = {r for r, _ in mine} & {r for r, _ in theirs}
            passive = {p for r, p in mine if r in verbs} != {p for r, p in theirs if r in verbs}
            if verbs and not passive and not verbs & _MUTUAL:
                return [Finding("role", f"the quote has {a} and {b} the other way round")]
    return []


def _seats(claim: Statement, quote: Statement) -> list[Finding]:
    """A place that something is said to be based in, while the quote has the place for something else."""
    for place in claim.names:
        based = re.search(rf"\b{_BASED}\s+in\s+(?:the\s+)?{re.escape(place)}", claim.text)
        here = re.escape(place)
        if not based or not re.search(here, quote.text) or re.search(rf"\b{_BASED}\b|-based\b", quote.text):
            continue
        if all(_LEADS_TO_PLACE.search(quote.text[: m.start()]) for m in re.finditer(here, quote.text)):
            return [Finding("role", f"the quote does not say what is based in {place}")]
    return []


def _between(text: Statement, first: str, second: str) -> set[tuple[str, bool]]:
    """(root, passive) of the words between two names, if they stand in this order in one clause."""
    start, end = text.text.find(first) + len(first), text.text.find(second)
    between = text.text[start : max(start, end)]
    if re.search(r"[,;:.]|\band\b", between):
        return set()
    passive = bool(re.search(r"\bby\b", between))
    return {(t.root, passive) for t in text.tokens if start <= t.start < end and t.content}


# -- who said it, how sure, how many ------------------------------------------------------------------------------


def _speakers(claim: Statement, quote: Statement) -> list[Finding]:
    mine, theirs = speakers(claim), speakers(quote)
    if not mine or _PRONOUN_SAID.search(quote.text):
        return []
    wrote = {m[0].lower() for m in _SAID.finditer(claim.text)} == {"wrote"}  # a book
    if not wrote and not _TELLS.search(quote.text):
        return [Finding("speaker", f"the quote does not say that {mine[0]} said it")]
    if not theirs:
        return []
    if any(_shares_name(m, t) or _shares_name(t, m) for m in mine for t in theirs):
        return []
    return [Finding("speaker", f"the quote is of {theirs[0]}, not of {mine[0]}")]


def speakers(text: Statement) -> list[str]:
    """Return the names that say something in the text: beside a verb of saying, or after "according to"."""
    out = []
    for m in _SAID.finditer(text.text):
        after = text.text[m.end() : m.end() + 40].lstrip()
        before = re.split(r"[.;:”\"]", text.text[: m.start()])[-1]
        following = next((n for n in text.names if after.startswith(n)), None)
        ends = [n for n in text.names if re.search(rf"{re.escape(n)}(?:\s+(?:also|has|had))*\s*$", before)]
        if m[0].lower() == "according to" or (following and not ends):
            out += [following] if following else []
        else:
            out += ends[-1:]
    return list(dict.fromkeys(out))


def _hedges(claim: Statement, quote: Statement) -> list[Finding]:
    """The quote holds as possible or planned what the claim states as fact."""
    if _HEDGE.search(claim.text):
        return []
    for m in _HEDGE.finditer(quote.text):
        after = re.split(r"[,;:.]", quote.text[m.end() :])[0]
        following = [t for t in quote.tokens if m.end() <= t.start < m.end() + len(after) and t.content][:2]
        announced = m[0].lower() == "would" and _reported(claim, quote.text[: m.start()])
        if any(claim.has(t.root) for t in following) and not announced:
            return [Finding("hedge", f"the quote is less sure: it says “{m[0]}”")]
    return []


def _reported(claim: Statement, before: str) -> bool:
    """Whether "would" is the "will" of what was announced, and the claim says that it was: "said it would close"."""
    said = re.search(rf"\b({_SAYING})\b[^,;:.]*$", before, re.IGNORECASE)
    return said is not None and claim.has(root(said[1].lower()))


def _quantifiers(claim: Statement, quote: Statement) -> list[Finding]:
    compares = _COMPARATIVE.search(claim.text)
    if compares and not _COMPARES.search(quote.text):
        return [Finding("quantifier", f"the quote does not compare: it has no “{compares[0]}”")]
    there = {t.key for t in quote.tokens}
    for m in _QUANTIFIERS.finditer(claim.text):
        word = m[0].lower()
        if word not in there and not _ALSO_ONLY.get(word, set()) & there:
            return [Finding("quantifier", f"the quote does not say “{m[0]}”")]
    return []


def _additions(claim: Statement, quote: Statement) -> list[Finding]:
    """Two or more words in a row that the quote lacks, in a claim that copies the rest: words were put in."""
    named = {word for name in claim.names for word in name.split()}
    words = [t for t in claim.content if t.text not in named]
    lacking = [not quote.has(t.root) for t in words]
    if not words or sum(lacking) > _COPIED * len(words):
        return []
    pairs = [f"{words[a].text} {words[b].text}" for a, b in pairwise(range(len(words))) if lacking[a] and lacking[b]]
    return [Finding("addition", f"the quote does not say “{pair}”", pair) for pair in pairs]


def limits(text: Statement) -> bool:
    """Whether the text could limit or attribute what stands before it."""
    return bool(
        _NEGATION.search(text.text)
        or _HEDGE.search(text.text)
        or _SAID.search(text.text)
        or re.search(r"[\"“”]|\b(?:but|although|however|except|only)\b", text.text)
    )
