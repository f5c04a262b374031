"""A PDF gives its visible text in reading order, page by page."""

from __future__ import annotations

from bisect import bisect_right

import pytest
from attacks import HIDDEN_IN_PDFS, SECRET
from documents import drawn_pdf, layered_pdf, shown

from citewire.index.documents import Document
from citewire.index.formats import Request, read
from citewire.index.hyphens import joined

BEFORE, AFTER = "The ferry to Holm sank on Sunday.", "All on board were saved by fishermen."


def document(*pages: str) -> Document:
    (found,) = read(drawn_pdf(*pages), Request(".pdf", "x.pdf"))
    assert isinstance(found, Document), found
    return found


def paragraphs(*pages: str) -> list[str]:
    return document(*pages).text.split("\n\n")


def around(middle: str) -> str:
    return " ".join(paragraphs(shown(BEFORE, y=740) + middle + shown(AFTER, y=600)))


PICTURE = f"q 500 0 0 100 60 640 cm BI /W 40 /H 1 /BPC 8 /CS /G /F /AHx ID {'00FF' * 20}> EI Q "


@pytest.mark.parametrize("hidden", HIDDEN_IN_PDFS)
def test_what_a_pdf_hides_is_not_read(hidden: str) -> None:
    assert around(hidden) == f"{BEFORE} {AFTER}"


@pytest.mark.parametrize(
    "seen",
    [
        shown(SECRET),
        shown(SECRET, before="0.5 g"),
        "0 0 1 rg 60 690 400 30 re f " + shown(SECRET, before="1 g"),
        "0.9 g 60 690 400 30 re f " + shown(SECRET),
        PICTURE + shown(SECRET, before="3 Tr"),  # a scan with recognised text
        shown(SECRET) + "1 g 60 640 400 30 re f 0 g ",
        shown(SECRET) + "60 690 400 30 re S ",
        shown(SECRET, before="1 Tr"),
        "q 60 690 500 40 re W n " + shown(SECRET) + "Q ",
        "q 60 690 80 40 re W n " + shown(SECRET) + "Q ",
        "/Artifact BMC " + shown(SECRET) + "EMC ",
    ],
)
def test_what_a_pdf_shows_is_read(seen: str) -> None:
    assert around(seen) == f"{BEFORE} {SECRET} {AFTER}"


@pytest.mark.parametrize("shows", [True, False])
def test_a_layer_that_is_off_is_not_read(shows: bool) -> None:
    content = shown(BEFORE, y=740) + "/OC /L BDC " + shown(SECRET) + "EMC " + shown(AFTER, y=600)
    (found,) = read(layered_pdf(content, shows=shows), Request(".pdf", "x.pdf"))
    assert isinstance(found, Document), found
    assert " ".join(found.text.split("\n\n")) == " ".join([BEFORE, *[SECRET] * shows, AFTER])


# -- order --------------------------------------------------------------------------------------------------

LEFT = (
    "The council of Holm voted on the",
    "new ferry late on Tuesday night,",
    "and the mayor said that it would",
    "take two years to build the inter-",
)
RIGHT = (
    "national harbour that the ferry is",
    "to sail from in a few years. The",
    "old harbour will be closed and be",
    "made a park for all of the town.",
)
JOINED = (
    "The council of Holm voted on the new ferry late on Tuesday night, and the mayor said that it would take two years "
    "to build the international harbour that the ferry is to sail from in a few years. The old harbour will be closed "
    "and be made a park for all of the town."
)


def columns(*, by_row: bool, top: float = 700) -> str:
    left = [shown(text, 72, top - 14 * n) for n, text in enumerate(LEFT)]
    right = [shown(text, 320, top - 14 * n) for n, text in enumerate(RIGHT)]
    return "".join(a + b for a, b in zip(left, right, strict=True)) if by_row else "".join(left + right)


@pytest.mark.parametrize("by_row", [False, True])
def test_two_columns_are_read_one_after_the_other(by_row: bool) -> None:
    assert paragraphs(columns(by_row=by_row)) == [JOINED]


def test_a_headline_over_both_columns_comes_first() -> None:
    headline = shown("Holm votes for a new ferry and a harbour that all ships can use", 72, 750, 14)
    assert paragraphs(columns(by_row=True) + headline) == [
        "Holm votes for a new ferry and a harbour that all ships can use",
        JOINED,
    ]


def test_what_is_drawn_out_of_order_is_read_from_the_top() -> None:
    drawn = shown(AFTER, y=600) + shown(SECRET) + shown(BEFORE, y=740)
    assert " ".join(paragraphs(drawn)) == f"{BEFORE} {SECRET} {AFTER}"


def test_lines_that_stand_upright_stay_in_the_order_they_were_drawn_in() -> None:
    upright = (f"BT /F1 12 Tf 0 1 -1 0 {200 + 50 * n} 72 Tm ({text}) Tj ET " for n, text in enumerate((AFTER, BEFORE)))
    assert " ".join(paragraphs("".join(upright))) == f"{AFTER} {BEFORE}"


def test_a_table_is_not_taken_for_columns() -> None:
    rows = [("2019", "4"), ("2020", "5"), ("2021", "6"), ("2022", "7"), ("2023", "8")]
    drawn = "".join(shown(a, 72, 700 - 14 * n) + shown(b, 320, 700 - 14 * n) for n, (a, b) in enumerate(rows))
    assert paragraphs(drawn)[0].startswith("2019 4 2020 5")


FIRST = ("The mayor told the council that the harbour", "would be closed for a year, and that the men")
SECOND = ("who work there would be paid all the same.", "Nobody in the council spoke against that.")

THIRD = ("It is to be built from June on.", "No one knows what it will cost.")


def page_of(lines: tuple[str, ...], head: str = "", foot: str = "", note: str = "") -> str:
    drawn = "".join(shown(text, 72, 700 - 14 * n) for n, text in enumerate(lines))
    drawn += shown(head, 72, 760, 9) if head else ""
    drawn += shown(note, 72, 80, 8) if note else ""
    return drawn + (shown(foot, 300, 40, 9) if foot else "")


WHOLE = "The mayor told the council that the harbour would be closed for a year, and that the men who work there "
WHOLE += "would be paid all the same. Nobody in the council spoke against that."


@pytest.mark.parametrize(
    ("head", "foot"),
    [("The Holm Daily, 7 June 2022", "{}"), ("The Holm Daily", "Page {} of 2"), ("", "- {} -"), ("HOLM | {}", "")],
)
def test_running_heads_and_feet_do_not_cut_a_sentence(head: str, foot: str) -> None:
    pages = [page_of(lines, head.format(n), foot.format(n)) for n, lines in enumerate((FIRST, SECOND), 1)]
    assert paragraphs(*pages) == [WHOLE]


def test_a_footnote_does_not_cut_a_sentence() -> None:
    note = "1 The harbour was built in 1901."
    assert paragraphs(page_of(FIRST, note=note), page_of(SECOND)) == [note, WHOLE]


def test_pages_are_known() -> None:
    found = document(page_of(FIRST, "The Holm Daily", "1"), page_of(SECOND, "The Holm Daily", "2"), "", page_of(THIRD))

    def pages(words: str) -> tuple[int, int]:
        at = found.text.index(words)
        return bisect_right(found.pages, at), bisect_right(found.pages, at + len(words) - 1)

    assert pages("The mayor told") == (1, 1)
    assert pages("the men who work") == (1, 2)
    assert pages("who work there") == (2, 2)
    assert pages("Nobody in the council") == (2, 2)
    assert pages("It is to be built") == (4, 4)
    assert found.notes == ("1 of 4 pages hold no text, as scans do: 3",)


def test_pages_of_a_scan_are_said() -> None:
    found = document(page_of(SECOND), *[PICTURE] * 9)
    assert found.notes == ("9 of 10 pages hold no text, as scans do: 2 to 10",)
    assert found.pages == (0, *[len(found.text)] * 9)


# -- hyphens ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("halves", "seen", "word"),
    [
        ("inter-national", "", "international"),
        ("Mon-day", "", "Monday"),
        ("well-known", "", "well-known"),
        ("long-term", "", "long-term"),
        ("re-elected", "", "reelected"),
        ("re-elected", "re-elected", "re-elected"),
        ("Ky-iv", "", "Kyiv"),
        ("Kyrgyz-stan", "", "Kyrgyzstan"),
        ("Anglo-American", "", "Anglo-American"),
        ("water-house", "waterhouse", "waterhouse"),
    ],
)
def test_a_word_broken_at_the_end_of_a_line(halves: str, seen: str, word: str) -> None:
    before, _, after = halves.partition("-")
    assert joined(before, after, {seen}) == word


def test_hyphens_at_the_ends_of_lines_pages_and_columns() -> None:
    lines = ("It is a well-", "known fact that the inter-", "national rules are kept.")
    assert paragraphs(page_of(lines)) == ["It is a well-known fact that the international rules are kept."]
    assert paragraphs(page_of(("He sold it to an Ameri-",)), page_of(("can on Monday.",))) == [
        "He sold it to an American on Monday."
    ]


def test_a_headline_far_above_a_single_line_stays_apart() -> None:
    assert paragraphs(shown("Holm floods", size=18) + shown("It sank on Monday.", y=640)) == [
        "Holm floods",
        "It sank on Monday.",
    ]
    doubled = [shown(f"A line of a typescript {n},", y=700 - 29 * n) for n in range(3)]
    assert len(paragraphs("".join(doubled))) == 1


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        (("- Two ferries sank", "- Planes flew"), ["- Two ferries sank", "- Planes flew"]),
        (("In Holm:", "1. Open the", "door", "(2) Leave"), ["In Holm:", "1. Open the door", "(2) Leave"]),
        (("It rained in Holm on May", "5. It sank."), ["It rained in Holm on May 5. It sank."]),
        (("It rained in Holm", "- Lee says - now and", "- then"), ["It rained in Holm - Lee says - now and - then"]),
    ],
)
def test_items_of_a_list_stay_apart(lines: tuple[str, ...], wanted: list[str]) -> None:
    assert paragraphs("".join(shown(line, y=700 - 14 * n) for n, line in enumerate(lines))) == wanted


def test_rows_of_a_table_stay_apart() -> None:
    rows = ("Year", "Boats"), ("2020", "14"), ("2021", "15")
    table = "".join(shown(a, y=680 - 16 * n) + shown(b, 250, 680 - 16 * n) for n, (a, b) in enumerate(rows))
    assert paragraphs(shown(BEFORE) + table + shown(AFTER, y=632)) == [
        BEFORE,
        "Year Boats",
        "2020 14",
        "2021 15",
        AFTER,
    ]


def test_pages_that_are_alike_have_no_running_heads() -> None:
    pages = [shown(BEFORE) + shown(f"{n} of 3", 300, 40) for n in (1, 2, 3)]
    assert paragraphs(*pages) == [BEFORE] * 3
