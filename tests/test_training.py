"""training/ on invented records: the examples made from them, and runs that stop, resume and are exported."""

from __future__ import annotations

import gzip
import importlib
import json
import random
import runpy
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from conftest import REPOSITORY
from safetensors.numpy import load_file, save_file

from citewire.qa.inputs import Inputs
from citewire.qa.models.cache import reader_weights
from citewire.qa.reader import SHARE, WEIGHTS, TrainedReader, Window

pytestmark = pytest.mark.slow  # loads torch and transformers

FOLDER = REPOSITORY / "training"
MODULES = ("network", "large", "changes", "examples", "measure", "export", "news", "mined", "train")
PASSAGE = (
    "Lund Lines opened a night route in 2021. It runs 14 ferries between Norland and Skarvik. "
    "Ana Ruiz, its chair, was not told of the fire."
)
FERRIES = "How many ferries does Lund Lines run?"


def record(question: str = FERRIES, answer: str = "14", group: str = "wikipedia/Lund_Lines", **more: Any) -> Any:
    start = PASSAGE.index(answer) if answer else 0
    answers = [{"start": start, "end": start + len(answer), "text": answer}] if answer else []
    return {
        "source": "invented", "group": group, "question": question, "passage": PASSAGE, "answers": answers,
        "answerable": bool(answer), "kind": "span", "cased": True, **more,
    }  # fmt: skip


@pytest.fixture(scope="module")
def training() -> Iterator[Any]:
    """The modules of training/, which import each other by their plain names."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        yield SimpleNamespace(**{name: importlib.import_module(name) for name in MODULES})
    for name in MODULES:  # other modules may have these names
        sys.modules.pop(name)


INPUTS = Inputs()


def text(training: Any, ids: Sequence[int]) -> str:
    return str(INPUTS._tokenizer.decode(list(ids), skip_special_tokens=False))


def read(training: Any, example: Any) -> tuple[str, str]:
    """The sentence that an example marks, and its answer words."""
    marked = [token for token, kind in zip(example.ids, example.types, strict=True) if kind]
    said = text(training, example.ids[example.first : example.last + 1]) if example.first >= 0 else ""
    return text(training, marked), said


def every(training: Any, **shares: float) -> Any:
    """A mix with only these shares of examples."""
    return replace(training.examples.PLAIN, titled=0.0, **shares)


class TestQuestions:
    @pytest.mark.parametrize(
        ("question", "answer", "sentence", "words"),
        [
            (FERRIES, "14", "it runs 14 ferries between norland and skarvik.", "14"),
            ("Which towns?", "Norland and Skarvik", "it runs 14 ferries between norland and skarvik.",
             "norland and skarvik"),
            ("Who chairs it?", "Ana Ruiz", "ana ruiz, its chair, was not told of the fire.", "ana ruiz"),
        ],
    )  # fmt: skip
    def test_a_window_and_its_words(self, training: Any, question: str, answer: str, sentence: str, words: str) -> None:
        (one,) = training.examples.readings(record(question, answer), every(training), 0)
        assert (read(training, one), one.answers, one.label) == ((sentence, words), 1.0, None)
        assert text(training, one.ids).startswith(f"[CLS] {question.lower()} [SEP]")
        assert text(training, one.ids).endswith(" [SEP]")

    def test_a_sentence_record_marks_no_words(self, training: Any) -> None:
        (one,) = training.examples.readings(record(kind="sentence"), every(training), 0)
        assert (one.answers, one.first, one.last) == (1.0, -1, -1)

    def test_a_neighbour_never_answers(self, training: Any) -> None:
        for seed in range(20):
            right, wrong = training.examples.readings(record(), every(training, neighbours=1.0), seed)
            assert (right.answers, wrong.answers, wrong.first) == (1.0, 0.0, -1)
            assert "14" not in read(training, wrong)[0]
            assert wrong.source == "invented+neighbour"

    def test_a_question_without_an_answer(self, training: Any) -> None:
        found = [
            one for seed in range(20) for one in training.examples.readings(record(answer=""), every(training), seed)
        ]
        assert {(one.answers, one.first) for one in found} == {(0.0, -1)}
        assert len({read(training, one)[0] for one in found}) > 1

    def test_another_name_is_not_answered(self, training: Any) -> None:
        pools = training.examples.Pools(("Acme Shipping",))
        _, other = training.examples.readings(record(), every(training, swapped=1.0), 0, pools)
        assert text(training, other.ids).startswith("[CLS] how many ferries does acme shipping run? [SEP]")
        assert (other.answers, other.source) == (0.0, "invented+swapped")

    @pytest.mark.parametrize("seed", range(12))
    def test_a_question_with_one_thing_exchanged_is_not_answered(self, training: Any, seed: int) -> None:
        asked = [
            "How many captains does it employ?",
            "How many ferries does it own?",
            "How many ferries does it paint?",
        ]
        pools = training.examples.Pools(("Acme Shipping",), training.changes.frames_of(asked))
        found = list(training.examples.readings(record(), every(training, exchanged=1.0), seed, pools))
        question = text(training, found[1].ids).removeprefix("[CLS] ").split(" [SEP]")[0]
        assert question != FERRIES.lower()
        assert (found[1].answers, found[1].source, len(found)) == (0.0, "invented+exchanged", 2)
        assert question in {
            "how many trains does lund lines run?", "how many ferries does acme shipping run?",
            "how many ferries does ana ruiz run?", "how many ferries does not lund lines run?",
        }  # fmt: skip

    def test_words_of_one_field_are_exchanged_but_not_for_the_same(self, training: Any) -> None:
        sentence, near = "Its president founded it.", []
        for asked, other in [("president", "mayor"), ("founded", "established"), ("president", "presidents")]:
            questions = [f"Who is the {asked} of it?", f"Who is the {other} of it?"]
            frames = training.changes.frames_of(questions)
            near.append(training.changes._framed(questions[0], "", sentence, frames, random.Random(0)))
        assert near == ["Who is the mayor of it?", "", ""]

    def test_the_question_itself_is_no_answer(self, training: Any) -> None:
        _, echo = training.examples.readings(record(), every(training, echoed=1.0), 0)
        assert read(training, echo)[0].rstrip("?.") == FERRIES.lower().rstrip("?")
        assert echo.answers == 0.0

    def test_the_title_stands_before(self, training: Any) -> None:
        (one,) = training.examples.readings(record(), replace(every(training), titled=1.0), 0)
        assert "[SEP] lund lines." in text(training, one.ids)


class TestClaims:
    @pytest.mark.parametrize(
        ("label", "number"), [("supported", 0), ("refuted", 1), ("not_said", 2), ("unsupported", 3)]
    )
    def test_a_claim_with_its_quote(self, training: Any, label: str, number: int) -> None:
        told = {"source": "s", "group": "g/1", "claim": "It rose.", "quote": "It rose 5%.", "label": label}
        (one,) = training.examples.claims(told)
        assert text(training, one.ids) == "[CLS] claim : it rose. [SEP] it rose 5 %. [SEP]"
        assert (read(training, one)[0], one.label, one.answers) == ("it rose 5 %.", number, None)

    def test_a_changed_sentence_is_not_supported_by_itself(self, training: Any) -> None:
        pools = training.examples.Pools(("Acme",))
        found = [
            one
            for seed in range(60)
            for one in training.examples.corrupted(record(), every(training, corrupted=1.0), seed, pools)
        ]
        for one in found:
            claim = text(training, one.ids).removeprefix("[CLS] claim : ").split(" [SEP]")[0]
            assert (claim in " ".join(PASSAGE.lower().split())) is (one.label == 0)
        assert {one.source for one in found} == {"corrupted", "kept"}
        assert {one.label for one in found} == {0, 1, 3}

    def test_a_claim_of_several_facts_is_supported_where_all_are_said(self, training: Any) -> None:
        pools = training.examples.Pools(("Acme",), phrases={"wikipedia/Lund_Lines": (" in the summer of 2019",)})
        shares = every(training, composed=1.0)
        made = [one for seed in range(200) for one in training.examples.composed(record(), shares, seed, pools)]
        for one in made:
            claim, quote, _ = text(training, one.ids).removeprefix("[CLS] claim : ").split(" [SEP]")
            if one.label == 0:
                assert {*claim.split()} <= {*quote.split()}
            else:
                assert claim not in quote
        assert {one.label for one in made} == {0, 1, 2, 3}

    def test_a_quote_with_others_around_it_keeps_its_label(self, training: Any) -> None:
        told = {"source": "s", "group": "verdict/1", "claim": "It rose.", "quote": "It rose 5%.", "label": "supported"}
        pools = training.examples.Pools(quotes=("Snow fell.",))
        for seed in range(8):
            (one,) = training.examples.padded(told, every(training, padded=1.0), seed, pools)
            assert read(training, one)[0] in {"snow fell. it rose 5 %.", "it rose 5 %. snow fell."}
            assert (one.label, one.source) == (0, "s+padded")
        assert list(training.examples.padded({**told, "group": "g"}, every(training, padded=1.0), 0, pools)) == []

    def test_a_claim_asked_as_a_question(self, training: Any) -> None:
        told = {"source": "s", "group": "verdict/1", "claim": "The bridge is open.", "quote": "It is open.",
                "label": "supported"}  # fmt: skip
        (one,) = training.examples.truth(told, every(training, truth=1.0), 0)
        assert text(training, one.ids).startswith("[CLS] is the bridge open? [SEP] it is open.")
        assert one.answers == 1.0
        assert list(training.examples.truth({**told, "group": "other/1"}, every(training, truth=1.0), 0)) == []


def write(folder: Path) -> Path:
    """Write invented records of 120 documents."""
    folder.mkdir(exist_ok=True)
    asked = [record(group=f"wikipedia/Line_{n}", answer="14" if n % 3 else "") for n in range(120)]
    told = [
        {"source": "s", "group": f"verdict/{n}", "claim": f"It runs {14 + n % 2} ferries.", "quote": PASSAGE,
         "label": "refuted" if n % 2 else "supported"}
        for n in range(80)
    ]  # fmt: skip
    kinds: Mapping[str, Sequence[Any]] = {"reader": asked, "verifier": told}
    for name, rows in kinds.items():
        with gzip.open(folder / f"{name}.jsonl.gz", "wt", encoding="utf-8") as file:
            file.writelines(f"{json.dumps(row)}\n" for row in rows)
    return folder


def test_documents_are_held_out_by_their_name(training: Any, tmp_path: Path) -> None:
    rows = list(training.examples.records(write(tmp_path) / "reader.jsonl.gz"))
    held = {row["group"] for row in rows if training.examples.is_held(row)}
    assert 0 < len(held) < 12
    assert {training.examples.is_held({**row, "question": "Another?"}) for row in rows if row["group"] in held} == {
        True
    }
    data = training.train.load(tmp_path, training.train.RECIPES["base"], 0, list, lambda _: {})
    assert sum(one.answers is not None for one in data.held) == len(held)  # held-out records are not augmented


def test_the_same_seed_gives_the_same_examples_and_batches(training: Any, tmp_path: Path) -> None:
    train, recipe = training.train, training.train.RECIPES["whole"]
    write(tmp_path)
    first, again, other = (train.load(tmp_path, recipe, seed, lambda _: [], lambda _: {}) for seed in (3, 3, 4))
    assert first == again
    assert first != other
    assert first.questions
    assert first.claims
    whole = list(train.batches(first, recipe, 6, 3))
    assert list(train.batches(again, recipe, 6, 3, skip=4)) == whole[4:]


def test_the_reader_finds_its_own_negatives(training: Any, tmp_path: Path) -> None:
    """The likeliest sentence of passages without the answer; for a question without an answer, of its own passage."""
    other = "Acme Shipping of Norland runs 22 ferries between the islands. Its oldest ferry is the Gannet."
    found = [
        record(source="qed"),
        record("Who chairs Acme Shipping?", "", "wikipedia/Acme", source="qed", passage=other, made=True),
        record("How many ferries did it sell?", "", source="squad_v2_dev_html"),
        record("How many buses does Acme run?", "", "wikipedia/Acme", source="qamr", passage=other, made=True),
    ]
    file = tmp_path / "mined.jsonl.gz"
    made = training.mined.mined(found, weights=WEIGHTS, file=file, threads=1)
    assert [(one["source"], one["question"], one["passage"][slice(*one["target"])]) for one in made] == [
        ("squad_v2_dev_html+likeliest", found[2]["question"], "It runs 14 ferries between Norland and Skarvik."),
        ("qed+mined", FERRIES, "Acme Shipping of Norland runs 22 ferries between the islands."),
    ]
    (one,) = training.examples.readings(made[1], every(training, mined=1.0), 0)
    assert (read(training, one)[0], one.answers) == (made[1]["passage"][:61].lower(), 0.0)
    assert list(training.examples.readings(made[1], every(training), 0)) == []
    assert training.mined.mined([], weights=WEIGHTS, file=file, threads=1) == made  # read from the file


def test_a_list_has_the_answer_first_and_what_the_reader_took_for_it(training: Any, tmp_path: Path) -> None:
    wrong = "Acme Shipping of Norland runs 22 ferries."
    mined = record(answer="", passage=wrong, target=[0, len(wrong)], source="qed+mined")
    asked = [record(), record("Who chairs it?", "Ana Ruiz"), record("How many did it sell?", "")]
    first, second = training.examples.listed(asked, [mined], every(training, listed=1.0), 0)
    assert [one.answers for one in first] == [1.0, 0.0, 0.0, 0.0]
    assert [read(training, one) for one in (first[0], first[3])] == [
        ("it runs 14 ferries between norland and skarvik.", "14"), (wrong.lower(), ""),
    ]  # fmt: skip
    assert [one.answers for one in second] == [1.0, 0.0, 0.0]
    assert ({one.list for one in first}, {one.list for one in second}) == ({0}, {1})
    assert list(training.examples.listed(asked, [mined], every(training), 0)) == []


def test_the_loss_of_a_list_is_that_of_choosing_among_it(training: Any) -> None:
    torch, network = training.train.torch, training.network
    (first,) = training.examples.listed([record()], [], every(training, listed=1.0), 0)
    torch.manual_seed(0)
    model = network.Network(dropout=0.0)
    with torch.no_grad():
        answers = model(*network.collate(first))[0]
    expected = -float(torch.log_softmax(answers, 0)[0])
    for batch in (first, first[::-1]):
        assert network.loss(model, batch)["ranking"].item() == pytest.approx(expected, abs=1e-5)
    assert "ranking" not in network.loss(model, [replace(one, list=-1) for one in first])


FERRY_NEWS = {
    "name": "a-ferries", "source": "invented", "licence": "Apache-2.0", "title": "New night ferry",
    "date": "2021-05-02", "outlet": "The Lund Post",
    "paragraphs": [
        ["Lund Lines opened a night route in 2021.", "It runs 14 ferries."], ["Ana Ruiz, its chair, was not told."],
    ],
    "questions": [["how many ferries at lund lines", [1], ["14"]], ["Who and when?", [0, 2], ["2021", "Ana Ruiz"]]],
    "near": ["How many buses does Lund Lines run?"],
    "claims": [["supported", [0], "The night route dates from 2021."], ["not_said", [1], "It sold 14 ferries."]],
}  # fmt: skip


class TestNews:
    @pytest.fixture
    def article(self, training: Any, tmp_path: Path) -> Any:
        (tmp_path / "news.jsonl").write_text(json.dumps(FERRY_NEWS) + "\n", encoding="utf-8")
        (one,) = training.news.articles(tmp_path / "news.jsonl")
        return one

    def test_a_list_has_a_sentence_that_answers_and_others_that_do_not(self, training: Any, article: Any) -> None:
        ferries, when, who, near = training.news.lists(article, {}, 1)
        assert [read(training, made[0]) for made in (ferries, when, who)] == [
            ("it runs 14 ferries.", "14"),
            ("lund lines opened a night route in 2021.", "2021"),
            ("ana ruiz, its chair, was not told.", "ana ruiz"),
        ]
        assert [[one.answers for one in made] for made in (ferries, when, who, near)] == [
            [1.0, 0.0, 0.0], [1.0, 0.0], [1.0, 0.0], [0.0, 0.0],
        ]  # fmt: skip
        assert len({one.list for one in ferries}) == 1
        assert len({made[0].list for made in (ferries, when, who)}) == 3
        assert {one.list for one in near} == {-1}

    def test_what_the_reader_took_for_the_answer_is_among_the_others(self, training: Any, article: Any) -> None:
        wrong = {FERRY_NEWS["near"][0]: [(article, article.places[1])]}
        *_, near = training.news.lists(article, wrong, 1)
        assert read(training, near[0])[0] == "it runs 14 ferries."
        assert len({read(training, one)[0] for one in near}) == 2

    def test_every_sentence_and_claim_is_measured(self, training: Any, article: Any) -> None:
        found = list(training.news.every(article))
        assert [one.answers for one in found] == [0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, None, None]
        assert [one.label for one in found[-2:]] == [training.network.SUPPORTED, training.network.NOT_SAID]
        quotes = {text(training, one.ids) for seed in range(20) for one in training.news.claims(article, seed)}
        assert len(quotes) == 3  # the supported claim also with the sentence after its quote

    def test_records_mark_all_that_answers(self, training: Any, article: Any) -> None:
        first, second, near = training.news.asked([article])
        assert [[answer["text"] for answer in one["answers"]] for one in (first, second, near)] == [
            ["14"], ["2021", "Ana Ruiz"], [],
        ]  # fmt: skip
        assert (first["answerable"], near["answerable"], first["title"]) == (True, False, "New night ferry")
        assert (
            first["passage"]
            == article.text
            == ("Lund Lines opened a night route in 2021. It runs 14 ferries.\n\nAna Ruiz, its chair, was not told.")
        )

    def test_wrong_sentences_are_of_the_article_itself_or_of_another_writer(
        self, training: Any, tmp_path: Path
    ) -> None:
        sister = {**FERRY_NEWS, "name": "a-more", "paragraphs": [["Lund Lines now runs 15 ferries."]],
                  "questions": [], "near": [], "claims": []}  # fmt: skip
        other = {**sister, "name": "b-acme", "title": "Acme", "paragraphs": [["Acme Shipping runs 22 ferries."]]}
        lines = "".join(json.dumps(one) + "\n" for one in (FERRY_NEWS, sister, other))
        (tmp_path / "news.jsonl").write_text(lines, encoding="utf-8")
        found = training.news.articles(tmp_path / "news.jsonl")
        file = tmp_path / "mined.jsonl.gz"
        wrong = training.mined.mined_news(found, WEIGHTS, file, 1)
        taken = [one.text[slice(*place)] for one, place in wrong[FERRY_NEWS["questions"][0][0]]]
        assert taken == ["Lund Lines opened a night route in 2021.", "Acme Shipping runs 22 ferries."]
        assert training.mined.mined_news(found, WEIGHTS, file, 1) == wrong  # read from the file

    def test_the_articles_that_are_shipped_hold_what_is_marked(self, training: Any) -> None:
        found = training.news.articles()
        asked = list(training.news.asked(found))  # raises ValueError where the words are not in their sentence
        assert len({one.name for one in found}) == len(found) == 543
        assert Counter(one["answerable"] for one in asked) == {True: 7273, False: 4036}  # as docs/reader.md says
        assert 0.05 < sum(one.held for one in found) / len(found) < 0.2


class TestRuns:
    @pytest.fixture
    def train(self, training: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
        """Train for two steps of four examples each, with a checkpoint after each."""
        data = write(tmp_path / "data")
        for name, value in {"BATCH": 4, "SAVE_STEPS": 1, "LOG_STEPS": 1}.items():
            monkeypatch.setattr(training.train, name, value)

        def train(run: str, *more: str) -> Path:
            arguments = [str(data), str(tmp_path / run), "--examples", "8", "--threads", "1", *more]
            monkeypatch.setattr(sys, "argv", ["train.py", *arguments])
            training.train.main()
            return tmp_path / run

        return train

    def test_who_goes_on_trains_what_was_never_stopped(
        self, training: Any, train: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        torch = training.train.torch
        whole = train("whole")
        steps = [json.loads(line)["step"] for line in (whole / "log.jsonl").read_text().splitlines()]
        assert steps == [1, 2]
        assert json.loads((whole / "figures.json").read_text()).keys() >= {"answers", "verdict"}
        loss = training.train.loss
        calls: list[int] = []

        def interrupted(*given: Any) -> Any:
            calls.append(1)
            if len(calls) == 2:
                raise KeyboardInterrupt
            return loss(*given)

        monkeypatch.setattr(training.train, "loss", interrupted)
        with pytest.raises(SystemExit, match="the same command goes on from the last checkpoint"):
            train("halved")
        monkeypatch.setattr(training.train, "loss", loss)
        halved = train("halved")
        one, other = (torch.load(run / "weights.pt", weights_only=True) for run in (whole, halved))
        assert one.keys() == other.keys()
        assert all(torch.equal(one[name], other[name]) for name in one)

    def test_what_is_exported_reads_like_the_network(
        self, training: Any, train: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = train("run")
        torch = training.train.torch
        weights = torch.load(run / "weights.pt", weights_only=True)
        for name in ("answers.3.weight", "entails.3.weight", "span.weight"):
            weights[name] *= 8  # after two steps all probabilities are near 0.5, which would hide differences
        torch.save(weights, run / "weights.pt")
        file = tmp_path / "reader.safetensors"
        size = training.export.export(run, file, {"scale": 1.0, "shift": 0.0})
        assert size == file.stat().st_size <= training.export.MOST_BYTES
        reader = TrainedReader(file, threads=1)

        network = training.network.Network()
        network.load_state_dict(weights, strict=False)
        windows = [Window("It runs 14 ferries.", "Lund Lines."), Window("Snow fell on the hills."), Window(PASSAGE)]
        made = [Inputs().question(FERRIES, one.before, one.sentence, one.after) for one in windows]
        examples = [training.network.Example(tuple(one.ids), tuple(one.types), 1.0) for one in made]
        pairs = [("It runs 14 ferries.", PASSAGE), ("It rose.", "Snow fell.")]
        claims = [training.examples.claim(*pair, 0, "") for pair in pairs]
        answers, _, supported = training.measure.run(network, [*examples, *claims])
        read = reader.read(FERRIES, windows)
        assert np.allclose([one.probability for one in read], answers[:3], atol=0.05)  # rounded to 8 bits
        assert np.allclose([one.supported for one in reader.verify(pairs)], supported[3:], atol=0.05)
        assert len({round(one.probability, 2) for one in read}) > 1

        monkeypatch.setattr(training.export, "MOST_BYTES", size - 1)
        file.write_bytes(b"as it was")
        with pytest.raises(ValueError, match=rf"would have {size:,} bytes, at most {size - 1:,} are shipped"):
            training.export.export(run, file, {"scale": 1.0, "shift": 0.0})
        assert file.read_bytes() == b"as it was"

    @pytest.mark.model
    def test_the_second_network_reads_as_it_was_trained(self, training: Any, cache: Path, tmp_path: Path) -> None:
        published = reader_weights(cache)
        assert published, "run: citewire models fetch all-mpnet-base-v2"
        torch = training.train.torch
        network = training.network.Network(null=True, encoder=training.large.LargeEncoder(published, half=False))
        for name, weight in network.named_parameters():
            if name.endswith(".up"):  # zero before training
                torch.nn.init.normal_(weight, std=0.02)
        torch.save(network.trained(), tmp_path / "weights.pt")
        file = tmp_path / "large.safetensors"
        assert training.export.export_large(tmp_path, file, {"scale": 0.0, "again": 1.0}) < training.export.MOST_BYTES
        silent = tmp_path / "small.safetensors"  # a first network with probability 0.5 for everything
        save_file(load_file(WEIGHTS), silent, {"calibration": '{"scale": 0.0}'})
        reader = TrainedReader(silent, threads=1, again=(file, published))

        windows = [Window("It runs 14 ferries.", "Lund Lines."), Window("Snow fell on the hills."), Window(PASSAGE)]
        made = [Inputs().question(FERRIES, one.before, one.sentence, one.after) for one in windows]
        examples = [training.network.Example(tuple(one.ids), tuple(one.types), 1.0) for one in made]
        with torch.no_grad():
            logits, *_ = network.eval()(*training.network.collate(examples))
        probabilities = [one.probability for one in reader.read(FERRIES, windows)]
        assert np.allclose(probabilities, (SHARE * logits).sigmoid().numpy(), atol=0.1)  # 8 bits

    def test_training_on_may_end_with_the_mean_of_both(self, training: Any, train: Callable[..., Path]) -> None:
        start = ("--start", str(WEIGHTS))
        trained, mean = (training.train.torch.load(run / "weights.pt", weights_only=True) for run in (
            train("trained", *start), train("mean", *start, "--average")))  # fmt: skip
        first = training.export.weights_in(WEIGHTS)
        for name, one in trained.items():
            assert np.allclose(mean[name], (first[name] + one) / 2)

    def test_the_script_runs(
        self, training: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(sys, "argv", ["train.py", "--help"])
        with pytest.raises(SystemExit, match="0"):
            runpy.run_path(str(FOLDER / "train.py"), run_name="__main__")
        assert capsys.readouterr().out.startswith("usage: train.py")
