"""A byline -> author, outlet and day of publication: "By Anna Holm, Tarnby Courier, 3 May 2024".

Knows English bylines that fill one line. Does not know where in a text the line is. A name that may be a person, a
place or an outlet is left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from citewire.index.dates import published_date

MAX_CHARACTERS = 160  # most characters of a byline; the longest name four authors
NAME_WORDS = 6  # most words of the name of a person, place or outlet
SURE_WORDS = 2  # most words of an unknown name beside a day; a longer one may be an event
DATE_PIECES = 3  # most comma-separated pieces of a date: "Friday, May 3, 2024"

_BY = re.compile(r"(?:(?:written|words|story|text|report(?:ed|ing)?)\s)?by:?\s", re.IGNORECASE)
_BETWEEN = re.compile(r" ?[|·•;] ?|, | [–—-] | for (?=(?:the )?[A-Z])")  # in a line with single blanks
_WHERE = re.compile(r"\sin\s[A-Z].*")  # "By Anna Holm in Orvik"
_AND = re.compile(r" (?:and|&) ")
_UPDATED = re.compile(r"(?:last |latest )?(?:updat|modifi|edit)", re.IGNORECASE)
_ASIDE = re.compile(  # ignored: a time, an ambiguous date, a reading time, an author's job, "staff reports"
    r"[0-2]?\d[:.][0-5]\d.{0,12}|\d{1,2}[/.]\d{1,2}[/.]\d{2,4}|\d+[ -]min(?:ute)?s?(?: read)?"
    r"|(?:[\w-]+ ){0,3}(?:editor|writer|correspondent|columnist|contributor|staff|(?:staff|chief|senior|our) reporter)"
    r"|(?:.*\b)?(?:staff|wire) reports",
    re.IGNORECASE,
)
_PARTICLES = frozenset("af al bin da de del den der di du ibn la le of ten ter the van von".split())
_OF_OUTLETS = (
    r"(?:Advertiser|Advocate|Agency|Argus|Blog|Broadcasting|Bulletin|Chronicle|Courier|Daily|Digest|Dispatch|Echo|Examiner"
    r"|Express|Gazette|Globe|Guardian|Herald|Independent|Inquirer|Journal|Ledger|Magazine|Mail|Media|Mercury|Messenger"
    r"|Mirror|Monitor|Network|News|Observer|Post|Press|Radio|Record|Register|Reporter|Sentinel|Standard|Star|Sun"
    r"|Telegraph|Television|Times|Today|Tribune|TV|Voice|Weekly|Wire)"
)
_OUTLET = re.compile(
    rf".+\s{_OF_OUTLETS}|Daily\s.+|(?:BBC|CNN|NPR|AFP|AP|Reuters|Bloomberg)\b.*|[\w-]+(?:news|wire|times|post)"
    r"|[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:com|org|net|news|co\.uk)",
    re.IGNORECASE,
)
_PLACE = re.compile(
    r"(?:New|San|Santa|Los|Las|Saint|St\.?|Port|Fort|Cape|North|South|East|West|Hong|Tel|Rio|El)\s.*|.*\sCity"
)
_BOARD = re.compile(r".*\b(?:Board|Staff|Team)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Byline:
    """The fields of a byline, "" for each that it does not state; `published` as in `Article`."""

    author: str = ""
    outlet: str = ""
    published: str = ""


def byline(line: str) -> Byline | None:
    """Parse a line that holds only a byline, or names with a day; None for any other line.

    >>> byline("By Anna Holm, Tarnby Courier, 3 May 2024")
    Byline(author='Anna Holm', outlet='Tarnby Courier', published='2024-05-03')
    >>> byline("Lund, May 3, 2024"), byline("By the river, the ferry waits")
    (Byline(author='', outlet='', published='2024-05-03'), None)
    """
    if len(line) > 2 * MAX_CHARACTERS:
        return None
    words = _one_row(line)
    starts = bool(_BY.match(words))
    if len(words) > MAX_CHARACTERS or words.endswith((".", "!", "?", ":")):
        return None
    if not starts and not re.search(r"\d{4}", words):
        return None
    days, pieces = _dated(_BETWEEN.split(words))
    names = [piece for piece in pieces if not _ASIDE.fullmatch(piece)]
    by = [number for number, piece in enumerate(names) if _BY.match(piece)]
    if len(set(days)) > 1 or len(by) > 1 or not (days or by) or (starts and not by):
        return None
    authors: list[str] = []
    if by:
        last = max((n for n, name in enumerate(names) if n >= by[0] and _AND.search(name)), default=by[0])
        first = _WHERE.sub("", _BY.sub("", names[by[0]], count=1))
        authors = _AND.split(" and ".join([first, *names[by[0] + 1 : last + 1]]))
        del names[by[0] : last + 1]
    if not all(map(_is_name, names)) or not all(_is_author(author, bool(days)) for author in authors):
        return None
    names = [name.removeprefix("the ") for name in names]
    outlet = _outlet(names, bool(authors))
    if not (authors or outlet) and any(len(name.removeprefix("The ").split()) > SURE_WORDS for name in names):
        return None  # "Holm Island Festival, 12 July 2024" may announce an event
    return Byline(", ".join(authors), outlet, days[0] if days else "")


def _one_row(line: str) -> str:
    return " ".join(line.split()).replace(", and ", " and ")


def outlet_alone(line: str) -> Byline | None:
    """Return a byline with the outlet if a line is the name of a known kind of outlet, else None."""
    name = " ".join(line.split())
    return Byline(outlet=name) if _is_name(name) and _OUTLET.fullmatch(name) else None


def is_named(line: str) -> bool:
    """Whether a line holds only names of people, outlets or places, and jobs.

    >>> is_named("Anna Holm and Per Lund, Tarnby Courier"), is_named("Old Mill bakery saved by its customers")
    (True, False)
    """
    pieces = [part for piece in _BETWEEN.split(_one_row(line)) for part in re.split(r"/|\s(?:and|&)\s", piece)]
    return all(_ASIDE.fullmatch(piece) or (_is_name(piece) and len(piece.split()) <= 4) for piece in pieces)


def _dated(pieces: list[str]) -> tuple[list[str], list[str]]:
    """Split pieces of a line into ISO 8601 days and other pieces; days of an update are dropped."""
    days: list[str] = []
    others: list[str] = []
    at = 0
    while at < len(pieces):
        for end in range(at + DATE_PIECES, at, -1):
            words = ", ".join(pieces[at:end])
            if day := published_date(words):
                days += [] if _UPDATED.match(words) else [day]
                at = end - 1
                break
        else:
            others.append(pieces[at])
        at += 1
    return days, others


def _is_name(name: str) -> bool:
    """Whether words can name a person, a place or an outlet."""
    words = name.split()
    if "." in name and len(words) == 1 and _OUTLET.fullmatch(name):
        return True  # orvik.example
    capital = all(word[0].isupper() or word in _PARTICLES for word in words)
    return 0 < len(words) <= NAME_WORDS and capital and words[-1][0].isupper() and not re.search(r"\d|[.!?:]{2}", name)


def _is_author(name: str, dated: bool) -> bool:
    """Whether the words after "By" name an author; "By Easter" and "By The River" do not."""
    words = name.split()
    if not _is_name(name):
        return False
    if words[0].lower() == "the" or len(words) == 1:
        return bool(_OUTLET.fullmatch(name) or _BOARD.fullmatch(name)) or (dated and words[0].lower() != "the")
    return words[0] not in _PARTICLES or words[0] in ("de", "van", "von")


def _outlet(names: list[str], has_author: bool) -> str:
    """Return the name that is an outlet, "" if none or several may be."""
    outlets = [name for name in names if _OUTLET.fullmatch(name)]
    if not outlets and has_author and len(names) == 1 and " " in names[0] and not names[0].isupper():
        outlets = [] if _PLACE.fullmatch(names[0]) else names
    return outlets[0] if len(outlets) == 1 else ""
