"""index/duplicates.py: invented stories with copies and look-alikes; estimated similarities against exact ones."""

from __future__ import annotations

import hashlib
import os
import random
import re
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from citewire.index import duplicates
from citewire.index.duplicates import SIGNATURE_BYTES, Grouper, signature
from citewire.index.errors import IndexFormatError

STORY = """LONDON (Wire) - The harbour authority of Port Ellen said on Tuesday that it would close its oldest pier after
divers found cracks in 14 of 32 pillars, a blow to the fishing fleet that has used it since 1931.

"We would rather lose a season than a crew," said the harbour master, Isla Munro, who inspected the damage herself.

Repairs will cost 3.2 million pounds and take until the autumn of 2026, according to an engineering report that the
authority published on its website. The pier carried 1,150 landings last year, about a third of the island's catch.

Fishermen gathered outside the office in the rain. Several said that the authority had ignored warnings for years, and
that moving 41 boats to the northern quay would leave no room for the ferry in bad weather.

The government in Edinburgh promised to examine a request for aid, but gave no date. A spokeswoman said that similar
requests from 6 other islands were waiting for a decision, and that the fund for coastal works had been spent.

The ferry company said its timetable would not change before the spring, when a larger ship enters service.
"""
SAME_EVENT = """Boats on Islay have lost their main berth. Munro, who runs the port, ordered everyone off the old pier
this week when underwater checks showed that nearly half of the columns holding it up were split.

The structure was built between the wars and nobody here remembers the village without it. Skippers must now go to the
quay in the north, which the car ferry already shares. One owner called the decision late; others were relieved.

An estimate puts the bill above three million. Ministers have been asked to help and have not answered. Whether there is
money left for harbours is an open question, officials concede, since earlier storms emptied the budget.
"""
FOOTER = """
Sign up here for our daily newsletter and get the best stories of the day in your inbox every morning at no cost. The
Standards and Trust Principles of this house apply to all that we publish. Reporting by our correspondents in the
region; editing by the desk. Follow us on all channels, and write to the editors with corrections and with tips.
"""
FUEL = """The average price of petrol in the region rose by {a} pence to {b} pence a litre in the week to {day} June,
the motoring club said in its weekly report. Diesel cost {c} pence on average, against {d} pence in the week before. The
cheapest litre was sold in the north for {e} pence, the dearest in the capital for {f} pence. Of {g} stations surveyed,
{h} raised their prices and {i} lowered them. The club expects little change in the coming week, as the price of crude
oil stood at {j} dollars a barrel on the day of the survey. A full tank of 55 litres costs {k} pounds on average.
"""


def fuel(seed: int) -> str:
    dice = random.Random(seed)
    return FUEL.format(day=seed, **{name: dice.randrange(100, 999) for name in "abcdefghijk"})


def together(first: str, second: str) -> bool:
    grouper = Grouper([])
    return grouper.group("first", signature(first)) == grouper.group("second", signature(second))


PARAGRAPHS = STORY.split("\n\n")


@pytest.mark.parametrize(
    "copy",
    [
        STORY,
        "Old pier to close after divers find cracks\nBy A. Writer, The Island Gazette\n\n" + STORY,
        "\n\n".join(PARAGRAPHS[:4]),  # without the last third
        "\n\n".join(PARAGRAPHS[1:]),
        "\n\n".join(
            [*PARAGRAPHS[:2], "The Gazette could not reach the union on Sunday night for a word.", *PARAGRAPHS[2:]]
        ),
        STORY.replace('"', "”").replace(" - ", " — ").replace("\n", "  \n ").upper(),
        STORY.replace("1,150", "1150").replace("autumn", "au\u00adtumn"),
        STORY.replace("fishing fleet", "fleet").replace("Several said", "Some of them said").replace("rain", "drizzle"),
    ],
)
def test_a_copy_shares_its_group(copy: str) -> None:
    assert together(STORY, copy)
    assert together(copy, STORY)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (STORY, SAME_EVENT),
        (STORY + FOOTER, SAME_EVENT + FOOTER),
        (PARAGRAPHS[0] + FOOTER, PARAGRAPHS[4] + FOOTER),  # the footer is most of the text
        (fuel(5), fuel(12)),
        (STORY, "\n\n".join([STORY, SAME_EVENT, FOOTER, fuel(5), fuel(12), fuel(19)])),  # a round-up
        (STORY, PARAGRAPHS[1]),
    ],
)
def test_look_alikes_do_not_share_a_group(first: str, second: str) -> None:
    assert not together(first, second)
    assert not together(second, first)


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("Markets closed higher.", "MARKETS closed  higher", True),
        ("Markets closed higher.", "Markets closed higher today.", False),
        ("One two three four five six seven eight nine ten.", "One two three four five six seven eight nine.", False),
        ("★ ★ ★", "☆", False),
        ("東京都知事は火曜日に新しい計画を発表しました", "東京都知事は火曜日に新しい計画を発表しました。", True),
    ],
)
def test_short_texts_group_only_when_equal(first: str, second: str, same: bool) -> None:
    assert together(first, second) == same


def test_text_without_spaces_is_compared_by_characters() -> None:
    text = "東京都知事は火曜日に新しい防災計画を発表し、来年度の予算に盛り込む。専門家は早期の実施を求めている。"
    assert together(text, "【速報】" + text)


def test_the_nearest_article_gives_the_group() -> None:
    longer = STORY + FOOTER
    grouper = Grouper([("far", signature(longer)), ("near", signature(STORY + "\nMore follows."))])
    assert grouper.group("copy", signature(STORY)) == "near"


def test_a_new_group_depends_on_path_and_text_only() -> None:
    one = signature(STORY)
    expected = hashlib.sha256(b"a.txt\0" + one).hexdigest()[:16]
    assert Grouper([]).group("a.txt", one) == expected
    assert Grouper([("other", signature(SAME_EVENT))]).group("a.txt", one) == expected
    assert Grouper([]).group("b.txt", one) != expected


def test_known_articles_are_found_after_a_restart_and_many_more() -> None:
    stories = [fuel(seed) for seed in range(1, 29)]
    first = Grouper([])
    groups = [first.group(f"{i}", signature(story)) for i, story in enumerate(stories)]
    assert len(set(groups)) == len(stories)
    dice = random.Random(0)
    noise = [(f"noise {i}", dice.randbytes(SIGNATURE_BYTES)) for i in range(5_000)]
    again = Grouper([*noise, *zip(groups, map(signature, stories), strict=True)])
    for i in range(600):  # more than the table has room for, so that it grows
        again.group(f"more {i}", dice.randbytes(SIGNATURE_BYTES))
    assert [again.group("copy", signature("Fuel\n" + story)) for story in stories] == groups


@given(st.lists(st.text(max_size=40), max_size=20).map(" ".join))
def test_any_text_has_a_signature_and_is_a_copy_of_itself(text: str) -> None:
    assert len(signature(text)) == SIGNATURE_BYTES
    assert together(text, text)
    assert together(text, f"  {text}\n")


@pytest.mark.slow
def test_signatures_do_not_depend_on_the_process() -> None:
    """A fixed digest, to notice when another version of Python, numpy or datasketch changes signatures."""
    code = "import sys; from citewire.index.duplicates import signature; print(signature(sys.argv[1]).hex())"
    printed = subprocess.run(
        [sys.executable, "-c", code, STORY],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONHASHSEED": "7"},
    ).stdout
    assert bytes.fromhex(printed) == signature(STORY)
    assert (
        hashlib.sha256(signature(STORY)).hexdigest()
        == "152926113a3791e268999904656f062a1a9aeda2d2073fdf5ce35625c18598ee"
    )


@pytest.mark.parametrize("size", [0, SIGNATURE_BYTES - 1, SIGNATURE_BYTES + 1])
def test_a_signature_of_another_length(size: int) -> None:
    with pytest.raises(IndexFormatError, match=rf"a signature has {size} bytes"):
        Grouper([("group", bytes(size))])
    with pytest.raises(IndexFormatError, match=rf"a signature has {size} bytes"):
        Grouper([]).group("path", bytes(size))


def test_estimates_are_near_the_sets_themselves() -> None:
    """Within four standard errors of 192 permutations, for overlaps from 0 to 1."""
    dice = random.Random(3)
    words = [f"w{number}x" for number in range(5_000)]
    first = dice.sample(words, 600)
    for kept in (0, 150, 300, 450, 600):
        second = first[:kept] + dice.sample(words, 600 - kept)
        sets = [{tuple(text[i : i + 3]) for i in range(598)} for text in (first, second)]
        true = len(sets[0] & sets[1]) / len(sets[0] | sets[1])
        rows = [np.frombuffer(signature(" ".join(text)), np.uint8)[24 : 24 + 192] for text in (first, second)]
        estimate = float(duplicates._jaccard(rows[0][None], rows[1])[0])
        assert abs(estimate - true) <= 4 * max(0.005, (true * (1 - true) / 192) ** 0.5)


def test_figures_of_a_text() -> None:
    words = duplicates._words("On Tuesday 1,150.5 boats, two of them new, sailed in June; it may rain. Q4 in ４ ports.")
    figures = [word for word in words if re.fullmatch(duplicates._FIGURE, word)]
    assert figures == ["tuesday", "11505", "two", "june", "q4", "4"]
