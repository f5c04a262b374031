"""Indexing on a real Ray of this machine with two cores, started once."""

from __future__ import annotations

import json
import os
import pickle
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import commands
import embedders
import pytest
from commands import citewire, process, refused
from conftest import company_news, untraced
from embedders import HashedWordsEmbedder, TracedEmbedder

from citewire.index import build, embed, on_ray
from citewire.index.articles import read_articles
from citewire.index.build import build_index
from citewire.index.embed import SentenceTransformerEmbedder, load_embedder
from citewire.index.errors import InputError, ModelError
from citewire.index.workers import Workers

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed: pip install 'citewire[ray]'"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # Ray leaves files open
]

MARK = f"citewire-test-{os.getpid()}"
CHECKPOINT = 20  # replaces build.CHECKPOINT_PASSAGES in commands of their own process
COMMAND = f"""import time, citewire.index.build as build, citewire.ui.cli as cli
build.CHECKPOINT_PASSAGES = {CHECKPOINT}
write = build._Build._write
build._Build._write = lambda *given: (write(*given), time.sleep(2))
cli.main()"""


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workers]:
    """What `--on ray` starts with two cores; its environment has the variable MARK."""
    # Ray imports jsonschema, which imports this where a tool for tests has installed it: seconds in each process.
    without = tmp_path_factory.mktemp("without")
    (without / "rfc3987_syntax.py").write_text("raise ImportError")
    tests = Path(embedders.__file__).parent  # Ray's processes load the embedders of tests
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("MARK", MARK)
        patched.setenv("PYTHONPATH", f"{without}:{tests}")
        with on_ray.connected(on_ray.LOCAL, 2) as workers:
            yield workers
        until(lambda: len(marked()) == 0)


@pytest.fixture
def news(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nine files that can be read and one that cannot; segments and batches are small."""
    monkeypatch.setattr(build, "CHECKPOINT_PASSAGES", 6)
    monkeypatch.setattr(build, "BATCH", 2)
    monkeypatch.setattr(embed, "BATCH", 2)
    folder = company_news(tmp_path, "abcdefg")
    (folder / "wire.jsonl").write_text("".join(json.dumps({"text": f"Item {n} of the wire."}) + "\n" for n in range(5)))
    (folder / "page.html").write_text("<html><body><p>On 3 May 2024 the ferry to Tarnby sank.</p></body></html>")
    (folder / "bad.txt").write_bytes(b"\0")
    return folder


def files(folder: Path) -> list[tuple[object, bytes, bytes]]:
    """What the manifest says of each segment, and the bytes of its files; only the names of segments are random."""
    (manifest,) = (folder / "manifests").iterdir()
    parts = json.loads(manifest.read_bytes())["parts"]
    segments = [folder / "segments" / part["info"].pop("name") for part in parts]
    return [
        (part, (segment / "passages.db").read_bytes(), (segment / "vectors.faiss").read_bytes())
        for part, segment in zip(parts, segments, strict=True)
    ]


def until(done: Callable[[], object], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end
        time.sleep(0.1)


def marked() -> list[Path]:
    """The folders in /proc of Ray's processes."""
    found = []
    for one in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended, or is another user's
            if MARK.encode() in (one / "environ").read_bytes():
                found.append(one)
    return found


def listening(processes: list[Path]) -> set[str]:
    """The addresses that these processes listen on, as /proc/net/tcp writes them."""
    sockets = set()
    for one in processes:
        for file in (one / "fd").glob("*"):
            with suppress(OSError):
                sockets.add(file.readlink().name)
    lines = [line.split() for net in ("tcp", "tcp6") for line in (Path("/proc/net") / net).read_text().splitlines()[1:]]
    return {line[1].partition(":")[0] for line in lines if line[3] == "0A" and f"socket:[{line[9]}]" in sockets}


def test_the_index_is_that_of_one_process(workers: Workers, news: Path, tmp_path: Path) -> None:
    alone = build_index([news], tmp_path / "alone", HashedWordsEmbedder())
    traces = tmp_path / "traces"
    traces.mkdir()
    embedder = TracedEmbedder(traces, 0.05)
    told: list[tuple[str, int, int]] = []
    report = lambda stage, done, total: told.append((stage, done, total))  # noqa: E731
    made = build_index([news], tmp_path / "index", embedder, report, workers=workers)
    assert (made.new, made.passages, made.embedded) == (alone.new, alone.passages, alone.embedded) == (13, 20, 20)
    assert (made.changes, made.rejected, made.notes) == (alone.changes, alone.rejected, alone.notes)
    assert len(made.rejected) == 1
    assert files(tmp_path / "index") == files(tmp_path / "alone")
    assert str(os.getpid()) not in {trace.name for trace in traces.iterdir()}
    embedding = [done for stage, done, _ in told if stage == "embedding"]
    assert embedding == sorted(embedding)
    assert [one for one in told if one[0] == "embedding"][-1] == ("embedding", 20, 20)
    for trace in traces.iterdir():
        trace.unlink()
    again = build_index([news], tmp_path / "index", embedder, workers=workers)
    assert (again.published, again.unchanged, again.embedded) == (False, 13, 0)
    assert not list(traces.iterdir())


def test_a_process_killed_while_it_embeds_changes_nothing(workers: Workers, news: Path, tmp_path: Path) -> None:
    build_index([news], tmp_path / "alone", HashedWordsEmbedder())
    traces = tmp_path / "traces"
    traces.mkdir()
    killed: list[int] = []

    def kill(stage: str, done: int, total: int) -> None:
        if not killed and (started := [int(trace.name) for trace in traces.iterdir()]):
            os.kill(started[0], signal.SIGKILL)
            killed.append(started[0])

    made = build_index([news], tmp_path / "index", TracedEmbedder(traces, 0.3), kill, workers=workers)
    assert len(killed) == 1
    assert made.embedded == 20
    assert files(tmp_path / "index") == files(tmp_path / "alone")


def test_an_error_of_a_step_is_that_of_the_step(workers: Workers) -> None:
    with pytest.raises(InputError) as caught:
        workers.submit(read_articles, [])()
    assert type(caught.value) is InputError
    assert (caught.value.problem, caught.value.fix) == ("no path to index was given", "Name a folder or files to index")


def test_nothing_of_it_listens_on_the_network(workers: Workers) -> None:
    processes = marked()
    addresses = listening(processes)
    assert len(processes) > 3
    assert addresses
    assert addresses <= {"0100007F", "0000000000000000FFFF00000100007F"}  # 127.0.0.1, and the same as IPv6


def test_ctrl_c_keeps_what_was_embedded_and_the_next_run_goes_on(
    workers: Workers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two commands with the address of a cluster and the real embedder."""
    import ray

    news, index = company_news(tmp_path, "abcdefghijklmnopqrstuvwxyz"), tmp_path / "index"
    address = ray.get_runtime_context().gcs_address
    assert address.startswith("127.0.0.1:")
    arguments = ["index", str(news), "--index", str(index), "--on", address]
    command = [sys.executable, "-c", COMMAND]
    with (tmp_path / "said").open("wb") as said:
        started = subprocess.Popen(
            [*command, *arguments], env=untraced(), stdout=said, stderr=said, start_new_session=True
        )
        try:
            until(lambda: list(index.glob("segments/*/segment.json")) or started.poll() is not None)
            os.killpg(started.pid, signal.SIGINT)
            assert started.wait(60) == 130, Path(said.name).read_text()
        finally:
            started.kill()
    assert "stopped. Nothing that was stored is lost" in Path(said.name).read_text()
    monkeypatch.setattr(commands, "COMMAND", command)
    done = process(*arguments)
    assert done.returncode == 0, done.stderr
    assert "passages were there from an interrupted run" in done.stderr
    monkeypatch.setattr(build, "CHECKPOINT_PASSAGES", CHECKPOINT)
    build_index([news], tmp_path / "alone", load_embedder())
    assert files(index) == files(tmp_path / "alone")


def test_an_embedder_that_differs_elsewhere_is_refused() -> None:
    make, (*named, fingerprint) = load_embedder().__reduce__()
    assert make(*named, fingerprint).fingerprint == fingerprint
    with pytest.raises(ModelError, match="is not the one that was asked for"):
        make(*named, "0" * 64)
    with pytest.raises(ModelError, match="Add --device cpu"):
        pickle.dumps(SentenceTransformerEmbedder(device="cuda"))


def test_what_cannot_be_used_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    company_news(tmp_path, "a")
    index = ("index", str(tmp_path / "news"), "--index", str(tmp_path / "index"), "--on")
    monkeypatch.setattr(on_ray, "ANSWER_SECONDS", 2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        refused(citewire(*index, address), f"no Ray cluster at {address}", "ray start --head")
    began = time.monotonic()
    refused(citewire(*index, address), f"no Ray cluster at {address}", "ray start --head")
    assert time.monotonic() - began < 10
    refused(citewire(*index, "ray://there"), "'ray://there' is neither ray nor an address")
    monkeypatch.setitem(sys.modules, "ray", None)
    refused(citewire(*index, "ray"), "Ray, which is not installed", "pip install 'citewire[ray]'")
    assert not (tmp_path / "index").exists()
