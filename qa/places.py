"""Which country the name of a place stands for: "China", "Chinese", "Beijing" and "Guangdong, China" stand for one.

The only importer of countryinfo, whose countries with their adjectives, capitals and provinces, and a short table of
what it leaves out, are all that is known here. Countries are ISO 3166 codes of two letters.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from citewire.qa import facts

# Names and adjectives that news text has and countryinfo has not.
_MORE = {
    "AR": ("", "Argentine Argentinian"), "AZ": ("", "Azeri"), "BA": ("Bosnia", ""), "BW": ("", "Botswanan"),
    "BY": ("", "Belarussian"), "CV": ("", "Cape_Verdean"), "EC": ("", "Ecuadorian"), "GB": ("Britain", ""),
    "IS": ("", "Icelandic"), "KG": ("", "Kyrgyz"), "KR": ("Korea", "Korean"), "KZ": ("", "Kazakh"),
    "LU": ("", "Luxembourgish"), "MK": ("Macedonia", ""), "MM": ("Burma", ""), "NP": ("", "Nepali"),
    "PH": ("", "Philippine"), "SA": ("", "Saudi"), "SI": ("", "Slovenian"), "SK": ("", "Slovakian"),
    "SR": ("", "Surinamese"), "TJ": ("", "Tajik"), "TR": ("Türkiye", ""), "TT": ("Trinidad", ""),
    "US": ("USA America", ""), "UZ": ("", "Uzbek"), "VA": ("Vatican", ""),
}  # fmt: skip
_LEFT_OUT = ("CS",)  # "Serbia and Montenegro", which is no more
_NO_NAMES = ("Island", "Mann")  # of Iceland and the Isle of Man: words and surnames more often
_UK = "GB"
_UK_PARTS = ("england", "scotland", "wales", "northern ireland")
_UK_ADJECTIVES = ("english", "scottish", "welsh", "northern irish")
_REGIONS = ("North", "South", "Latin", "Central")  # "North American" is of no country
_LONGEST = 4  # words of a name that are tried
_NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Known:
    """Comparable form of a name -> country, or the countries with a part or capital of that name."""

    names: dict[str, str]
    adjectives: dict[str, str]
    parts: dict[str, frozenset[str]]


def country(name: str) -> str:
    """Return the country that has the name or adjective, "" where none has it; capitals count.

    Of countries that share it, it is the one with most people. The parts of the United Kingdom stand for it.

    >>> country("Chinese"), country("U.S."), country("Koreans"), country("Scottish"), country("polish")
    ('CN', 'US', 'KR', 'GB', '')
    """
    key = _key(name)
    return _code(key) or (_UK if key in (*_UK_PARTS, *_UK_ADJECTIVES) else "")


@lru_cache(maxsize=1024)
def countries_of(name: str) -> frozenset[str]:
    """Return the countries named in a run of capitalised words; none of places that only contain such a name.

    >>> sorted(countries_of("Chinese ASIC")), sorted(countries_of("North American")), sorted(countries_of("New Mexico"))
    (['CN'], [], [])
    """
    words = re.split(r"[\s-]", name)
    found, at = set[str](), 0
    while at < len(words):
        runs = {size: " ".join(words[at : at + size]) for size in range(_LONGEST, 0, -1)}
        size = next((n for n, run in runs.items() if country(run) or _key(run) in _known().parts), 0)
        if size and not (at and words[at - 1] in _REGIONS):
            found.add(country(runs[size]))
        at += max(size, 1)
    return frozenset(found - {""})


@lru_cache(maxsize=256)
def countries_in(text: str) -> frozenset[str]:
    """Return the countries that a text names, by their names or adjectives."""
    return _NONE.union(*(countries_of(name) for name in facts.names(text, facts.name_words([text]))))


def where(name: str) -> frozenset[str]:
    """Return the countries that the place called `name` is or may lie in; none where that is not known.

    >>> sorted(where("Danish")), sorted(where("Toronto, Canada")), sorted(where("Atlanta, Georgia"))
    (['DK'], ['CA'], ['GE', 'US'])
    """
    _, comma, last = name.rpartition(",")
    key = _key(last)
    code, parts = _code(key), _known().parts.get(key, _NONE)
    if not code:
        return parts
    return parts | {code} if comma else frozenset({code})


def is_country(name: str) -> bool:
    """Whether `name` is the name or adjective of a country and not of a part of one."""
    return bool(_code(_key(name)))


def is_adjective(word: str) -> bool:
    """Whether `word` is the adjective of a country or of a part of the United Kingdom, and no name."""
    key = _key(word)
    return key in _UK_ADJECTIVES or (key in _known().adjectives and key not in _known().names)


def _key(name: str) -> str:
    """The comparable form of a name; "" of what has no capital."""
    plain = re.sub(r"^the\s", "", name.strip(), flags=re.IGNORECASE)
    return facts.name_key(plain) if plain[:1].isupper() else ""


def _code(key: str) -> str:
    """The country with that name or adjective, of one or of several people ("Americans")."""
    known = _known()
    return known.names.get(key) or known.adjectives.get(key) or known.adjectives.get(key.removesuffix("s"), "")


@cache
def _known() -> _Known:
    names, adjectives, parts = dict[str, str](), dict[str, str](), defaultdict[str, set[str]](set)
    countries = _by_people()
    for code, info in countries:
        names.setdefault(_key(info["name"]), code)
    for code, info in countries:
        short = info["ISO"].values()  # "IN" is India and a word
        of_people = re.split(r"[,/]|\sand\s", info.get("demonym") or "")
        for adjective in of_people:
            adjectives.setdefault(_key(adjective), code)
        for name in info.get("altSpellings") or ():
            if name not in (*short, *of_people, *_NO_NAMES):
                names.setdefault(_key(name), code)
        capital = info.get("capital")
        for part in (*info.get("provinces", ()), *((capital,) if isinstance(capital, str) else ())):
            parts[facts.name_key(part)].add(code)  # "The Valley" is a capital, "Valley" is not
    for code, (more_names, more_adjectives) in _MORE.items():
        names |= {_key(name.replace("_", " ")): code for name in more_names.split()}
        adjectives |= {_key(adjective.replace("_", " ")): code for adjective in more_adjectives.split()}
    for key in (*_UK_PARTS, *_UK_ADJECTIVES):
        parts[key].add(_UK)
    for found in (names, adjectives, parts):
        found.pop("", None)
    return _Known(names, adjectives, {key: frozenset(codes) for key, codes in parts.items()})


def _by_people() -> list[tuple[str, dict[str, Any]]]:
    """Code and facts of every country, that with most people first."""
    from countryinfo import CountryInfo  # reads 2 MB, only where a question is about places

    every: list[dict[str, Any]] = [dict(info) for info in CountryInfo.all().values()]
    every.sort(key=lambda info: -(info.get("population") or 0))
    found = [(info["ISO"]["alpha2"], info) for info in every if "numeric" in info["ISO"]]  # others are parts of these
    return [(code, info) for code, info in found if code not in _LEFT_OUT]
