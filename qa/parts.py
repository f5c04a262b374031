"""A question that asks for more than one fact -> questions that each ask for one, and what joins their answers.

Reads the grammar of comparisons, lists, coordinated questions and change over time. Number tells one thing from two
("What was the profit and loss", "What were the revenue and profit"; "Where is Trinidad and Tobago", "Where are Acme and
Lund"). Where the words leave that open, or a part would not stand alone, the question stays whole: a split that is
missing costs a search, one that is wrong costs the answer. Knows no articles.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from citewire.qa import english, facts
from citewire.qa.arithmetic import Operation
from citewire.qa.question import QUANTITY, follow_up, parse
from citewire.qa.types import Turn

Kind = Literal["plain", "list", "comparison", "change"]

_MOST = 8  # parts; a reader asks for fewer, a pasted table of names is no question
_QUOTED = re.compile(r"“[^”]*”|\"[^\"]*\"|(?<!\w)‘[^’]*’(?!\w)|(?<!\w)'(?:[^']|'(?=\w))*'(?!\w)|\([^()]*\)")
_AUX = english.AUXILIARIES
_BE = r"is|are|was|were"
_YEAR = r"(?:19|20)\d\d"
_MONTH = r"(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_TIME = rf"(?:(?:Q[1-4]|{_MONTH}|the (?:first|second|third|fourth) quarter of)\s)?{_YEAR}"
_TIMES = re.compile(
    rf"\b(?:both\s)?(?P<list>{_TIME}(?:,\s{_TIME})*,?\s(?:and|&|versus|vs\.?)\s{_TIME})(?![\w-])", re.IGNORECASE
)
_PARTS_OF_YEAR = re.compile(
    rf"\b(?:both\s)?(?P<a>Q[1-4]|{_MONTH})(?:\s(?P<own>{_YEAR}))?\s(?:and|versus|vs\.?)"
    rf"\s(?P<b>Q[1-4]|{_MONTH})\s(?P<year>{_YEAR})\b"
)
_CAP = r"(?-i:[^\W\d_a-z])(?:[\w&.-]|['’](?!s\b))*"
_NAME = rf"(?:the\s)?{_CAP}(?:\s(?:of\s(?:the\s)?)?{_CAP})*"
_NAMES = rf"{_NAME}(?:,\s{_NAME})*,?\s(?:and|or)\s{_NAME}"
_ITEM = r"(?:(?:the|a|an)\s[\w’'-]+(?:\s[\w’'-]+){0,4}|" + _NAME + r")"
_MORE = r"(?P<more>(?:more|less)\s(?P<adjective>[a-z-]+)|(?!other|rather|over|under|after)[a-z]{2,}er|better|worse)"
_COLLECTIVE = re.compile(
    r"\b(?:together|jointly|collectively|each other|one another|merg\w+|agree\w*|met|meet|marr\w+|deal|partner\w*|joint"
    r"|alliance|alike|between|versus|vs|same|share|shared|rival\w*|compete\w*|war|fight|fought)\b",
    re.IGNORECASE,
)
_EACH = re.compile(r",?\s\b(?:each|respectively|individually|separately)\b|\bboth\s", re.IGNORECASE)
_SMALLER = re.compile(
    r"\b(?:less|fewer|lower|smaller|shorter|cheaper|lighter|poorer|slower|weaker|least|lowest|smallest|fewest|cheapest"
    r"|shortest|lightest|poorest|slowest|weakest)\b",
    re.IGNORECASE,
)
_EARLIER = re.compile(r"\b(?:first|earlier|earliest|sooner|before)\b", re.IGNORECASE)
_LATER = re.compile(r"\b(?:later|latest|last|after)\b", re.IGNORECASE)
_E_ADJECTIVES = frozenset(
    "large late wide safe close rare fine nice wise strange simple able noble gentle brave cute pale pure ripe rude"
    " sure tame white loose dense severe scarce".split()
)
_NO_OPERAND = re.compile(
    r"\b(?:expected|ever|usual|(?:the )?average$|analysts?"
    r"|forecasts?|estimates?|anticipated|thought|planned|others?|anyone"
    r"|any|all|most|half|one|before|normal|necessary|predicted|previously|it|they|he|she"
    r"|an?\s(?:year|month|week|day|decade))\b|[$€£%]|\b\d+(?:[.,]\d+)*\s?(?:m|million)"
)
_TAIL = re.compile(rf"\s(?:in|during|for|by)\s(?:the year\s)?(?P<time>{_TIME})$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Whole:
    """What a question asks for as a whole.

    Attributes:
        kind: "comparison" of two things or more, "list" of several answers, "change" of one thing over time, "plain".
        operation: what is to be done with the figures or days that the parts' answers give, "" if nothing.
        parts: questions that stand alone, in the order of the answer; empty for one plain question, and for a
            comparison or a change whose parts the words do not name.
    """

    kind: Kind = "plain"
    operation: Operation | Literal[""] = ""
    parts: tuple[str, ...] = ()


def whole(text: str) -> Whole:
    """Return what `text`, a question that stands alone, asks for as a whole."""
    asked, quoted = _masked(" ".join(text.split()))
    found = _read(asked)
    parts = tuple(dict.fromkeys(_restored(p, quoted) for p in found.parts))
    if found.parts and not 2 <= len(parts) <= _MOST:
        return Whole()
    return Whole(found.kind, found.operation, parts)


def _read(asked: str, depth: int = 2) -> Whole:
    if re.search(r"[a-z]{3}[.!]\s+[A-Z]", asked):
        return Whole()  # a preface: what it says would be missing from the parts
    if re.search(r"\?\s+\w", asked):
        return _questions(asked) or Whole()
    for rule in (_time_between, _comparison, _change, _coordinated, _times, _names, _quantities):
        if found := rule(asked.rstrip(" ?!.")):
            break
    else:
        return Whole()
    if not depth or found.operation or found.kind == "change":
        return found
    parts = [q for p in found.parts for q in (_read(p, depth - 1).parts or (p,))]
    return Whole(found.kind, found.operation, tuple(parts))


def _masked(text: str) -> tuple[str, list[str]]:
    """The text with what stands in quotation marks or brackets as one name each, so that no rule cuts it."""
    quoted: list[str] = []

    def mask(m: re.Match[str]) -> str:
        quoted.append(m[0])
        return f"Qʼ{len(quoted) - 1}ʼ"

    return (text, quoted) if "Qʼ" in text else (_QUOTED.sub(mask, text), quoted)


def _restored(text: str, quoted: Sequence[str]) -> str:
    for i, words in reversed(list(enumerate(quoted))):
        text = text.replace(f"Qʼ{i}ʼ", words)
    return text


def _ask(words: str) -> str:
    """The words as a question."""
    words = " ".join(words.split()).rstrip(" ?,.;")
    return f"{words[0].upper()}{words[1:]}?" if words else ""


def _asks_what(be: str, thing: str) -> str:
    head = re.split(r"\s(?:(?:of|in|for|at|on|from|per)\s|now$|today$)", thing)[0]
    return _ask(f"what {english.agreeing(be, english.is_plural(head))} {thing}")


# -- several questions ----------------------------------------------------------------------------------

_JOINT = re.compile(
    rf"(?:[,;])?\s(?:and|but)\s(?:also\s)?(?=(?:(?:in|at|to|from|for|by|on|with|since)\s)?(?:{english.WH})\b)"
)
_BARE = re.compile(
    r"(?:since\s)?when|where|why|how(?:\s(?:often|long))?|(?:in|at|on|to|from|for|by|with)\s(?:what|which)(?:\s[\w-]+){1,2}",
    re.IGNORECASE,
)
_INVERTED = re.compile(
    rf"(?:(?:in|at|to|from|for|by|on|with|since)\s)?(?:when|where|why|how(?:\s(?!{_AUX})[\w’'-]+){{0,4}}"
    rf"|(?:what|which|whose)(?:\s(?!{_AUX})[\w’'-]+){{0,3}}|whom?)\s(?P<aux>{_AUX})(?:n['’]t)?\s(?P<next>[\w’'-]+)",
    re.IGNORECASE,
)
_RELATIVE = re.compile(r".\b(?:who|which|whose|whom|that|where|when)\b", re.IGNORECASE)
_BEGINS_NOUN = re.compile(r"(?:the|a|an|its|his|her|their|this|these|it|they|he|she)\b|[^\W\d_a-z]")


def _questions(text: str) -> Whole | None:
    """Questions one after the other."""
    pieces = re.split(r"(?<=\?)\s+", text.strip())
    if len(pieces) < 2 or not all(p.endswith("?") and english.opens_question(p) for p in pieces):
        return None
    return _standing(pieces)


def _standing(pieces: Iterable[str]) -> Whole | None:
    """The pieces as a list, each resolved by those before it; None if one does not stand alone."""
    turns: list[Turn] = []
    for piece in pieces:
        alone = follow_up(piece, turns)
        if alone.unresolved:
            return None
        turns.append(Turn(alone.text, ""))
    return Whole("list", parts=tuple(t.question for t in turns))


def _coordinated(text: str) -> Whole | None:
    """Two questions joined by "and"."""
    for joint in _JOINT.finditer(text):
        first, second = text[: joint.start()], text[joint.end() :]
        if re.fullmatch(rf"(?:(?:in|at|by)\s)?(?:{english.WH})(?:\s[\w-]+)?", first, re.IGNORECASE):
            return _shared(first, second)
        if not english.opens_question(first) or len(first.split()) < 3:
            continue
        if _BARE.fullmatch(second):
            return _and_when(first, second)
        if _is_question(first, second):
            found = _standing([_ask(first), _ask(_with_noun(first, _with_owner(first, second)))])
            return found if found and _as_full(*found.parts) else None
    return None


def _shared(first: str, second: str) -> Whole | None:
    """Two question words before one clause: "When and where did it open?"."""
    m = re.match(rf"(?P<wh>(?:(?:in|at|by)\s)?(?:{english.WH})(?:\s[\w-]+){{0,2}}?)\s(?P<rest>(?:{_AUX})\b.*)", second)
    if not m or not _BARE.fullmatch(first):
        return None
    return Whole("list", parts=(_ask(f"{first} {m['rest']}"), _ask(second)))


def _and_when(first: str, second: str) -> Whole | None:
    """A question and another question word: "Who founded Acme, and when?"."""
    parts = english.clause(first)
    if parts and parts.wh.lower() in ("", "why", "when", "where", "how"):
        return Whole("list", parts=(_ask(first), english.ask(second, parts)))
    again = "" if parts else english.ask_of_object(second, first)
    return Whole("list", parts=(_ask(first), again)) if again else None


def _is_question(first: str, second: str) -> bool:
    """Whether `second` is a question beside `first`, and no relative clause in it."""
    relative = bool(_RELATIVE.search(first))
    describing = re.match(rf"(?:who|what|which)\b.{{0,40}}?\b(?:{_BE})\s(?:the|a|an)\b", first, re.IGNORECASE)
    if m := _INVERTED.match(second):
        subject_asked = re.match(r"(?:who|which|what)\b", second, re.IGNORECASE) and m["aux"].lower() in (
            *_BE.split("|"),
            *("has", "have", "had", "will", "would", "can", "could"),
        )
        return not subject_asked or bool(_BEGINS_NOUN.match(m["next"])) or not (relative or describing)
    return bool(re.match(r"(?:who|which|what)\s\w+", second)) and not (relative or describing)


def _as_full(first: str, second: str) -> bool:
    """Whether the second has something to be searched by: a name or year of its own where the first has one."""
    anchored = [bool(facts.names(q) or facts.years(q)) for q in (first, second)]
    return len(facts.terms(second)) > 1 and (anchored[1] or not anchored[0])


def _with_owner(first: str, second: str) -> str:
    """The second, such as "who is the CFO", with the "of Acme" of "Who is the CEO of Acme"."""
    owner = re.fullmatch(
        rf"(?:who|what)\s(?:{_BE})\sthe\s[\w\s-]+?(?P<of>\s(?:of|at|in)\s{_NAME})", first, re.IGNORECASE
    )
    bare = re.fullmatch(rf"(?:who|what)\s(?:{_BE})\sthe\s(?:(?!of\b|at\b|in\b)[\w-]++\s?){{1,4}}", second)
    return f"{second}{owner['of']}" if owner and bare else second


def _with_noun(first: str, second: str) -> str:
    """The second, such as "which had the highest", with the noun of "Which miner ..."."""
    noun = re.match(
        rf"which\s(?P<noun>(?:(?!{_AUX}\b|of\b)[\w’'-]+\s){{1,3}}?)(?:{_AUX}|\w+ed|\w+s)\b", first, re.IGNORECASE
    )
    bare = re.match(rf"which\s(?:{_AUX}|\w+ed)\b", second)
    return f"which {noun['noun']}{second[6:]}" if noun and bare else second


# -- lists ----------------------------------------------------------------------------------------------


def _times(text: str) -> Whole | None:
    """The same of several times."""
    if not english.opens_question(text) or parse(text).expects == "reason":
        return None
    if m := _PARTS_OF_YEAR.search(text):
        times = [f"{m['a']} {m['own'] or m['year']}", f"{m['b']} {m['year']}"]
    elif m := _TIMES.search(text):
        times = re.split(r",?\s(?:and|&|versus|vs\.?)\s|,\s", m["list"])
    else:
        return None
    if re.search(r"\b(?:between|from|either|or)\s(?:the\s)?$", text[: m.start()]):
        return None
    before, after = text[: m.start()], _EACH.sub("", text[m.end() :])
    operation: Operation | Literal[""] = ""
    if re.search(r"\bcombined\b|\btogether\b|\b(?:the )?total\s(?:\w+\s)?" + QUANTITY, before + after, re.IGNORECASE):
        operation = "sum"
        before, after = (re.sub(r"\s*\b(?:combined|together)\b", "", side) for side in (before, after))
    return Whole("list", operation, tuple(_ask(f"{before}{time}{after}") for time in times))


_SUBJECTS = re.compile(rf"\b(?P<aux>{_AUX})\s(?P<both>both\s)?(?P<names>{_NAMES})(?=\s)")
_OF_NAMES = re.compile(
    rf"\b(?P<aux>is|are|was|were)\sthe\s(?P<noun>(?:[\w-]+\s){{0,3}}?[\w-]+)\s(?P<of>of|in|for|at)\s(?P<both>both\s)?(?P<names>{_NAMES})(?=\s|$)"
)
_OWNERS = re.compile(
    rf"(?P<names>(?>{_CAP})(?:\s(?>{_CAP}))*['’]s(?:,\s{_NAME}['’]s)*,?\sand\s{_NAME}['’]s)\s(?P<noun>[\w\s-]+)"
)


def _split_names(names: str) -> list[str]:
    return [re.sub(r"^(?:and|or)\s", "", n) for n in re.split(r",\s(?:and\s|or\s)?|\s(?:and|or)\s", names)]


def _names(text: str, *, compared: bool = False) -> Whole | None:
    """The same of several names; `compared` where it is known that each has its own."""
    if not english.opens_question(text) or _COLLECTIVE.search(text):
        return None
    told_apart = compared or bool(_EACH.search(text))
    if m := _OWNERS.search(text):
        owners = _split_names(m["names"])
        noun = english.singular(m["noun"].split()[0]) + m["noun"][len(m["noun"].split()[0]) :]
        noun = m["noun"] if parse(text).expects == "reason" else noun
        before = re.sub(r"\b(are|were|do|have)\s$", lambda a: f"{english.agreeing(a[1], False)} ", text[: m.start()])
        return Whole("list", parts=tuple(_ask(f"{before}{o} {noun}{text[m.end() :]}") for o in owners))
    m = _OF_NAMES.search(text)
    head, per, unit = m["noun"].partition(" per ") if m else ("", "", "")
    if m and (told_apart or (english.is_plural(head) and m["aux"] in ("are", "were"))):
        noun, aux = f"{english.singular(head)}{per}{unit}", english.agreeing(m["aux"], False)
        rest = _EACH.sub("", text[m.end() :])
        return Whole(
            "list",
            parts=tuple(
                _ask(f"{text[: m.start()]}{aux} the {noun} {m['of']} {name}{rest}") for name in _split_names(m["names"])
            ),
        )
    m = _SUBJECTS.search(text)
    if not m or " or " in m["names"] or (parse(text).expects in ("reason", "open") and not told_apart):
        return None
    names = _split_names(m["names"])
    yes_or_no = not text[: m.start()].strip()
    if not (told_apart or (not yes_or_no and (m["aux"].lower() in ("are", "were", "do", "have") or len(names) > 2))):
        return None
    rest = _EACH.sub("", text[m.end() :])
    aux = english.agreeing(m["aux"], False)
    return Whole("list", parts=tuple(_ask(f"{text[: m.start()]}{aux} {name}{rest}") for name in names))


_TWO_QUANTITIES = re.compile(
    rf"what\s(?P<aux>are|were)\s(?P<of>(?:the|its|their|{_NAME}['’]s?)\s)(?P<a>(?:[\w-]+\s){{0,2}}?{QUANTITY})"
    rf"\sand\s(?:the\s)?(?P<b>(?:[\w-]+\s){{0,2}}?{QUANTITY})(?P<tail>\s.*)?",
    re.IGNORECASE,
)
_MUCH_OF_TWO = re.compile(
    rf"how much\s(?P<a>(?:net\s|gross\s)?{QUANTITY})\sand\s(?P<b>(?:net\s|gross\s)?{QUANTITY})"
    rf"\s(?P<tail>(?:{_AUX})\s.*)",
    re.IGNORECASE,
)


def _quantities(text: str) -> Whole | None:
    """Two quantities of one thing."""
    if m := _TWO_QUANTITIES.fullmatch(text):
        of, tail = m["of"], m["tail"] or ""
        return Whole("list", parts=tuple(_asks_what(m["aux"], f"{of}{q}{tail}") for q in (m["a"], m["b"])))
    if m := _MUCH_OF_TWO.fullmatch(text):
        return Whole("list", parts=tuple(_ask(f"how much {q} {m['tail']}") for q in (m["a"], m["b"])))
    return None


# -- comparisons ----------------------------------------------------------------------------------------

_COMPARE = re.compile(
    r"how\s(?P<aux>do|does|did|would)\s(?P<first>.+?)\scompare(?:\s(?:to|with|against)\s(?P<other>.+))?"
    r"(?P<tail>\s(?:in|during|over|for)\s.+)?",
    re.IGNORECASE,
)
_IMPERATIVE = re.compile(r"compare\s(?P<first>.+?)\s(?:and|with|to|against)\s(?P<other>.+)", re.IGNORECASE)
_WHEN = rf"(?P<time>\s(?:in|during|for)\s(?:the\s)?{_TIME})?"
_IS_MORE = re.compile(
    rf"(?P<be>{_BE})\s(?P<first>.+?)\s(?:much\s|any\s)?{_MORE}{_WHEN}\sthan\s(?P<other>.+)", re.IGNORECASE
)
_HOW_MUCH_MORE = re.compile(
    rf"(?:by\s)?how\s(?:much|far|many\s(?P<unit>\w+))\s{_MORE}\s(?P<be>{_BE})\s(?P<first>.+?){_WHEN}\sthan\s(?P<other>.+)",
    re.IGNORECASE,
)
_DID_MORE = re.compile(
    r"(?P<aux>did|do|does|has|have)\s(?P<first>.+?)\s(?:(?:more|less|fewer)|(?:a\s)?(?P<level>higher|larger|lower|bigger|"
    r"greater|smaller))(?P<noun>(?:\s(?!in\b|from\b|to\b|on\b|for\b|than\b)[\w’'-]+){0,3})(?P<tail>\s(?:in|from|to|on|for)\s.+?)?"
    r"\sthan\s(?P<other>.+)",
    re.IGNORECASE,
)
_HOW_MANY_MORE = re.compile(
    rf"how\s(?:much|many)\s(?P<times>times\s)?(?:more|fewer|less)(?P<noun>(?:\s(?!{_AUX}\b)[\w’'-]+){{0,3}})"
    r"\s(?P<aux>did|do|does|has|have)\s(?P<first>.+?)\sthan\s(?P<other>.+)",
    re.IGNORECASE,
)
_COSTS_MORE = re.compile(
    rf"how\smuch\s(?:more|less)\s(?P<aux>did|does|do|will|would)\sit\s(?P<verb>cost|take)\s(?P<first>{_ITEM})"
    rf"\sthan\s(?:it\s(?:did|does)\s)?(?P<other>{_ITEM})(?P<rest>\s(?:to|for|in)\s.+)?",
    re.IGNORECASE,
)
_WHOSE = re.compile(
    rf"whose\s(?P<noun>[a-z][\w-]*(?:\s[a-z][\w-]*){{0,2}}?)(?P<of>\s(?:of|with|from|for|in|at)\s.+?)?\s(?P<be>{_BE})\s(?:the\s)?"
    rf"{_MORE}[,:]\s(?P<first>{_NAME})['’]s?,?\sor\s(?:that\sof\s)?(?P<other>{_NAME})(?:['’]s?)?"
    r"(?:,?\sand\s(?:how|what)\s(?:\w+\s)?(?:is|was|are|were)\s(?:it|they|each))?",
    re.IGNORECASE,
)
_CHOICE = rf"(?P<items>{_ITEM}(?:,\s{_ITEM})*,?\sor\s{_ITEM})"
_NOUN = rf"(?:\s(?!{_BE}|of\b)[\w’'-]+){{0,2}}?"
_WHICH = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?:which|who|what){_NOUN}\s(?P<said>[a-z]+\b[^,:]*?)[,:]\s{_CHOICE}",
        rf"(?:which|who){_NOUN},\s{_CHOICE},\s(?P<said>[a-z]+\b.+)",
        rf"(?:which|who)(?:\sone)?\sof\s(?P<items>{_NAMES}),?\s(?P<said>[a-z]+\b.+)",
        rf"(?:of|between|among|out of)\s(?P<items>{_NAMES}),\s(?:which|who){_NOUN}\s(?P<said>[a-z]+\b.+)",
    )
)
_DIFFERENCE = re.compile(
    r"what\s(?P<be>is|are|was|were)\sthe\s(?P<word>difference|gap|ratio)(?:\sin\s(?P<what>.+?))?\s(?:between|of)\s(?P<rest>.+)",
    re.IGNORECASE,
)
_SUM = re.compile(
    rf"what\s(?P<be>{_BE})\sthe\s(?:combined|total|joint|sum of(?:\sthe)?)\s(?P<what>(?:[\w-]+\s){{0,2}}?{QUANTITY}s?)"
    rf"\sof\s(?P<names>{_NAMES})(?P<tail>\s.*)?",
    re.IGNORECASE,
)
_WHILE = re.compile(r",\s(?:while|whereas)\s(?P<second>(?:the|an?|another|one)\s.+|[^\W\d_a-z].+)")
_NOT_ALONE = re.compile(r"the\s(?:same|latter|former|other)\b", re.IGNORECASE)
_BOTH = re.compile(
    rf"(?P<aux>do|did|are|were|have)\s(?P<subject>(?:the\s|{_NAME}).{{3,300}}?),?\sboth\s(?P<rest>.+)", re.IGNORECASE
)
_AND_DOES = re.compile(rf",?\sand\s(?P<second>(?:{_AUX})\s(?:the\s|{_NAME}).+)", re.IGNORECASE)
_REPORTS = re.compile(
    r"between\s(?P<first>the\s.{3,300}?),?\sand\s(?P<second>the\s.{3,300}?),\s(?:was|is|were|are)\sthere\s(?:an?\s|any\s|no\s)?"
    r"(?P<word>change|agreement|disagreement|consistency|inconsistency|difference)\s(?:in|on|about|regarding|over)\s(?P<about>.+)",
    re.IGNORECASE,
)


def _comparison(text: str) -> Whole | None:
    for rule in (
        _compared,
        _is_more,
        _costs_more,
        _did_more,
        _whose,
        _which_of,
        _difference_of,
        _sum_of,
        _while,
        _both,
        _and_does,
        _reports,
    ):
        if found := rule(text):
            return found
    return None


def _direction(words: str) -> Operation:
    if _EARLIER.search(words):
        return "earlier"
    if _LATER.search(words):
        return "later"
    if re.search(r"\b(?:older|oldest|younger|youngest|newer|newest)\b", words, re.IGNORECASE):
        return "older" if "old" in words.lower() else "younger"
    return "smaller" if _SMALLER.search(words) else "larger"


def _pair(ask: str, first: str, other: str, time: str = "") -> tuple[str, ...]:
    """The questions about both operands, "{}" standing for them in `ask`; empty where the second is not clear."""
    if tail := _TAIL.search(other):
        if not time and not facts.years(first):
            time = tail[0]
        elif time and other[: tail.start()].strip():
            return ()
        if other[: tail.start()].strip() and not facts.years(first):
            other = other[: tail.start()]
    second = _completed(f"{first}{time}", other)
    first = f"{first}{time}"
    if not second or second == first:
        return ()
    if time and not facts.years(second):
        second += time
    return ask.format(first), ask.format(second)


def _completed(first: str, other: str) -> str:
    """The second operand with what it leaves out: "Lund's" beside "Acme's revenue" is "Lund's revenue"."""
    other = re.sub(rf"\s(?:{_AUX})$", "", other.strip())
    if m := re.fullmatch(rf"(?:in\s|during\s|for\s)?(?:the year\s)?(?P<time>{_TIME})", other, re.IGNORECASE):
        times = re.findall(_TIME, first)
        return first.replace(times[0], m["time"]) if len(times) == 1 else ""
    if re.fullmatch(
        r"(?:in\s)?(?:the (?:previous|prior) year|the year before|a year (?:earlier|before))", other, re.IGNORECASE
    ):
        times = re.findall(_YEAR, first)
        return first.replace(times[0], str(int(times[0]) - 1)) if len(times) == 1 else ""
    if _NO_OPERAND.search(other):
        return ""
    owner = re.match(rf"(?P<name>(?:{_NAME}|(?:the|a|an|its)\s[\w\s-]{{2,30}}?))['’]s?\s(?P<what>[^'’]+)", first)
    headed = re.match(rf"(?P<what>.+?)\s(?P<of>of|in|for|at)\s(?P<name>{_NAME}|(?:the|a)\s.+)", first)
    if m := re.fullmatch(r"(?:that|those)\s(?P<rest>(?:of|in|for|at)\s.+)", other, re.IGNORECASE):
        head = headed["what"] if headed else f"the {_untimed(owner['what'])}" if owner else ""
        return f"{head} {m['rest']}" if head else ""
    if m := re.fullmatch(rf"(?P<name>{_NAME})(?P<own>['’]s?)?", other):
        if owner:
            return f"{m['name']}{m['own'] or chr(39) + 's'} {owner['what']}"
        if headed and re.search(QUANTITY, headed["what"]):
            return f"{headed['what']} {headed['of']} {m['name']}"
        return "" if m["own"] or re.search(rf"\b{QUANTITY}\b", first) else m["name"]
    if m := re.fullmatch(rf"(?P<own>its|his|her|their|{_NAME}['’]s?)\s.+", other):
        return "" if m["own"].lower() in ("its", "his", "her", "their") else other
    return other


def _untimed(words: str) -> str:
    return _TAIL.sub("", words)


def _compared(text: str) -> Whole | None:
    m = _COMPARE.fullmatch(text) or _IMPERATIVE.fullmatch(text)
    if not m:
        return None
    first, other = m["first"], m["other"]
    groups = m.groupdict()
    be = "was" if (groups.get("aux") or "").lower() == "did" else "is"
    if not groups.get("aux") and not (other and re.search(QUANTITY, first)):
        return None
    if not other:
        listed = _asks_what(be, first + (groups.get("tail") or ""))
        found = _times(listed.rstrip("?")) or _names(listed.rstrip("?"), compared=True)
        found = found or _shared_head(be, first, groups.get("tail") or "")
        plain = re.fullmatch(_NAMES, first)
        return Whole("comparison", parts=found.parts if found and not plain else ())
    if groups.get("tail") and not _TAIL.search(other):
        other += groups["tail"] or ""
    if re.fullmatch(rf"{_NAME}", first) and not re.search(rf"\b{QUANTITY}\b", other):
        return Whole("comparison")
    parts = _pair("{}", first, other)
    return Whole("comparison", parts=tuple(_asks_what(be, p) for p in parts))


def _shared_head(be: str, first: str, tail: str) -> Whole | None:
    """Two quantities of their own: "Acme's revenue and Lund's revenue"."""
    both = first.split(" and ")
    if len(both) != 2 or not re.search(rf"\b{QUANTITY}\b", both[1]):
        return None
    return Whole("comparison", parts=tuple(_asks_what(be, b + tail) for b in both))


def _is_more(text: str) -> Whole | None:
    m = _IS_MORE.fullmatch(text)
    how_much = None if m else _HOW_MUCH_MORE.fullmatch(text)
    if not (m := m or how_much):
        return None
    measured = re.search(rf"\b{QUANTITY}s?\b", m["first"]) and not m["adjective"]
    adjective = m["adjective"] or _positive(m["more"].lower())
    if measured:
        head = re.split(r"\s(?:of|in|for|at)\s", m["first"])[0]
        ask = f"what {english.agreeing(m['be'], english.is_plural(head))} {{}}"
    else:
        ask = f"how {adjective} {m['be'].lower()} {{}}"
    parts = _pair(ask, m["first"], m["other"], m["time"] or "")
    operation: Operation = _direction(m["more"] if not (m["adjective"] and m["more"].startswith("less")) else "less")
    if how_much:
        operation = "ratio" if (how_much["unit"] or "").lower() == "times" else "difference"
    return Whole("comparison", operation, tuple(map(_ask, parts))) if parts else None


def _costs_more(text: str) -> Whole | None:
    """What it costs two: "How much more does it cost Acme than Lund to build a ferry?"."""
    m = _COSTS_MORE.fullmatch(text)
    if not m or _NO_OPERAND.search(m["other"]):
        return None
    parts = (_ask(f"how much {m['aux']} it {m['verb']} {side}{m['rest'] or ''}") for side in (m["first"], m["other"]))
    return Whole("comparison", "difference", tuple(parts))


def _whose(text: str) -> Whole | None:
    """What two own: "Whose order was larger, Acme's or Lund's?"."""
    m = _WHOSE.fullmatch(text)
    if not m:
        return None
    adjective = m["adjective"] or _positive(m["more"].lower())
    measured = re.search(rf"\b{QUANTITY}s?$", m["noun"]) and not m["adjective"]
    be = m["be"].lower()
    ask = f"what {be}" if measured else f"how {adjective} {be}"
    parts = (_ask(f"{ask} {english.possessive(side)} {m['noun']}{m['of'] or ''}") for side in (m["first"], m["other"]))
    return Whole("comparison", _direction("less" if m["more"].startswith("less") else m["more"]), tuple(parts))


def _positive(comparative: str) -> str:
    """The positive of a comparative in "-er"."""
    known = {"better": "good", "worse": "bad", "further": "far", "farther": "far"}
    if comparative in known:
        return known[comparative]
    stem = comparative[:-2]
    if stem.endswith("i"):
        return stem[:-1] + "y"
    if len(stem) > 2 and stem[-1] == stem[-2] and stem[-1] not in "ls":
        return stem[:-1]
    return stem + "e" if stem + "e" in _E_ADJECTIVES else stem


def _did_more(text: str) -> Whole | None:
    m = _DID_MORE.fullmatch(text)
    asked = None if m else _HOW_MANY_MORE.fullmatch(text)
    if not (m := m or asked):
        return None
    noun = m["noun"].strip()
    tail = (m.groupdict().get("tail") or "").strip()
    many = noun and english.is_plural(noun)
    head = f"how {'many' if many else 'much'} {noun} {m['aux'].lower()}"
    first = _ask(f"{head} {m['first']} {tail}")
    other = re.sub(rf"\s(?:{_AUX})$", "", m["other"])
    second = ""
    if re.fullmatch(rf"(?:in\s|during\s)?{_TIME}", other, re.IGNORECASE):
        second = _completed(first, other)
    elif not _NO_OPERAND.search(other) and (parts := english.clause(first)):
        shared = _TAIL.search(other)
        if shared and not facts.years(first):
            first = _ask(first + shared[0]) if not facts.years(first) else first
            first = _ask(f"{head} {m['first']} {tail}{shared[0]}")
            tail, other = f"{tail}{shared[0]}", other[: shared.start()]
        behind = re.fullmatch(rf"(?P<other>{_ITEM})(?P<tail>\s(?:for|to|per|on)\s.+)", other)
        if behind and not parts.rest:
            first, other = _ask(f"{first.rstrip('?')}{behind['tail']}"), behind["other"]
            second = _ask(f"{head} {other} {parts.verb}{behind['tail']}")
        elif re.fullmatch(_ITEM, other):
            second = _ask(f"{head} {other} {parts.verb} {parts.rest if not shared else parts.rest + shared[0]}")
    if not second:
        return None
    operation = _direction(text[: m.start("other")])
    if asked:
        operation = "ratio" if asked["times"] else "difference"
    return Whole("comparison", operation, (first, second))


def _which_of(text: str) -> Whole | None:
    for pattern in _WHICH:
        if not (m := pattern.fullmatch(text)):
            continue
        items, words = _split_names(m["items"]), m["said"].split()
        for said in (" ".join(words[i:]) for i in range(min(3, len(words)))):  # past the noun of "which ... company"
            read = [_of_item(said, item) for item in items]
            if len(items) > 1 and all(question for question, _ in read):
                degree = read[0][1]
                return Whole(
                    "comparison", _direction(degree) if degree else "", tuple(_ask(question) for question, _ in read)
                )
        return None
    return None


_SUPERLATIVE = (
    r"(?:the\s)?(?P<degree>more|most|fewer|fewest|less|least|(?!first|last|ever|never)[a-z]{2,}(?:est|er)|best|worst)\b"
)
_SAID_BE = re.compile(rf"(?P<be>{_BE})\s{_SUPERLATIVE}(?:\s(?P<rest>.+))?", re.IGNORECASE)
_SAID_HAVE = re.compile(
    rf"(?P<have>has|have|had)\s{_SUPERLATIVE}\s(?P<noun>(?:[\w-]+\s){{0,2}}?[\w-]+)(?P<rest>\s(?:in|of|at|on|for|by|per)\s.+)?",
    re.IGNORECASE,
)
_SAID_DO = re.compile(
    rf"(?P<verb>[a-z]+)\s{_SUPERLATIVE}(?:\s(?P<noun>(?!in\b|from\b|on\b|for\b)(?:[\w-]+\s){{0,2}}?[\w-]+))?"
    r"(?P<rest>\s(?:in|from|to|of|at|on|for|by|per)\s.+)?",
    re.IGNORECASE,
)
_SAID_WHEN = re.compile(
    r"(?P<be>was\s|were\s)?(?P<verb>[a-z]+)(?P<mid>\s.+?)?\s(?P<order>first|earlier|later|last|sooner)(?P<rest>\s.+)?"
)


def _of_item(said: str, item: str) -> tuple[str, str]:
    """What is asked of one of the things compared, and the word that compares them; "" where that is not clear."""
    if (m := _SAID_WHEN.fullmatch(said)) and (m["be"] or english.is_past(m["verb"])) and m["verb"] != "had":
        rest = f"{m['mid'] or ''}{m['rest'] or ''}"
        if m["be"]:
            return f"when {english.agreeing(m['be'].strip(), False)} {item} {m['verb']}{rest}", m["order"]
        return f"when did {item} {english.base(m['verb'])}{rest}", m["order"]
    if m := _SAID_BE.fullmatch(said):
        return _how_much_it_is(m, item), m["degree"]
    if m := _SAID_HAVE.fullmatch(said):
        noun, rest = m["noun"], m["rest"] or ""
        if re.search(rf"\b{QUANTITY}$", noun):
            be = "was" if m["have"].lower() == "had" else "is"
            asked = f"what {english.agreeing(be, english.is_plural(noun))} {english.possessive(item)} {noun}{rest}"
            return asked, m["degree"]
        did = "did" if m["have"].lower() == "had" else "does"
        return f"how {_many(noun)} {noun} {did} {item} have{rest}", m["degree"]
    verb, _, rest = said.partition(" ")
    if re.fullmatch(rf"(?:{_BE}|will|would|can|could|should)", verb):
        return (f"{english.agreeing(verb, False)} {item} {rest}", "") if rest else ("", "")
    if re.fullmatch(_AUX, verb) or not verb.islower() or not (english.is_past(verb) or verb.endswith("s")):
        return "", ""
    did = f"{'did' if english.is_past(verb) else 'does'} {item} {english.base(verb)}"
    if m := _SAID_DO.fullmatch(said):
        return f"how {_many(m['noun'] or '')} {m['noun'] or ''} {did}{m['rest'] or ''}", m["degree"]
    return f"{did} {rest}", ""


def _many(noun: str) -> str:
    return "many" if english.is_plural(noun) else "much"


def _how_much_it_is(m: re.Match[str], item: str) -> str:
    be, degree, rest = english.agreeing(m["be"], False).lower(), m["degree"].lower(), m["rest"] or ""
    if degree in ("more", "most", "less", "least"):
        adjective, _, rest = rest.partition(" ")
        return f"how {adjective} {be} {item} {rest}" if adjective else ""
    if degree in ("fewer", "fewest"):
        return ""
    known = {"best": "good", "worst": "bad"}
    after = re.search(r"\b(?:in|of|by|at|on|for)\s.+", rest)
    return f"how {known.get(degree) or _positive(re.sub('est$', 'er', degree))} {be} {item} {after[0] if after else ''}"


def _difference_of(text: str) -> Whole | None:
    m = _DIFFERENCE.fullmatch(text)
    if not m:
        return None
    operation: Operation = "ratio" if m["word"].lower() == "ratio" else "difference"
    joined = re.split(r"\s(?:and|to)\s", m["rest"])
    what = m["what"] or ""
    if len(joined) != 2 or not re.search(rf"\b{QUANTITY}s?\b", what or " ".join(joined)):
        return None
    first, other = joined
    if what:
        tail = _TAIL.search(other)
        other = other[: tail.start()] if tail and not re.fullmatch(_TIME, other) else other
        link = "in" if re.fullmatch(_TIME, first) else "of"
        noun = what if link == "in" or re.match(r"the\b", what) else f"the {what}"
        parts = tuple(f"{noun} {link} {operand}{tail[0] if tail else ''}" for operand in (first, other))
    elif re.fullmatch(rf"{_NAME}['’]s", first) and (owned := re.fullmatch(rf"{_NAME}['’]s?\s(?P<what>.+)", other)):
        parts = f"{first} {owned['what']}", other
    elif re.fullmatch(_TIME, first):
        parts = ()  # "between 2021 and 2022 in Acme's profit": what it is the difference of stands behind
    else:
        parts = _pair("{}", first, other)
    return Whole("comparison", operation, tuple(_asks_what(m["be"], p) for p in parts)) if parts else None


def _sum_of(text: str) -> Whole | None:
    m = _SUM.fullmatch(text)
    if not m:
        return None
    things = (f"the {m['what']} of {name}{m['tail'] or ''}" for name in _split_names(m["names"]))
    return Whole("list", "sum", tuple(_asks_what(m["be"], thing) for thing in things))


def _while(text: str) -> Whole | None:
    """Yes or no of two statements set against each other."""
    m = _WHILE.search(text)
    if not m or not re.match(rf"(?:{_AUX})\b", text, re.IGNORECASE):
        return None
    second = re.sub(rf",\sor\s(?:{_AUX})\s.*", "", m["second"])
    if len(second.split()) < 4 or _NOT_ALONE.match(second):
        return None
    first, second = _ask(text[: m.start()]), _ask(f"is it true that {second}")
    if re.search(r"\b(?:he|she|him|his|her)\b", second):
        alone = follow_up(second, [Turn(first, "")])
        if alone.unresolved:
            return None
        second = alone.text
    return Whole("comparison", parts=(first, second))


def _both(text: str) -> Whole | None:
    """Yes or no of two things: "Do the report of Acme and the report of Lund both show a loss?"."""
    m = _BOTH.fullmatch(text)
    joints = list(re.finditer(rf",?\sand\s(?=the\s|{_NAME})", m["subject"])) if m else []
    if not m or len(joints) != 1:
        return None
    subjects = m["subject"][: joints[0].start()], m["subject"][joints[0].end() :]
    alike = [s.lower().startswith("the ") for s in subjects]
    if alike[0] != alike[1]:
        return None  # "the articles from Acme and Lund" are one phrase
    rest = re.sub(rf",?\srespectively\b|\brespective\s|,\sor\s(?:{_AUX})\s.*", "", m["rest"])
    return Whole("comparison", parts=tuple(_ask(f"{_agreeing(m['aux'], s)} {s} {rest}") for s in subjects))


def _agreeing(aux: str, subject: str) -> str:
    """The auxiliary in the number of the noun that heads the subject."""
    head = re.split(rf"\s(?:{english.PREPOSITIONS})\s", subject)[0].split()[-1]
    return english.agreeing(aux, head.islower() and english.is_plural(head))


def _and_does(text: str) -> Whole | None:
    """Two questions for yes or no."""
    m = _AND_DOES.search(text)
    if not m or not re.match(rf"(?:{_AUX})\b", text, re.IGNORECASE) or len(text[: m.start()].split()) < 4:
        return None
    if _NOT_ALONE.match(m["second"].split(" ", 1)[1]):
        return None
    return _standing([_ask(text[: m.start()]), _ask(m["second"])])


def _reports(text: str) -> Whole | None:
    """What two reports say of the same."""
    m = _REPORTS.fullmatch(text)
    if not m or re.search(r"\bthe same\b", m["second"]):
        return None
    kind: Kind = "change" if m["word"].lower() == "change" else "comparison"
    return Whole(kind, parts=tuple(_ask(f"what did {r} say about {m['about']}") for r in (m["first"], m["second"])))


# -- time between two events ------------------------------------------------------------------------------

_SPAN_ASKED = r"how\s(?:long|much time|soon|many\s(?:days|weeks|months|years|decades))"
_LONG_AFTER = re.compile(
    rf"{_SPAN_ASKED}\s(?:(?:passed|elapsed|went by)\s)?(?P<side>after|before)\s(?P<first>.{{4,120}}?)\s"
    r"(?P<second>(?:did|was|were)\s.{4,120})",
    re.IGNORECASE,
)
_LONG_BETWEEN = re.compile(
    rf"{_SPAN_ASKED}\s(?:(?:passed|elapsed|went by|lie|lay|was it|were there|was there|are there|did it take)\s)?"
    r"(?P<from>between|from)\s(?P<first>.{4,120}?)\s(?P<to>and|to|until)\s(?P<second>.{4,120})",
    re.IGNORECASE,
)
_OPENS_EVENT = re.compile(rf"(?:the|its|his|her|their|{_CAP}(?:\s{_CAP})*['’]s)\s(?!\W)", re.IGNORECASE)


def _time_between(text: str) -> Whole | None:
    """How much time lies between two events: when each was."""
    if m := _LONG_AFTER.fullmatch(text):
        first = _when(m["first"])
        second = _ask(f"when {m['second']}")
        alone = follow_up(second, [Turn(first, "")]) if first else None
        if not alone or alone.unresolved:
            return None
        return Whole("comparison", "difference", (first, alone.text))
    m = _LONG_BETWEEN.fullmatch(text)
    if not m or (m["from"].lower() == "between") != (m["to"].lower() == "and"):
        return None
    parts = tuple(_when(m[side]) for side in ("first", "second"))
    return Whole("comparison", "difference", parts) if all(parts) else None


def _when(event: str) -> str:
    """The question when an event was: of "Acme opened its plant", of "the founding of Acme"; "" where that is open."""
    words = event.split()
    for at in range(1, min(7, len(words))):
        verb = words[at]
        if not (verb.islower() and english.is_past(verb)) or verb in ("had", "been"):
            continue
        subject, rest = " ".join(words[:at]), " ".join(words[at + 1 :])
        if not re.fullmatch(_ITEM, subject):
            return ""
        if verb in ("was", "were"):
            return _ask(f"when {verb} {subject} {rest}") if rest else ""
        return _ask(f"when did {subject} {english.base(verb)} {rest}")
    if re.search(_YEAR, words[0]) or not _OPENS_EVENT.match(event) or len(words) < 2:
        return ""
    return _ask(f"when was {event}")


# -- change over time -----------------------------------------------------------------------------------

_MOVES = (
    r"(?:grow|grown|grew|rise|risen|fall|fallen|drop|dropped|increased?|decreased?|declined?|shrink|shrunk|improved?|climb"
    r"|climbed|jump|jumped|move|moved)"
)
_CHANGES = rf"(?:changed?|evolved?|develop(?:ed)?|shift(?:ed)?|var(?:y|ied)|fluctuated?|{_MOVES})"
_CHANGED = re.compile(
    rf"(?P<how>how(?:\smuch)?|by how much|by (?:what|how many) per\s?cent(?:age)?|(?:by )?what percentage)\s"
    rf"(?P<aux>did|has|have|do|does)\s(?P<thing>.+?)\s(?P<verb>{_CHANGES})(?P<rest>\s.+)?",
    re.IGNORECASE,
)
_DID_CHANGE = re.compile(
    rf"(?P<how>)(?P<aux>did|has|have)\s(?P<thing>.+?)\s(?P<verb>{_CHANGES})(?:\sor\s{_CHANGES})?"
    rf"(?P<rest>\s(?:between|from|since)\s.+)",
    re.IGNORECASE,
)
_CHANGE_IN = re.compile(
    r"what\s(?:is|was)\sthe\s(?P<how>(?:percentage|percent|relative)\s)?(?P<verb>change|growth|increase|rise|fall|drop|decline)"
    r"\s(?:in|of)\s(?P<thing>.+?)(?P<rest>\s(?:between|from|since)\s.+)",
    re.IGNORECASE,
)
_SPAN = re.compile(
    rf"\s(?:by\s)?(?:between|from)\s(?P<first>{_TIME})\s(?:and|to|until|through)\s(?P<last>{_TIME}|now|today)",
    re.IGNORECASE,
)
_SINCE = re.compile(rf"\ssince\s(?P<first>{_TIME})", re.IGNORECASE)
_LOOSE = re.compile(r"\s(?:over|in|during|within|recently|lately|since|so far|this|last|through)\b.*", re.IGNORECASE)


def _change(text: str) -> Whole | None:
    m = _CHANGED.fullmatch(text) or _DID_CHANGE.fullmatch(text) or _CHANGE_IN.fullmatch(text)
    if not m:
        return None
    rest, how = m["rest"] or "", (m["how"] or "").lower()
    thing = m["thing"]
    operation: Operation | Literal[""] = ""
    if "percent" in how or "per cent" in how or "relative" in how:
        operation = "percent change"
    elif "much" in how or re.search(rf"\b{QUANTITY}s?\b", thing):
        operation = "difference"
    if span := _SPAN.fullmatch(rest):
        times = [f"in {span['first']}", span["last"] if span["last"].islower() else f"in {span['last']}"]
    elif since := _SINCE.fullmatch(rest):
        times = [f"in {since['first']}", "now"]
    else:
        return Whole("change") if not rest or _LOOSE.fullmatch(rest) else None
    if re.fullmatch(_NAME, thing):
        return Whole("change")
    return Whole(
        "change", operation, tuple(_asks_what("is" if time == "now" else "was", f"{thing} {time}") for time in times)
    )
