"""An answer while it is written: its text, citation numbers, and shown and withheld claims."""

from __future__ import annotations

import time

from citewire.index.types import Hit, Passage, Span
from citewire.qa.claims import Judgement, Place
from citewire.qa.telling import Telling
from citewire.qa.types import Checked, Claim, Quote, Searched

FERRY = Place("ferry.txt", Span(0, 20), "Lund runs 14 ferries")
BRIDGE = Place("bridge.txt", Span(5, 30), "the bridge cost 40 million")


def supported(*places: Place) -> Judgement:
    return Judgement("supported", 0.9, "", places)


UNSUPPORTED = Judgement("unsupported", 0.1, "15 is not in the quote", ())


def test_a_paragraph() -> None:
    told = Telling("How many?")
    told.add("Lund runs 14\n ferries.", supported(FERRY))
    told.add("The bridge cost more.", supported(BRIDGE, FERRY))
    time.sleep(0.001)  # times are rounded to this
    answer = told.answer("answered", "scripted", 3)
    assert answer.text == "Lund runs 14 ferries. [1] The bridge cost more. [2][1]"
    assert (answer.question, answer.status, answer.model, answer.index_generation) == (
        "How many?",
        "answered",
        "scripted",
        3,
    )
    assert answer.articles == ("ferry.txt", "bridge.txt")
    assert (answer.as_of, answer.kind, answer.lead, answer.listed, answer.offered) == (
        "",
        "fact",
        "",
        False,
        (),
    )
    assert 0 < answer.timings.total_s < 60


def test_a_list_with_a_lead() -> None:
    told = Telling("What is there?", kind="corpus", lead="There are 2 articles.", listed=True, offered=("Who?",))
    told.quote(FERRY, "Ferries: Lund runs 14 ferries")
    told.quote(BRIDGE)
    answer = told.answer("answered", "scripted", 1)
    assert answer.text == (
        "There are 2 articles.\n- Ferries: Lund runs 14 ferries [1]\n- the bridge cost 40 million [2]"
    )
    assert (answer.kind, answer.lead, answer.listed, answer.offered) == (
        "corpus",
        "There are 2 articles.",
        True,
        ("Who?",),
    )


def test_a_lead_alone_and_words_in_place_of_claims() -> None:
    told = Telling("hello", lead="Hello!")
    assert told.answer("answered", "scripted", 1).text == "Hello!"
    told.add("Lund runs 14 ferries.", supported(FERRY))
    assert told.answer("failed", "scripted", 1, text="It went away.").text == "It went away."
    assert len(told.answer("failed", "scripted", 1).claims) == 1


def test_one_number_for_one_quote() -> None:
    told = Telling("How many?")
    first = told.add("Lund runs 14 ferries.", supported(FERRY))
    again = told.quote(FERRY)
    other = told.quote(Place("ferry.txt", Span(0, 19), "Lund runs 14 ferrie"))
    assert [quote.n for event in (first, again, other) for quote in event.claim.quotes] == [1, 1, 2]
    assert first.claim.quotes == (Quote(1, "ferry.txt", 0, 20, "Lund runs 14 ferries"),)


def test_what_no_quote_supports_is_withheld_or_shown() -> None:
    for withholds, text in ((True, ""), (False, "Lund runs 15 ferries.")):
        told = Telling("How many?", withholds=withholds)
        event = told.add("Lund runs 15 ferries.", UNSUPPORTED)
        assert event == Checked(
            Claim("Lund runs 15 ferries.", "unsupported", 0.1, "15 is not in the quote", not withholds, ())
        )
        assert told.shown == ([] if withholds else [event.claim])
        assert told.answer("partial", "scripted", 1).text == text


def test_a_gap_is_shown_whatever_is_withheld() -> None:
    told = Telling("How many?")
    claim = told.gap("I found no sentence that tells of lighthouses").claim
    assert (claim.verdict, claim.shown, claim.quotes, claim.reason) == (
        "unsupported",
        True,
        (),
        "no passage answers it",
    )
    assert told.answer("partial", "scripted", 1).text == "I found no sentence that tells of lighthouses"


def test_what_is_quoted_already() -> None:
    told = Telling("How many?")
    told.add("Lund runs 15 ferries.", Judgement("unsupported", 0.1, "", (BRIDGE,)))
    told.quote(FERRY)
    assert told.quotes("ferry.txt", Span(10, 25))
    assert not told.quotes("ferry.txt", Span(20, 25))
    assert not told.quotes("bridge.txt", Span(5, 30))  # only a withheld claim quotes it


def test_what_was_found() -> None:
    passage = Passage("ferry.txt", 0, 20, "Lund runs 14 ferries", (Span(0, 20),))
    told = Telling("How many?", standalone="How many ferries?", kind="list", listed=True)
    event = told.searched([Hit(passage, 0.123456789, 0.5, 1.0)])
    assert event == Searched("How many ferries?", told.hits, "list", "", listed=True)
    (hit,) = told.answer("answered", "scripted", 1).hits
    assert (hit.article, hit.start, hit.end, hit.score, hit.text) == (
        "ferry.txt",
        0,
        20,
        0.123457,
        "Lund runs 14 ferries",
    )


def test_times_are_kept_beside_each_other() -> None:
    told = Telling("How many?")
    told.time(retrieve_s=0.5)
    told.time(check_s=0.25)
    timings = told.answer("answered", "scripted", 1).timings
    assert (timings.retrieve_s, timings.check_s, timings.generate_s) == (0.5, 0.25, 0.0)
