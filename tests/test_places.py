"""Countries by names, adjectives and the places in them."""

from __future__ import annotations

import pytest

from citewire.qa.places import countries_in, countries_of, country, is_adjective, is_country, where

# What has a name of its own: countries, their people, and the parts of the United Kingdom.
COUNTRY = {
    "China": "CN", "Chinese": "CN",  # and not Hong Kong, which shares the adjective and has fewer people
    "Singaporean": "SG", "Kazakh": "KZ", "U.S.": "US", "US": "US", "USA": "US", "America": "US", "American": "US",
    "Americans": "US", "United States": "US", "Americas": "", "UK": "GB", "U.K.": "GB", "British": "GB",
    "Britain": "GB", "England": "GB", "Scottish": "GB", "Northern Ireland": "GB", "Irish": "IE",
    "the Netherlands": "NL", "The Netherlands": "NL", "Holland": "NL", "Dutch": "NL", "South Korean": "KR",
    "Korean": "KR", "Korea": "KR", "North Korean": "KP", "Niger": "NE", "Nigerian": "NG", "Congolese": "CD",
    "Congo": "CG", "Dominican": "DO", "Serbian": "RS", "Swiss": "CH", "Swazi": "SZ", "Eswatini": "SZ", "Bosnia": "BA",
    "Argentine": "AR", "Argentinean": "AR", "Argentinian": "AR", "Icelandic": "IS", "Slovenian": "SI", "UAE": "AE",
    "Philippine": "PH", "Uzbek": "UZ", "Saudi": "SA", "Saudis": "SA", "Burma": "MM", "Burmese": "MM", "Türkiye": "TR",
    "Macedonian": "MK", "North Macedonia": "MK", "Czechia": "CZ", "Cape Verdean": "CV", "Georgia": "GE",
    "us": "", "polish": "",  # the verb
    "Beijing": "", "Kestrel": "", "Canaan": "", "Francine": "", "Island": "", "Mann": "", "North American": "",
    "European": "", "In": "", "No": "", "": "",
}  # fmt: skip

PLACES = {
    "China": "CN", "Beijing": "CN", "Guangdong": "CN", "Shenzhen, China": "CN", "Danish": "DK", "Copenhagen": "DK",
    "U.S.": "US", "UK": "GB", "England": "GB", "Leeds, England": "GB", "Scottish": "GB", "Georgia": "GE",
    "Tbilisi, Georgia": "GE US", "Boston, Massachusetts": "US", "Korean": "KR", "Korea": "KR", "Norland": "",
    "Valley": "", "Kestrel": "", "Canaan": "", "European": "", "In": "", "No": "", "": "",
}  # fmt: skip

RUNS = {
    "Chinese ASIC": "CN",
    "North American": "",
    "Latin American": "",
    "South Korean": "KR",
    "US-China": "CN US",
    "Guinea-Bissau": "GW",
    "New Mexico": "",
    "New Zealand": "NZ",
    "New Jersey Danish": "DK",
    "United Arab Emirates": "AE",
    "Kestrel": "",
    "": "",
}


@pytest.mark.parametrize("name", COUNTRY)
def test_country(name: str) -> None:
    assert country(name) == COUNTRY[name]


@pytest.mark.parametrize("name", PLACES)
def test_where(name: str) -> None:
    assert sorted(where(name)) == PLACES[name].split()


@pytest.mark.parametrize("name", RUNS)
def test_countries_of_a_run_of_names(name: str) -> None:
    assert sorted(countries_of(name)) == RUNS[name].split()


def test_countries_in_a_text() -> None:
    assert countries_in("The Danish yard works for Ghana and for Kestrel.") == {"DK", "GH"}
    assert countries_in("They polish turkeys.") == frozenset()
    assert countries_in("") == frozenset()


def test_a_country_its_adjective_and_a_place_in_it() -> None:
    names = ("Denmark", "Danish", "Copenhagen", "Argentinian", "Georgia", "Djibouti", "Norland", "Scotland", "Scottish")
    assert [is_country(name) for name in names] == [True, True, False, True, True, True, False, False, False]
    assert [is_adjective(name) for name in names] == [False, True, False, True, False, False, False, False, True]
