from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from citewire.index.articles import read_articles
from citewire.index.passages import count_words, is_boilerplate, passages, searched_text, sentences
from citewire.index.types import Article
from citewire.seeds import seeds_folder


def article(text: str) -> Article:
    return Article("a.txt", text, "0" * 64)


def quotable(text: str, max_words: int = 110) -> list[str]:
    return [text[span.start : span.end] for span in sentences(text, max_words)]


# -- sentences ----------------------------------------------------------------------------------------------


def test_offsets_count_code_points_and_spans_have_no_white_space_around() -> None:
    text = (
        "  He said “hello 😀 friend.”  Then é e\u0301 left.\r\n"
        "👨\u200d👩\u200d👧 came home! Mr. Smith paid $1.5 million.  "
    )
    assert quotable(text) == [
        "He said “hello 😀 friend.”",
        "Then é e\u0301 left.",
        "👨\u200d👩\u200d👧 came home!",
        "Mr. Smith paid $1.5 million.",
    ]


def test_other_white_space_after_an_initial_is_no_trouble() -> None:
    text = "Martin A\u00a0. Holm wrote it. J\u3000. Doe read it."
    assert " ".join(quotable(text)) == text


def test_a_dot_inside_a_name_ends_no_sentence() -> None:
    assert quotable("It stood on Harbour.News today.") == ["It stood on Harbour.News today."]
    assert quotable("They walked for 40 days.So far, few came.") == ["They walked for 40 days.", "So far, few came."]


@pytest.mark.parametrize(
    "text",
    [
        "Trading stopped at 10:15 a.m. ET.|It went on at 1 p.m.|The index fell.",
        "The vote is at 7 p.m. GMT on Monday.|It was put off from 9 a.m. Sunday.",
        "They meet at 4 p.m. (1500 GMT) in Holm.|NATO comes too.",
        "“Will it rain?” asked Ms. Tarn.|Nobody knew.",
        "It cut the rate by 0.5 pct. points to 2 pct.|The krona fell.",
        "It earned 7 mln. euros and 5 bn. yen.|Sales fell.",
        "It is a 10 min. walk and 5 km. long.",
        "Approx. 70 ships, est. 1990, left.|Max. 5 stayed, incl. 3 of Holm.",
        "It cost approx. $40 and avg. 3 more.",
        "Mx. Tarn met Atty. Gen. Holm, Amb. Dee and Supt. Roe.|Cllr. Poe came with Sens. Lee and Kim.",
        "1. Close the valve.|2. Open the door.|(3) Wait.",
        "a. Close the valve.|II. Open the door.",
        'She smiled at the dog.|"Come here," she said.',
        "He stayed in the U.S.|The bank did not.|The U.S. Navy left.",
        "It works for Acme Inc.|Others do not.",
        "Sales grew.|iPhone sales fell.",
        "He said no.|Five people left.",
        "Sales were up 3 pct.|The bank cut rates.",
        "It met on Mon. and Tues. of last week.|It voted.",
        "Ex-Gov. Lee and Vice-Pres. Holm came.|(It was late.)|They left.",
        "“We lost. Is that so?” he asked.|Nobody knew.",
        "Dr. No is a film.|It is old.",
        "It fell in May.¹|It rose in June.[2]|It stays.³|He left.",
        "They came from Calif. and Mass. to vote.",
        "The total incl. VAT, cf. Holm 2020, was 5.|Viz. Smith.",
        "Pop. 5,000 in 1990, it grew.",
        "Max. speed is 90 km/h.|Min. speed is 5.",
        "They sold apples, pears, etc.|Nobody bought any.",
        "It was a 10-min. walk.|We ran.",
        "“Who will pay?” Amb. Lee asked.|“It’s over!” Mr. Holm said.|'Now?' Anna Holm, the mayor, asked the council.",
        "“Now?” I asked.|“Never!” Prime Minister Anna de la Holm told reporters on Friday.|“Yes?” he asked.",
        "“Will you pay?”|Dee said no.|“Now?”|Lee said on Friday that he would.|“Now?”|Lee said: “Never.”",
        "The sign read “No entry!”|Smith continued on the road.|The song is “Help!”|Holm wrote in 1965.",
        "It opens at 4 p.m. Hong Kong time.|It shut at 5 p.m. New York time on Friday.|It met at 6 p.m. Christmas Day.",
        "It opens at 4 p.m.|London woke.|It shut at 5 p.m.|This time it rained.",
        "Br. Lee, Dep. Holm, Cpt. Dee, Cdr. Roe, Const. Poe and Ambs. Kim and Tarn met.|He left BP.|Holm did not.",
        "The Natl. Guard and Int’l. Paper came from Ste. Anne.|Cols. Lee and Wm. Dee met Bp. Holm, dep. mayor.",
        "It cut 25 bp.|The euro fell 9 mts.|Holm wept.|In 2020 Lts. Dee and Lee left Tarn Intl.|The firm is big.",
        "It was 40 deg. C in May.|It is 5 deg. C.|It rose 3 deg.|It fell.|He saw lat. 40 deg. N.",
        "Ms. Poe—Mrs. Dee said so.|Ms. Poe/Mr. Dee did too.",
        "(See p. 5.)|It is there.|[It rose 5%.]|It fell.|(He said no.|It was so.)|They left.|(Mrs.) Holm came.",
        "(See p. 5.)|It is there.|(See no. 7.)|“We won!” Dr. Dee of the University of Holm shouted as she ran.",
        "Tarn et al. (University of Holm) met (8 p.m.) Friday.|Dee vs. (The team) Tarn.|A (et al.) Lee, 1950 d. Dee.",
        "He earns $5 m.|The firm pays.|It weighs 5 g.|“It is light,” he said.|In 2020 J. Smith came.",
        'They do it to us, he said: ‘We do it to them.’’|She left.|“It is far-fetched. ”|Nobody knew.|It ended. "',
        'He read "various fictions. "|Nobody knew.|He left.|" They took it," she said.|"We did not."',
        'He said "They asked ‘What is it?\' " Holm said so.|It was at Tarn Works! annual meeting.',
        "It left Holmton-St. Lee at noon.|The Dee-Ft. Roe line is old.|It is in Harbour St.|The road ended.",
        "It has 46 sq. m.|It is new.|It is example.Com or so.|'How did it sink?': a long night at sea.",
        "Sales rose to $8.1 million, up 6.2% year-over-year.|Total 2020 sales came to $31.4 million, up 9.3%.",
    ],
)
def test_sentences_end_where_they_end(text: str) -> None:
    assert quotable(text.replace("|", " ")) == text.split("|")


def test_a_bullet_is_no_part_of_its_sentences() -> None:
    text = "  • Strong growth came. However, it is not sure.\n- A second point follows.\n-5% was the change."
    assert quotable(text) == [
        "Strong growth came.",
        "However, it is not sure.",
        "A second point follows.",
        "-5% was the change.",
    ]


def test_tags_and_addresses_after_the_end_of_a_sentence_are_cut_off() -> None:
    text = "Kestrel pairs its lagers with music.#Kestrel #Beerhttps://t.co/Q7x\nIt ranked #1. It likes #Beer."
    assert quotable(text) == ["Kestrel pairs its lagers with music.", "It ranked #1.", "It likes #Beer."]


def test_hard_wrapped_lines_are_one_paragraph() -> None:
    text = (
        "The company said on Monday that it would sell its unit to\n"
        "Kestrel for two million dollars, which is less than it had\n"
        "hoped to get for it. The sale is planned for the end of the\n"
        "year.\n\nNothing else was said by anyone at the company on Monday,\n"
        "not even on request.\n"
    )
    assert [sentence.replace("\n", " ") for sentence in quotable(text)] == [
        "The company said on Monday that it would sell its unit to Kestrel for two million dollars, "
        "which is less than it had hoped to get for it.",
        "The sale is planned for the end of the year.",
        "Nothing else was said by anyone at the company on Monday, not even on request.",
    ]


def test_a_headline_above_its_text_is_not_joined_with_it() -> None:
    assert quotable("Kestrel Moves Its Brewery to Orvik\nThe company said so.") == [
        "Kestrel Moves Its Brewery to Orvik",
        "The company said so.",
    ]


def test_short_headings_are_not_quotable_but_figures_are() -> None:
    assert quotable("Harbour Works\nRevenue: $77.5 million\nIt grew.") == [
        "Revenue: $77.5 million",
        "It grew.",
    ]


def test_a_repeated_title_and_the_title_of_the_tab_count_once() -> None:
    title = "Kestrel Sells Shops to Pay for Its New Brewery"
    assert quotable(f"{title} | City Desk | Beer.News\n\n{title}\n\n{title}\nIt did.") == [
        title,
        "It did.",
    ]


def test_a_text_of_nothing_but_short_lines_is_still_quotable() -> None:
    assert quotable("Beer up\nSource\n") == ["Beer up", "Source"]


def test_a_sentence_over_the_limit_is_cut_after_a_clause_or_a_word() -> None:
    assert quotable("one two three, four five six seven", max_words=4) == [
        "one two three,",
        "four five six seven",
    ]
    assert quotable("one two three four five six", max_words=4) == ["one two three four", "five six"]
    assert quotable("x" * 90, max_words=2) == ["x" * 40, "x" * 40, "x" * 10]


# -- boilerplate --------------------------------------------------------------------------------------------


FURNITURE = """
Got a story? Email us at desk@beer.example
Your shop on this page: contact us via ads@beer.example.
Advertisement
ADVERTISEMENT
Story continues below
Share this article
Share on Facebook
The link has been copied!
Link copied to clipboard
Copy link
Follow us on Google News
Sign up for our daily newsletter
Subscribe to our newsletter!
Click here to read the full report
Read more: Beer falls again
Related: Brewers move abroad
— AnaRuiz77 (@RuizAna77) May 14, 2023
— Beernews.example (@beernews) November 2, 2022
#Kestrel #Beer
https://t.co/9A12bCdeFG
@BrewTalk24
pic.twitter.com/abc #BEER
The post Brewers Fall, and Cider Too appeared first on Beernews.
The post A first appeared on B.
Latest Update
8/17/2023 4:06:12 PM
Last updated: June 3, 2024 at 10:15 UTC
March 4, 2024
NEW
Source
Analysis
Image: Shutterstock
Copyright 2024 Example Media
Photo credit: Getty Images
© 2024 Example Media
All rights reserved.
3 min read
* * *
-----
"""


@pytest.mark.parametrize("line", FURNITURE.strip().splitlines())
def test_furniture_of_a_page_is_recognised(line: str) -> None:
    assert is_boilerplate(line)
    text = f"The company shut its unit.\n{line}\nIt keeps the other one."
    assert quotable(text) == ["The company shut its unit.", "It keeps the other one."]


NEWS_LINES = """
Share prices fell on Monday.
The post office said that sales rose.
The post was deleted on Monday.
Sources said the deal was off.
New York wins.
Related companies lost 3%.
No.
Why?
Advertisement revenue fell by 4%.
He posted it on X on May 14, 2023.
She wrote to us at home.
Two people died in the Holm fire on Monday. Email us at news@beer.example
Send comments to Anna Holm, desk@beer.example
The ministry said that it would contact us at noon.
Image processing is slow.
Revenue: $77.5 million
— That is what she said (in 2024).
2019 exports reached $312.6 million.
Follow the money.
Copyright law changed in 2024, and the minister said so in a speech to parliament before a vote on the bill.
"""


@pytest.mark.parametrize("line", NEWS_LINES.strip().splitlines())
def test_news_is_not_taken_for_furniture(line: str) -> None:
    assert not is_boilerplate(line)


# -- passages -----------------------------------------------------------------------------------------------


def test_passages_cross_paragraphs_and_repeat_the_last_sentence() -> None:
    text = "One two three.\n\nFour five six.\nAdvertisement\nSeven eight nine.\nTen eleven twelve."
    found = passages(article(text), max_words=7)
    assert [passage.text for passage in found] == [
        "One two three.\n\nFour five six.",
        "Four five six.\nAdvertisement\nSeven eight nine.",
        "Seven eight nine.\nTen eleven twelve.",
    ]
    assert searched_text(text, found[1]) == "Four five six. Seven eight nine."


def test_a_heading_goes_with_what_follows_it() -> None:
    text = "One two three four five.\nA Heading\nSix seven eight."
    assert [passage.text for passage in passages(article(text), max_words=8)] == [
        "One two three four five.",
        "A Heading\nSix seven eight.",
    ]


def test_passages_cover_what_can_be_quoted_of_the_seeds() -> None:
    for seed in (one for one in read_articles([seeds_folder()]) if isinstance(one, Article)):
        found = passages(seed)
        covered = {span for passage in found for span in passage.sentences}
        assert covered == set(sentences(seed.text))
        assert max(count_words(passage.text) for passage in found) <= 110


PIECES = (
    "A sentence of news. |“Quoted,” he said. |"
    "Mr. A.\u00a0|J\u2009.|\n|\r\n|\n\n|Heading|• |Share this article|#tag |"
    "https://t.co/x |😀|e\u0301|中文。|1.5 million, |"
    "word word word word word |xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx|"
    "\u2028|\x85|\x0c|“|”|... |! |A - B|— N (@n) May 1, 2024\n"
)
NEWS = st.lists(st.sampled_from(PIECES.split("|")), max_size=40).map("".join)


@pytest.mark.slow
@settings(max_examples=300)
@example("“Quoted,” he said. ”#tag ", 1)
@given(st.one_of(NEWS, st.text(max_size=200)), st.integers(min_value=1, max_value=30))
def test_offsets_are_exact_for_any_text(text: str, max_words: int) -> None:
    wanted = sentences(text, max_words)
    found = passages(article(text), max_words)
    assert bool(wanted) == bool(text.strip())
    for spans in (wanted, *(passage.sentences for passage in found)):
        assert all(before.end <= after.start for before, after in pairwise(spans))
    for span in wanted:
        words = text[span.start : span.end]
        assert words
        assert words == words.strip()
        assert count_words(words) <= max_words
    for passage in found:
        assert passage.text == text[passage.start : passage.end]
        assert count_words(passage.text) <= max_words
        assert passage.sentences
        assert passage.start <= passage.sentences[0].start
        assert passage.sentences[-1].end == passage.end
    assert {span for passage in found for span in passage.sentences} == set(wanted)
    starts = [passage.start for passage in found]
    assert starts == sorted(set(starts))
