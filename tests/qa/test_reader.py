"""The trained reader with its real weights: properties that hold for any weights, and clear cases."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from readers import LIKELY, UNLIKELY, ScriptedReader
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from citewire.index.embed_fast import Encoder
from citewire.index.errors import ModelError
from citewire.qa import inputs
from citewire.qa.inputs import CLS, MAX_TOKENS, QUESTION_TOKENS, SEP, Inputs
from citewire.qa.models.cache import reader_weights
from citewire.qa.reader import (
    AGAIN,
    LONGEST,
    SHARE,
    WEIGHTS,
    WEIGHTS_AGAIN,
    Reading,
    Support,
    TrainedReader,
    Window,
    load_reader,
    pooled,
)  # fmt: skip

FLEET = Window("The line runs 14 ferries between Norland and Skarvik.", "Lund Lines opens a route.", "Fares rose 5%.")
CHAIR = Window("Ana Ruiz, the chair of Lund Lines, opened the route on 3 May 2021.", "Lund Lines opens a route.")
SNOW = Window("Snow fell on the hills, and the sheep stayed inside.", "Weather.", "It melted by noon.")
WINDOWS = [FLEET, CHAIR, SNOW, Window(""), Window("Yes"), Window("🚢🚢 14 ferries 👩‍🚀!", after="é" * 300)]
FERRIES, WHO = "How many ferries does Lund Lines run?", "Who is the chair of Lund Lines?"


INPUTS = Inputs()


@pytest.fixture(scope="module")
def large(cache: Path) -> TrainedReader:
    """The reader with both networks."""
    published = reader_weights(cache)
    assert published, "run: citewire models fetch all-mpnet-base-v2"
    return load_reader(2, published)


@pytest.fixture(scope="module", params=["small", pytest.param("large", marks=pytest.mark.model)])
def reader(request: pytest.FixtureRequest) -> TrainedReader:
    return load_reader(2) if request.param == "small" else request.getfixturevalue("large")


@pytest.mark.parametrize("weights", [WEIGHTS, WEIGHTS_AGAIN], ids=lambda file: file.stem)
def test_the_weights_belong_to_the_code_that_makes_their_inputs(weights: Path) -> None:
    """If this fails, train again or undo the change of qa/inputs.py: the network was trained on other inputs."""
    with safe_open(weights, framework="numpy") as file:
        assert (file.metadata() or {})["inputs"] == inputs.digest()


def near(one: Reading, other: Reading) -> bool:
    """Whether readings are equal except for float rounding."""
    same_place = (one.start, one.end) == (other.start, other.end)
    return same_place and math.isclose(one.probability, other.probability, abs_tol=0.01)


@pytest.mark.parametrize(
    ("question", "best", "words"), [(FERRIES, FLEET, "14"), (WHO, CHAIR, "Ana Ruiz"), ("When?", CHAIR, "2021")]
)
def test_the_words_that_answer(reader: TrainedReader, question: str, best: Window, words: str) -> None:
    one = reader.read(question if question != "When?" else "When did Ana Ruiz open the route?", [best])[0]
    assert words in best.sentence[one.start : one.end]
    assert len(best.sentence[one.start : one.end]) < len(best.sentence)


@pytest.mark.parametrize(("question", "best"), [(FERRIES, FLEET), (WHO, CHAIR), ("Where did snow fall?", SNOW)])
def test_the_sentence_that_answers_is_the_likeliest(reader: TrainedReader, question: str, best: Window) -> None:
    read = reader.read(question, [FLEET, CHAIR, SNOW])
    assert [FLEET, CHAIR, SNOW][max(range(3), key=lambda n: read[n].probability)] is best


def test_a_claim_is_supported_by_what_says_it(reader: TrainedReader) -> None:
    claim = "Lund Lines runs 14 ferries."
    said, other = reader.verify([(claim, "Lund Lines has 14 ferries in service."), (claim, SNOW.sentence)])
    assert said.supported > 0.5 > other.supported
    assert all(math.isclose(s.supported + s.refuted + s.not_said, 1, abs_tol=1e-5) for s in (said, other))


@pytest.mark.parametrize("question", [FERRIES, "?", "🚢", "a", "why " * 2000, "x" * 9000, "ferry\n\n\0 14"])
def test_any_question_is_read(reader: TrainedReader, question: str) -> None:
    for window, one in zip(WINDOWS, reader.read(question, WINDOWS), strict=True):
        assert 0 <= one.start <= one.end <= len(window.sentence)
        assert 0 <= one.probability <= 1
        assert 0 <= one.sure <= 1
    assert reader.read(question, []) == []
    assert len(reader.verify([(question, ""), ("", question), (question, question)])) == 3
    assert reader.verify([]) == []


@settings(max_examples=40)
@given(st.text(max_size=60), st.text(max_size=200), st.text(max_size=60))
def test_any_text_is_read(question: str, sentence: str, around: str) -> None:
    (one,) = load_reader(2).read(question, [Window(sentence, around, around)])
    assert 0 <= one.start <= one.end <= len(sentence)
    assert math.isfinite(one.probability + one.sure)


def test_half_a_surrogate_pair_that_a_shell_passes_on_is_read(reader: TrainedReader) -> None:
    (one,) = reader.read("How many\ud800 ferries?", [Window("It runs\ud800 14 ferries.")])
    assert "14" in "It runs\ud800 14 ferries."[one.start : one.end]
    assert len(reader.verify([("a\udcff", "b\udcff")])) == 1


@pytest.mark.slow
def test_alone_in_a_batch_and_from_several_threads_it_reads_the_same() -> None:
    """Only the first network: which sentences the second one reads depends on the others. Each has kept nothing yet."""
    reader, single = (TrainedReader(WEIGHTS, threads=2) for _ in range(2))
    alone = [single.read(FERRIES, [window])[0] for window in WINDOWS]
    pairs = [("Lund Lines runs 14 ferries.", window.sentence) for window in WINDOWS]
    with ThreadPoolExecutor(4) as pool:
        read = list(pool.map(lambda _: reader.read(FERRIES, WINDOWS * 4), range(8)))
        verified = list(pool.map(lambda _: reader.verify(pairs), range(8)))
    many, supports = read[0], verified[0]
    assert all(all(map(near, one, many)) for one in read)
    assert all(near(one, alone[n % len(WINDOWS)]) for n, one in enumerate(many))
    again = [single.verify([pair])[0] for pair in pairs]
    assert all(
        math.isclose(a.supported, b.supported, abs_tol=0.01)
        for some in verified
        for a, b in zip(some, supports, strict=True)
    )
    assert all(math.isclose(a.supported, b.supported, abs_tol=0.01) for a, b in zip(supports, again, strict=True))


def test_what_was_read_before_is_not_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = TrainedReader(WEIGHTS, threads=1)
    first, pair = reader.read(FERRIES, WINDOWS), ("Lund Lines runs 14 ferries.", FLEET.sentence)
    supported = reader.verify([pair, pair])
    run: list[int] = []
    states = Encoder.states

    def counted(self: Encoder, rows: Sequence[Sequence[int]], *args: Any, **kwargs: Any) -> None:
        run.append(len(rows))
        states(self, rows, *args, **kwargs)

    monkeypatch.setattr(Encoder, "states", counted)
    assert reader.read(FERRIES, WINDOWS[::-1]) == first[::-1]
    assert reader.verify([pair]) == supported[:1]
    assert reader.read(FERRIES, [FLEET, Window("Fog closed the port.")])[0] == first[0]
    reader.read(WHO, [FLEET])
    assert run == [0, 0, 1, 1]


class TestWindow:
    """How a window becomes tokens."""

    def test_question_context_and_the_sentence_marked(self) -> None:
        one = INPUTS.question("Who?", "Before it.", "Ana Ruiz.", "After it.")
        assert INPUTS._tokenizer.decode(one.ids, skip_special_tokens=False) == (
            "[CLS] who? [SEP] before it. ana ruiz. after it. [SEP]"
        )
        marked = [token for token, kind in zip(one.ids, one.types, strict=True) if kind]
        assert INPUTS._tokenizer.decode(marked) == "ana ruiz."
        assert one.ids[one.begin] == marked[0]
        assert ["Ana Ruiz."[a:b] for a, b in one.offsets] == ["Ana", "Ruiz", "."]

    @pytest.mark.parametrize("words", [1, 40, 90, 91, 92, 93, 94, 400])
    @pytest.mark.parametrize("asked", [0, 3, QUESTION_TOKENS])
    def test_the_sentence_stays_where_room_is_short(self, words: int, asked: int) -> None:
        sentence = " ".join(["ferry"] * words)
        one = INPUTS.question("who " * asked, "left " * 300, sentence, "right " * 300)
        kept = min(words, MAX_TOKENS - asked - 3)
        assert len(one.ids) == len(one.types) == MAX_TOKENS
        assert (one.ids[0], one.ids[-1], one.ids.count(SEP)) == (CLS, SEP, 2)
        assert sum(one.types) == len(one.offsets) == kept
        (ferry,), (left,), (right,) = (INPUTS._tokens(word)[0] for word in ("ferry", "left", "right"))
        assert one.ids[one.begin : one.begin + kept] == [ferry] * kept
        assert abs(one.ids.count(left) - one.ids.count(right)) <= 1

    def test_short_text_on_one_side_leaves_its_room_to_the_other(self) -> None:
        (left,), (right,) = (INPUTS._tokens(word)[0] for word in ("left", "right"))
        for before, after in ((300, 2), (2, 300), (300, 0), (0, 300)):
            one = INPUTS.question("who", "left " * before, "ferry", "right " * after)
            assert len(one.ids) == MAX_TOKENS
            assert min(one.ids.count(left), one.ids.count(right)) == min(before, after)

    def test_an_answer_is_not_longer_than_in_training(self, reader: TrainedReader) -> None:
        sentence = " ".join(["ferry"] * 80)
        (one,) = reader.read(FERRIES, [Window(sentence)])
        assert 1 <= len(sentence[one.start : one.end].split()) <= LONGEST


@pytest.mark.model
class TestLarge:
    """The second network reads the likeliest sentences again."""

    def test_what_was_read_once_is_no_likelier_than_what_was_read_twice(self, large: TrainedReader) -> None:
        others = [Window(f"Ferry {n} of Lund Lines was built in {1990 + n}.") for n in range(20)]
        windows = [FLEET, CHAIR, SNOW, *others]
        once, twice = (reader.read(FERRIES, windows) for reader in (load_reader(2), large))
        order = sorted(range(len(windows)), key=lambda row: -once[row].probability)
        again, not_again = order[:AGAIN], order[AGAIN:]
        assert max(twice[row].probability for row in not_again) <= min(twice[row].probability for row in again)
        assert any(not near(once[row], twice[row]) for row in again)
        assert windows[max(again, key=lambda row: twice[row].probability)] is FLEET

    def test_a_claim_that_may_be_said_is_read_by_both(self, large: TrainedReader) -> None:
        pairs = [("Lund Lines runs 14 ferries.", FLEET.sentence), ("A cat sat on a mat.", SNOW.sentence)]
        once, twice = load_reader(2).verify(pairs), large.verify(pairs)
        assert twice[0].supported >= 0.5
        assert twice[0] != once[0]
        assert once[1].supported < 0.05
        assert twice[1] == once[1]
        assert all(math.isclose(one.supported + one.refuted + one.not_said, 1, abs_tol=1e-6) for one in twice)

    @pytest.mark.parametrize(
        "lost", ["answers.0.weight", "entails.3.bias", "span.weight", "encoder.layers.3.widen.up", "encoder.types"]
    )
    def test_a_file_that_lacks_a_part_is_refused(self, cache: Path, tmp_path: Path, lost: str) -> None:
        published, weights = reader_weights(cache), tmp_path / "large.safetensors"
        assert published
        kept = {name: value for name, value in load_file(WEIGHTS_AGAIN).items() if name != lost}
        save_file(kept, weights, {"calibration": "{}"})
        with pytest.raises(ModelError, match="cannot be loaded") as error:
            TrainedReader(WEIGHTS, threads=1, again=(weights, published))
        assert lost in error.value.problem


@pytest.mark.parametrize(("one", "other"), [(0.5, 0.5), (0.9, 0.1), (0.2, 0.6), (1.0, 0.3), (0.0, 0.3), (0.0, 1.0)])
def test_two_probabilities_are_pooled(one: float, other: float) -> None:
    both = pooled(one, other)
    assert min(one, other) - 1e-9 <= both <= max(one, other) + 1e-9
    assert math.isclose(pooled(1 - one, 1 - other), 1 - both, abs_tol=1e-9)
    if 0 < one < 1:
        odds = (other / (1 - other)) ** SHARE * (one / (1 - one)) ** (1 - SHARE)
        assert math.isclose(both, odds / (1 + odds))


class TestFile:
    """A file that is not a reader is refused with a fix."""

    @pytest.fixture
    def refused(self, tmp_path: Path) -> Path:
        return tmp_path / "reader.safetensors"

    @staticmethod
    def refuses(weights: Path) -> str:
        with pytest.raises(ModelError) as error:
            TrainedReader(weights, threads=1)
        assert error.value.fix == "Install citewire again, or write the file anew with training/export.py"
        assert str(weights) in error.value.problem
        return error.value.problem

    def test_missing(self, refused: Path) -> None:
        assert "No such file" in self.refuses(refused)

    @pytest.mark.parametrize("content", [b"", b"{}", WEIGHTS.read_bytes()[:100_000], b"version https://git-lfs\n" * 9])
    def test_damaged(self, refused: Path, content: bytes) -> None:
        refused.write_bytes(content)
        self.refuses(refused)

    @pytest.mark.parametrize(
        "metadata", [{}, {"calibration": "{"}, {"calibration": "[1]"}, {"calibration": '{"scales": 1}'}]
    )
    def test_without_calibration(self, refused: Path, metadata: dict[str, str]) -> None:
        save_file(load_file(WEIGHTS), refused, metadata)
        self.refuses(refused)

    @pytest.mark.parametrize("lost", ["answers.0.weight", "entails.3.bias", "span.weight", "encoder/layer_3/ffn"])
    def test_without_a_part_of_its_weights(self, refused: Path, lost: str) -> None:
        kept = {name: value for name, value in load_file(WEIGHTS).items() if not name.startswith(lost)}
        save_file(kept, refused, {"calibration": json.dumps({"scale": 1, "shift": 0})})
        self.refuses(refused)

    def test_the_calibration_of_the_file_is_used(self, reader: TrainedReader, refused: Path) -> None:
        save_file(load_file(WEIGHTS), refused, {"calibration": json.dumps({"scale": 0.0, "shift": 0.0})})
        read = TrainedReader(refused, threads=1).read(FERRIES, [FLEET, SNOW])
        assert [one.probability for one in read] == [0.5, 0.5]


class TestScripted:
    """The fake reader of other tests."""

    def test_stated(self) -> None:
        scripted = ScriptedReader({WHO: ("Ana Ruiz", "14")}, {"It rose.": 0.3, ("It fell.", "q"): 0.8}, ["It rose."])
        chair, fleet, snow = scripted.read(WHO, [CHAIR, FLEET, SNOW])
        assert (chair, fleet.probability, snow.probability) == (Reading(LIKELY, 0, 8, 0.9), 0.76, UNLIKELY)
        assert scripted.verify([("It rose.", "q"), ("It fell.", "q")]) == [
            Support(0.3, 0.7, 0.0),
            Support(0.8, 0.0, 0.2),
        ]

    def test_by_words(self) -> None:
        read: Sequence[Reading] = ScriptedReader().read(FERRIES, [FLEET, CHAIR, SNOW])
        assert [one.probability for one in read] == [0.6, 0.4, UNLIKELY]
        assert FLEET.sentence[read[0].start : read[0].end] == "14"
        (support,) = ScriptedReader().verify([("The line runs 15 ferries.", FLEET.sentence)])
        assert np.allclose((support.supported, support.not_said), (0.375, 0.625))
