"""The first lines of an article give its title, author, outlet and day if they are clear, and nothing else."""

from __future__ import annotations

import json

import pytest
from documents import docx, paragraph, pdf

from citewire.index.bylines import Byline, byline
from citewire.index.documents import Document
from citewire.index.formats import Request, read
from citewire.index.headlines import useful
from citewire.index.passages import is_boilerplate, sentences

HEAD = "Ferry to Holm Island stops for the winter"
TEXT = "The ferry to Holm Island stops on Monday, the company said. It carries 300 people a day."
WRAPPED = (
    "The ferry to Holm Island will stop for the whole of the winter, the company\nthat runs it has said. It carries "
    "300 people a day and 20 cars, and has done\nso for years. Nobody knows what comes in its place, as the bridge "
    "that was\npromised is not built. The council meets on Monday to speak about it again.\n"
)


def document(data: bytes | str, kind: str = ".txt") -> Document:
    (found,) = read(data.encode() if isinstance(data, str) else data, Request(kind, f"x{kind}"))
    assert isinstance(found, Document), found
    return found


def head(found: Document) -> tuple[str, str, str, str]:
    return found.title, found.author, found.outlet, found.published


@pytest.mark.parametrize(
    ("above", "author", "outlet", "published"),
    [
        (f"{HEAD}\nBy Anna Holm, Tarnby Courier, 3 May 2024\n\n", "Anna Holm", "Tarnby Courier", "2024-05-03"),
        (f"{HEAD}\nTarnby Courier, 3 May 2024\n\n", "", "Tarnby Courier", "2024-05-03"),
        (f"{HEAD}\nBy Anna Holm, Tarnby Courier, May 3, 2024\n", "Anna Holm", "Tarnby Courier", "2024-05-03"),
        (f"{HEAD}\r\nTarnby Courier | Friday, 3 May 2024, 10:30\r\n\r\n", "", "Tarnby Courier", "2024-05-03"),
        (f"{HEAD}\n\nThe owner blames the waves\n\nBy Anna Holm\n\n", "Anna Holm", "", ""),
        (f"{HEAD}\nBy Anna Holm and Per Lund, Political Editor\nTarnby Courier\n3 May 2024\n\n",
         "Anna Holm, Per Lund", "Tarnby Courier", ""),  # `build` reads a line with only a day
        (f"{HEAD}\nBy Anna Holm, Per Lund, and Jo Roe for The Orvik Times\n", "Anna Holm, Per Lund, Jo Roe",
         "The Orvik Times", ""),
        (f"{HEAD}\nBy Anna Holm, Dagens Nytt, 2024-05-03\n\n", "Anna Holm", "Dagens Nytt", "2024-05-03"),
        (f"{HEAD}\nBy Reuters, 3 May 2024 - updated 4 May 2024\n\n", "Reuters", "", "2024-05-03"),
        (f"{HEAD}\nBy Anna Holm, Cape Town, 3 May 2024\n\n", "Anna Holm", "", "2024-05-03"),  # a place is no outlet
        (f"{HEAD}\nBy Anna Holm in Addis Ababa, 3rd of May 2024\n\n", "Anna Holm", "", "2024-05-03"),
        (f"{HEAD}\nAnna Holm, 3 May 2024\n\n", "", "", "2024-05-03"),  # an author or something else
        (f"{HEAD}\nBy Anna Holm, Tarnby Courier, 03/04/2024\n\n", "Anna Holm", "Tarnby Courier", ""),  # March or April
        (f"{HEAD}\n\n", "", "", ""),
        (f"{HEAD}\n", "", "", ""),
        (f"{HEAD}\n\nThe owner blames the waves of November\n\n", "", "", ""),
    ],
)  # fmt: skip
def test_what_stands_above_the_text_is_its_head(above: str, author: str, outlet: str, published: str) -> None:
    found = document(above + TEXT)
    assert head(found) == (HEAD, author, outlet, published)
    assert found.text == above + TEXT


@pytest.mark.parametrize(
    "text",
    [
        f"{HEAD}, the company said.\n\n{TEXT}",
        f"{HEAD}.\nBy Anna Holm, Tarnby Courier, 3 May 2024\n\n{TEXT}",
        "The wind is in the trees tonight\nAnd all the boats are in\nThe bell has rung on Holm Island\nTo call us from "
        "the din",
        "Bread from the mill\nMilk and eggs\nA new lamp for the boat\nWool\n",
        "- Bread from the mill\n\nMilk and eggs and flour for the cake of my mother are needed.",
        f"Dear readers of the Courier\n\n{TEXT}",
        f"Dear Anna\nTarnby Courier, 3 May 2024\n\n{TEXT}",
        f"{HEAD}\nIt was on 3 May 2024 that the company said so\nand nobody had known.\n\n{TEXT}",
        f"{HEAD}\nBy the river, the ferry waits for its last guests\nof the year.\n\n{TEXT}",
        f"{HEAD}\nBy the river, 3 May 2024\nand nobody came.\n\n{TEXT}",
        f"May 2024 be kind to Orvik\n\n{TEXT}",
        f"May 3, 2024 Updated May 5, 2024\n\n{TEXT}",
        f"Anna Holm and Per Lund, Tarnby Courier\n\n{TEXT}",
        f"Staff and wire reports\n\n{TEXT}",
        f"Will the ferry to Holm Island come back?\n\n{TEXT}",
        f"harbour seen at dusk\n\n{TEXT}",
        f"He had been on the way to the\n\n{TEXT}",
        f"Follow us on every channel\n\n{TEXT}",
        WRAPPED,
        f"{HEAD}\n{WRAPPED}",
        HEAD,
    ],
)
def test_what_is_unsure_is_left_empty(text: str) -> None:
    found = document(text)
    assert head(found) == ("", "", "", "")
    assert found.text == text


@pytest.mark.parametrize(
    "line",
    [
        "By the river, 3 May 2024",
        "By 3 May 2024, Orvik",
        "By Easter",
        "By The River",
        "By Monday, Orvik and Lund will know",
        "By Anna Holm said nothing on 3 May 2024",
        "By Anna Holm.",
        "Holm Island Summer Festival, 12 July 2024",
        "The vote was on 3 May 2024",
        "3 May 2024 | 5 June 2024",
        "May 2024 be kind",
        "Tarnby Courier, May 2024",
        "Tarnby Courier",
        "Tarnby Courier, 31 June 2024",
    ],
)
def test_other_lines_are_no_bylines(line: str) -> None:
    assert byline(line) is None


def test_a_byline_stands_alone_and_is_no_sentence_that_answers() -> None:
    signed = "By Anna Holm, Tarnby Courier, 3 May 2024"
    assert byline(f"  {signed} ") == Byline("Anna Holm", "Tarnby Courier", "2024-05-03")
    assert byline("Lund, 3 May 2024") == Byline(published="2024-05-03")
    assert is_boilerplate(signed)
    assert not is_boilerplate("Lund, 3 May 2024")  # may be a stop of a tour
    text = f"{HEAD}\n{signed}\n{WRAPPED}"
    found = [text[span.start : span.end].replace("\n", " ") for span in sentences(text)]
    assert found[0] == HEAD
    assert found[1].startswith("The ferry to Holm Island will stop")
    assert not any(signed in sentence for sentence in found)
    assert head(document(text)) == (HEAD, "Anna Holm", "Tarnby Courier", "2024-05-03")


def test_what_is_stated_goes_before_the_first_lines() -> None:
    named = document(f"Title: Dam breaks\nDate: 2024-06-01\n\nBy Anna Holm, Tarnby Courier, 3 May 2024\n\n{TEXT}")
    assert head(named) == ("Dam breaks", "Anna Holm", "Tarnby Courier", "2024-06-01")
    pasted = json.dumps({"title": "", "text": f"{HEAD}\nTarnby Courier, 3 May 2024\n{TEXT}\nMore is not known."})
    assert head(document(pasted, ".jsonl")) == (HEAD, "", "Tarnby Courier", "2024-05-03")
    record = json.dumps({"title": "Dam breaks", "author": "Jo Roe", "text": f"{HEAD}\nBy Anna Holm\n{TEXT}"})
    assert head(document(record, ".jsonl")) == ("Dam breaks", "Jo Roe", "", "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"# Old Mill\n\n*By Anna Holm, Tarnby Courier, 3 May 2024*\n\n{TEXT}",
         ("Old Mill", "Anna Holm", "Tarnby Courier", "2024-05-03")),
        (f"# Old *Mill* saved\nTarnby Courier, 3 May 2024\n{TEXT}",
         ("Old Mill saved", "", "Tarnby Courier", "2024-05-03")),
        (f"Old Mill\n========\n\n{TEXT}", ("Old Mill", "", "", "")),
        (f"---\ntitle: Mill\n---\n# Old Mill\n\n{TEXT}", ("Mill", "", "", "")),
        (f"{TEXT}\n\n# Old Mill\n\n{TEXT}", ("", "", "", "")),
    ],
)  # fmt: skip
def test_the_heading_of_markdown_is_its_title(text: str, expected: tuple[str, str, str, str]) -> None:
    assert head(document(text, ".md")) == expected


def test_pages_word_files_and_pdfs_have_a_head_too() -> None:
    signed = "By Anna Holm, Tarnby Courier, 3 May 2024"
    expected = (HEAD, "Anna Holm", "Tarnby Courier", "2024-05-03")
    core = "<dc:title>Microsoft Word - ferry.doc</dc:title>"
    assert head(document(docx("".join(map(paragraph, (HEAD, signed, TEXT))), core), ".docx")) == expected
    printed = document(pdf([[HEAD, signed, TEXT[:59], TEXT[60:]]], {"Title": "about:blank"}), ".pdf")
    assert (head(printed), printed.text) == (expected, f"{HEAD}\n\n{signed}\n\n{TEXT}")
    page = f"<html><body><h1>{HEAD}</h1><p>{signed}</p><p>{TEXT}</p><p>{TEXT}</p></body></html>"
    assert head(document(page, ".html")) == expected


@pytest.mark.parametrize(
    "title",
    ["about:blank", "untitled", "Untitled document 2", "Microsoft Word - x.doc", "ferry.pdf", "my ferry.html",
     "https://orvik.example/ferry", "orvik.example/ferry", "www.orvik.example", "Document1", "PowerPoint Presentation"],
)  # fmt: skip
def test_a_title_that_a_program_wrote_is_none(title: str) -> None:
    assert useful(title) == ""


@pytest.mark.parametrize("title", ["Ferry to Orvik sold", "Document of the year", "Profit/loss of Lund Lines Inc."])
def test_other_titles_stay(title: str) -> None:
    assert useful(title) == title
