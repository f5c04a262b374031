"""What a line means after earlier turns, and which standalone questions it may stand for."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scored import records, words

from citewire.qa.followup import Meant, follow_up, leans, refused, resolve, topic
from citewire.qa.replies import NO_MORE, NOT_FOR_IT, TALK, UNMENTIONED
from citewire.qa.types import REFUSAL, Turn

RIGHT = 0.95  # least share of records with the right question among the first three
FIRST = 0.85  # least share with the right question first
MEANT = 0.95  # least share of lines with the right kind, first question and sentence asked about
RECORDS = records("followups.jsonl")
RUNS = Turn("Who runs Orvik Foods?", "Ines Moreau runs Orvik Foods [1].")
CLOSED = Turn("When did Brask close its mill?", "Brask closed its mill in March 2022 [1].")


@pytest.mark.slow
def test_the_right_question_is_among_the_first_three() -> None:
    first, wrong = 0, []
    for record in RECORDS:
        found = follow_up(record["question"], [Turn(*turn) for turn in record["history"]])
        right, asked = words(record["standalone"]), [words(q) for q in found[:3]]
        first += asked[0] == right
        if right not in asked:
            wrong.append((record["question"], found))
    assert len(wrong) <= (1 - RIGHT) * len(RECORDS), wrong
    assert first >= FIRST * len(RECORDS)


def test_lines_are_understood() -> None:
    lines = records("turns.jsonl")
    wrong = []
    for line in lines:
        meant = resolve(line["line"], [Turn(*turn) for turn in line["history"]], line["intent"])
        said = meant.said[0] if meant.said else ""
        if (meant.kind, words(meant.candidates[0]), said) != (line["kind"], words(line["question"]), line["said"]):
            wrong.append((line["line"], meant))
    assert len(wrong) <= (1 - MEANT) * len(lines), wrong


def test_a_bare_line_is_also_of_what_was_asked_last() -> None:
    dismissed = Turn("who did orvik foods dismiss", "Orvik Foods dismissed Ines Moreau on Monday [1].")
    assert "why (who did orvik foods dismiss)?" in follow_up("why?", [dismissed], elliptic=True)
    assert not any("(who did" in one for one in follow_up("why did they do that?", [dismissed], elliptic=True))


def test_no_reading_is_long_where_another_is_short() -> None:
    told = (
        "Orvik Foods dismissed its chief Ines Moreau on Monday, according to several reports, among them one of the "
        "Norland Gazette that cites three people who are close to the board of the company [1]."
    )
    found = follow_up("and why?", [Turn("who did orvik foods dismiss", told)], elliptic=True)
    assert all(len(one.split()) <= 20 for one in found), found


def test_more_is_asked_on_the_topic_behind_other_follow_ups() -> None:
    turns = [
        CLOSED,
        Turn("tell me more", "The mill was old [1]. Wood was dear [2]."),
        Turn("thanks", TALK["thanks"]),
    ]
    told = ("Brask closed its mill in March 2022.", "The mill was old.", "Wood was dear.")
    assert resolve("go on", turns, "more") == Meant("more", ("When did Brask close its mill?",), told)


def test_the_sentence_that_shares_words_with_the_line_comes_first() -> None:
    turn = Turn("Who runs Orvik Foods?", "Ines Moreau runs Orvik Foods [1]. She was appointed in 2019 [2].")
    meant = resolve("who said she was appointed?", [turn], "who_said")
    assert meant.said == ("She was appointed in 2019.", "Ines Moreau runs Orvik Foods.")


def test_a_quoted_question_is_not_offered() -> None:
    turn = Turn("What did she ask?", "“Who pays for this?” she asked [1].\nWho will pay? [2]\n- Who runs Tandem?")
    assert resolve("yes", [turn], "agree") == Meant("agree", ("Who runs Tandem?",))


def test_what_leans_on_nothing_is_told() -> None:
    assert resolve("and in 2023?", [], "elliptic") == Meant("nothing", ("and in 2023?",))
    assert resolve("hello", [], "") == Meant("question", ("hello",))


def test_two_questions_mean_the_same_thing() -> None:
    found = follow_up("Where is it based and how many people does it employ?", [CLOSED])
    assert found[0] == "Where is Brask based and how many people does Brask employ?"


def test_what_was_spoken_of_stands_behind_a_line() -> None:
    turn = Turn("Who owns the Vire ferry?", "Norsund Lines owns the Vire ferry [1].")
    found = follow_up("When was the ferry built?", [turn])
    assert found == ("When was the ferry built?", "When was the ferry built (the Vire ferry, Norsund Lines)?")
    assert follow_up("How strong was the storm there?", [turn])[0].endswith("there (the Vire ferry, Norsund Lines)?")


def test_a_question_that_names_nothing_leaves_the_topic_before_it() -> None:
    owner = Turn("Who owns the Vire ferry?", "Norsund Lines owns the Vire ferry [1].")
    turns = [owner, Turn("When was that?", "The Harbour Office announced it in May 2021 [1].")]
    assert follow_up("Which repairs were needed?", turns)[1].endswith("needed (the Vire ferry, Norsund Lines)?")


def test_a_person_is_put_in_the_place_of_a_pronoun_without_a_title_in_small_letters() -> None:
    turn = Turn("Who won the race?", "Former champion Ines Moreau beat the sailor Karl Voss [1].")
    assert follow_up("ok and how old is she", [turn])[:2] == ("How old is Ines Moreau?", "How old is Karl Voss?")


def test_a_line_whose_pronoun_can_mean_something_is_never_searched_alone() -> None:
    assert "When was it founded?" not in follow_up("When was it founded?", [RUNS])


def test_keywords_are_searched_as_they_are_before_they_are_joined() -> None:
    assert follow_up("kite kettle price", [CLOSED])[0] == "kite kettle price"
    assert follow_up("Tandem?", [CLOSED], elliptic=True)[0] == "When did Tandem close its mill?"


def test_a_pronoun_is_a_person_or_a_thing() -> None:
    assert follow_up("When was she appointed?", [RUNS])[0] == "When was Ines Moreau appointed?"
    assert follow_up("When was it founded?", [RUNS])[0] == "When was Orvik Foods founded?"


def test_a_fragment_exchanges_what_is_of_its_kind() -> None:
    earlier = Turn("How much did the Merlin kettle cost in 2021?", "It cost 40 euros in 2021 [1].")
    assert follow_up("and in 2023?", [earlier])[0] == "How much did the Merlin kettle cost in 2023?"
    assert follow_up("What about the Kite kettle?", [earlier])[0] == "How much did the Kite kettle cost in 2021?"


def test_a_question_word_alone_asks_again() -> None:
    assert follow_up("Why?", [CLOSED])[0] == "Why did Brask close its mill?"
    answered = Turn("Who closed the mill?", "Brask closed the mill in March [1].")
    assert follow_up("Why?", [answered])[0] == "Why did Brask close the mill in March?"


def test_a_question_that_stands_alone_comes_first() -> None:
    text = "Where is the Vire tunnel?"
    assert not leans(text)
    assert follow_up(text, [RUNS])[0] == text


def test_without_history_there_is_only_the_text() -> None:
    assert follow_up("And why?", []) == ("And why?",)


@pytest.mark.parametrize(
    "said",
    [f"{REFUSAL} The nearest passage is about Tandem.", UNMENTIONED.format("Brask"), NO_MORE, *NOT_FOR_IT.values()],
)
def test_a_refused_turn_is_no_context(said: str) -> None:
    turn = Turn("How many kettles did Brask sell?", said)
    for text in ("Where is it based?", "and why?"):
        assert follow_up(text, [turn]) == (text,)
        assert follow_up(text, [RUNS, turn]) == follow_up(text, [RUNS]) != (text,)
    assert resolve("tell me more", [turn], "more").kind == "nothing"
    assert resolve("tell me more", [RUNS, turn], "more") == resolve("tell me more", [RUNS], "more")
    assert topic([RUNS, turn]) == RUNS.question


def test_a_refusal_can_be_doubted() -> None:
    turn = Turn("How many kettles did Brask sell?", REFUSAL)
    assert resolve("are you sure?", [RUNS, turn], "doubt").kind == "nothing"
    assert (refused([RUNS, turn]), refused([turn, RUNS]), refused([])) == (True, False, False)
    assert resolve("are you sure?", [turn, RUNS], "doubt").said == ("Ines Moreau runs Orvik Foods.",)


def test_earlier_turns_are_made_to_stand_alone() -> None:
    turns = [RUNS, Turn("When was she appointed?", "She was appointed in 2019 [1].")]
    assert follow_up("Where did she study?", turns)[0] == "Where did Ines Moreau study?"


@pytest.mark.parametrize(
    ("text", "leaning"),
    [
        ("Who said that?", True),
        ("the second one?", True),
        ("How many people live there?", True),
        ("How many did Lund sell?", True),
        ("and in 2023?", True),
        ("Why?", True),
        ("What about Lund?", True),
        ("Is it true that Brask closed its mill?", False),
        ("Did Brask sell its mill?", False),
        ("Who is the new chair of Brask and when was she elected?", False),
        ("Who says that he was elected?", True),
        ("Is there a mill in Halden?", False),
        ("How much did Brask earn this year?", False),
        ("What did Paul Okafor say about the report that Brask wrote?", False),
    ],
)
def test_what_leans_on_what_was_said_before(text: str, leaning: bool) -> None:
    assert leans(text) is leaning


@settings(max_examples=60)
@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_any_text_has_a_question_and_at_most_four(text: str, question: str, answer: str) -> None:
    assert 1 <= len(follow_up(text, [Turn(question, answer)])) <= 4


def test_a_bare_line_after_a_refusal_is_about_what_was_refused() -> None:
    turns = [CLOSED, Turn("Who was the king of Orm?", REFUSAL)]
    assert resolve("and why?", turns, "elliptic").kind == "nothing"
    assert resolve("and when did it close?", turns, "elliptic").kind == "question"
    assert resolve("and why?", turns[:1], "elliptic").kind == "question"


def test_a_dateline_is_no_part_of_a_name() -> None:
    told = Turn("What is the news about Brask?", "- Lund (CNN Business) Brask is closing its red mills. [1]")
    assert "CNN" not in " ".join(follow_up("what about other mills?", [told]))
