"""A question in everyday words -> the same question in plain ones: without politeness, asides and the choice it offers.

Knows the forms of English that wrap a question ("Could you tell me what ...", "roughly", "..., please") and those that
offer two answers ("Is it a Danish or a Swedish firm?"). Where the words do not surely have such a form, they stay.
"""

from __future__ import annotations

import re

from citewire.qa import english, places
from citewire.qa.antecedents import NOUNS

_CAP = r"(?-i:[^\W\d_a-z])[\w&’'.-]*"
_NAME = rf"{_CAP}(?:\s(?:of\s)?{_CAP})*"
_WH = rf"(?:(?:{english.PREPOSITIONS})\s)?(?:{english.WH})\b"

# -- politeness -----------------------------------------------------------------------------------------

_ASKING = re.compile(
    r"\W*(?:(?:please|hi|hello|hey|so|ok|okay|well)\b\W+)*"
    r"(?:(?:please\s)?(?:tell|remind)\s(?:me|us)"
    r"|(?:can|could|would|will)\s(?:you|anyone|somebody|someone)\s(?:please\s)?(?:tell|remind)\s(?:me|us)"
    r"|do\s(?:you|we)\s(?:happen\sto\s)?know|any\sidea"
    r"|(?:i|we)(?:['’]d|\swould)\s(?:really\s)?like\sto\sknow|(?:i|we)\s(?:want|need)\sto\sknow"
    rf"|i(?:['’]m|\sam)\swondering|i\swonder),?\s(?:please,?\s)?(?=(?P<if>if|whether)\b|{_WH})",
    re.IGNORECASE,
)
_PLEASE = re.compile(r"^\W*please,?\s|,?\s(?:please|thanks|thank you)(?=\W*$)", re.IGNORECASE)
_WANTED = re.compile(
    r"(?<=[?.!])\s+(?:(?:i|we)\s(?:only\s|just\s)?(?:need|want)|(?:please\s)?(?:give|tell)\sme|(?:please\s)?list)\s"
    r"(?:(?:just|only|all)\s)?(?:of\s)?(?:the|their|its|his|her|them|it)\b(?:\s\w+){0,3}\W*$",
    re.IGNORECASE,
)
_PIECE = r"(?:piece|article|story|post|report|text)"
_WHEN_WRITTEN = re.compile(
    rf",?\s(?:when|as|at\sthe\stime(?:\swhen)?|by\sthe\stime)\s(?:the|this|that)\s(?:(?:{_NAME}(?:['’]s)?|news)\s)?{_PIECE}\s"
    r"(?:was|came|got|is|had\sbeen|appeared)(?:\s(?:written|published|posted|out|printed|filed))?(?=\W*$|,)",
    re.IGNORECASE,
)
_IN_THE_PIECE = re.compile(
    rf",?\s(?:according\sto|in|says|as\sper|per)\s(?:the|this|that)\s(?:(?:{_NAME}(?:['’]s)?|news)\s)?(?:piece|article|story)(?=\W*$|,)",
    re.IGNORECASE,
)
_THESE_DAYS = re.compile(r"\b(?:these\sdays|nowadays|at\sthe\sminute)\b", re.IGNORECASE)
# What can be asked in either order: "what the price was", "when Lund opened".
_BARE = r"what|when|where|why|who(?:m|se)?|how(?:\s(?:much|many\s\w+|big|large|high|long|old|far|fast))?"
_PHRASE = r"(?:the|its|his|her|their|this|that|an?|one|two|three|\d+)\s(?:[\w’'-]+\s){0,5}?[\w’'-]+"
_SUBJECT = rf"(?:{_PHRASE}|{_NAME}(?:(?<=['’]s)(?:\s[\w-]+){{1,3}}?)?|it|they|he|she)"
_STATED = re.compile(
    rf"(?P<wh>{_BARE})\s(?P<subject>{_SUBJECT})\s(?P<aux>{english.AUXILIARIES}|may|might|must)(?P<rest>\s.+)?",
    re.IGNORECASE,
)
_TOLD = re.compile(
    rf"(?P<wh>{_BARE})\s(?P<subject>{_NAME}(?<!['’]s)|it|they|he|she|the\s[\w-]+)\s(?P<verb>[a-z]+)(?P<rest>\s.+|,.+)?",
    re.IGNORECASE,
)


def direct(text: str) -> str:
    """Return the question itself of one that is asked politely, wrapped in "tell me", or speaks of the piece of news.

    >>> direct("Could you tell me what Lund earned in 2022, please?"), direct("Who runs Lund? I need the name.")
    ('What did Lund earn in 2022?', 'Who runs Lund?')
    """
    plain = _PLEASE.sub("", _WANTED.sub("", text))
    plain = _IN_THE_PIECE.sub("", _WHEN_WRITTEN.sub("", _THESE_DAYS.sub("now", plain)))
    if asks := _ASKING.match(plain):
        asked = plain[asks.end() :].strip(" ?.!")
        plain = _inverted(asked[len(asks["if"] or "") :].strip(), bool(asks["if"])) or (plain if asks["if"] else asked)
        plain += "" if plain.endswith("?") else "?"
    plain = plain.strip()
    return plain[:1].upper() + plain[1:] if plain != text.strip() and len(plain.split()) > 1 else text


def _inverted(asked: str, yes_or_no: bool) -> str:
    """The clause in the order of a question; "" of one for yes or no that is not read, itself of any other."""
    clause = f"what {asked}" if yes_or_no else asked
    if m := _STATED.fullmatch(clause):
        front = f"{m['wh']} {m['aux']}"
        rest = f" {m['subject']}{m['rest'] or ''}"
    elif (m := _TOLD.fullmatch(clause)) and (
        english.is_past(m["verb"]) or (m["verb"].endswith("s") and not m["subject"].startswith("the "))
    ):
        base = english.base(m["verb"])
        front = f"{m['wh']} {'did' if english.is_past(m['verb']) else 'does'}"
        rest = f" {m['subject']} {base}{m['rest'] or ''}"
    else:
        return "" if yes_or_no else asked
    return (front + rest).removeprefix("what ") if yes_or_no else front + rest


# -- words that do not change what is asked ---------------------------------------------------------------

_SHAPING = re.compile(
    r"(?:,\s)?\b(?:exactly|actually|roughly|approximately|precisely|basically|mostly|mainly|by\sthe\sway"
    r"|in\sthe\sfirst\splace|if\sany)\b,?(?=\W|$)",
    re.IGNORECASE,
)


def plain(text: str) -> str:
    """Return the question without "roughly" and the like.

    One that offers two places or times for an answer asks where or when.

    >>> plain("How many boats does Lund actually own?"), plain("Is Lund a Danish or a Swedish firm?")
    ('How many boats does Lund own?', 'In which country is Lund based?')
    """
    out = " ".join(_SHAPING.sub(" ", text).split()) if _SHAPING.search(text) else text
    out = re.sub(r"\s+(?=[?,.])", "", out) if out != text else text
    if out != text and len(out.split()) < 2:
        return text
    asked = out.strip(" ?")
    return _of_a_place(asked) or _of_a_time(asked) or _in_case(out, text)


def _in_case(out: str, text: str) -> str:
    return out[:1].upper() + out[1:] if text[:1].isupper() else out


# -- two answers to choose from ---------------------------------------------------------------------------

_KIND_OF_FIRM = re.compile(
    rf"(?P<be>is|was|are|were)\s(?P<what>.+?)\s(?:an?\s)?(?P<a>{_NAME})(?P<firm>\s(?:{NOUNS}))?,?\sor\s(?:an?\s)?(?P<b>{_NAME})"
    rf"(?P<last>\s(?:{NOUNS}|one))?",
    re.IGNORECASE,
)
_BASED = re.compile(
    rf"(?P<be>is|was|are|were)\s(?P<what>.+?)\s(?P<how>based|located|headquartered|registered|incorporated|built|made)\sin\s"
    rf"(?P<a>(?:the\s)?{_NAME}),?\sor\s(?:in\s)?(?P<b>(?:the\s)?{_NAME})",
    re.IGNORECASE,
)
_MONTH = r"(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_WEEKDAY = r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day"
_TIME = rf"(?:{_MONTH}\s\d{{1,2}}|(?:\d{{1,2}}\s)?{_MONTH}|{_WEEKDAY})"
_ONE_TIME_OR_ANOTHER = re.compile(
    rf"(?P<aux>{english.AUXILIARIES})\s(?P<what>.+?)\s(?:in|on|during)\s(?P<a>{_TIME}),?\sor\s(?:in\s|on\s|during\s)?(?P<b>{_TIME})"
    r"(?P<rest>\s.+)?",
    re.IGNORECASE,
)


def _of_a_place(asked: str) -> str:
    if m := _BASED.fullmatch(asked):
        countries = all(places.country(m[side]) for side in ("a", "b"))
        return f"{'In which country' if countries else 'Where'} {m['be'].lower()} {m['what']} {m['how']}?"
    m = _KIND_OF_FIRM.fullmatch(asked)
    if (
        not m
        or not all(places.country(m[side]) for side in ("a", "b"))
        or re.search(r"\s(?:in|by|from|to)$", m["what"])
    ):
        return ""
    alone = places.is_adjective(m["a"]) and places.is_adjective(m["b"])
    return f"In which country {m['be'].lower()} {m['what']} based?" if m["firm"] or m["last"] or alone else ""


def _of_a_time(asked: str) -> str:
    m = _ONE_TIME_OR_ANOTHER.fullmatch(asked)
    return f"When {m['aux'].lower()} {m['what']}{m['rest'] or ''}?" if m else ""
