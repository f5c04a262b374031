"""No file can break the reader: not by its size, time or a crash, nor by network access or other programs."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import untraced
from documents import PARAGRAPHS, deflated_blanks, docx, epub, page, paragraph, pdf, zipped

from citewire.index import sandbox as sandbox_module
from citewire.index.documents import Document, Limits, Refused
from citewire.index.formats import Request
from citewire.index.sandbox import Sandbox, serve

pytestmark = pytest.mark.slow  # processes, servers or real networks

# A real child, except that its reader of .md does what the file says.
BROKEN = (
    sys.executable,
    "-c",
    """
import ctypes, os, socket, subprocess, sys, time
from citewire.index import formats, sandbox
from citewire.index.documents import Document

def read_markdown(data, request):
    text = data.decode()
    if text == "crash": ctypes.string_at(0)
    if text == "raise": raise RuntimeError("boom")
    if text == "hang": time.sleep(1_000)
    if text == "eat": [bytearray(10_000_000) for _ in range(1_000)]
    if text == "exit": os._exit(3)
    if text == "print": print("noise", flush=True); os.write(1, b"more noise")
    if text == "long": return Document("x" * 3_000_000)
    if text == "connect": socket.create_connection(("127.0.0.1", 9))
    if text == "resolve": socket.getaddrinfo("example.org", 80)
    if text == "run": subprocess.run(["true"])
    if text == "environment": return Document(" ".join(sorted(os.environ)))
    return Document(text)

formats._ARTICLES = {".md": read_markdown}
sandbox.main()
""",
)


@pytest.fixture(scope="module")
def others() -> list[int]:
    """Child processes from before these tests, such as multiprocessing's resource tracker."""
    return children()


@pytest.fixture
def broken(others: list[int]) -> Iterator[Sandbox]:
    with Sandbox(Limits(memory=500_000_000, characters=100_000), BROKEN) as sandbox:
        yield sandbox


def read(sandbox: Sandbox, data: bytes, kind: str = ".md") -> list[Document | Refused]:
    return list(sandbox.read(data, Request(kind, "x")))


def reason(sandbox: Sandbox, data: bytes, kind: str = ".md") -> str:
    (found,) = read(sandbox, data, kind)
    assert isinstance(found, Refused), found
    assert found.fix
    return found.reason


def children(parent: int | None = None) -> list[int]:
    """Return the running child processes of `parent`, by default of this process."""
    found = []
    for file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has just ended
            state, above = file.read_text().rpartition(")")[2].split()[:2]
            if int(above) == (parent or os.getpid()) and state != "Z":
                found.append(int(file.parent.name))
    return sorted(found)


def test_one_child_reads_many_files_of_all_formats(others: list[int]) -> None:
    files = {
        ".html": page(),
        ".pdf": pdf([list(PARAGRAPHS)]),
        ".docx": docx("".join(map(paragraph, PARAGRAPHS))),
        ".epub": epub({"a.xhtml": f"<html><body><p>{PARAGRAPHS[0]}</p></body></html>"}),
        ".eml": f"Subject: x\n\n{PARAGRAPHS[0]}".encode(),
        ".md": PARAGRAPHS[0].encode(),
        ".jsonl": json.dumps({"text": PARAGRAPHS[0]}).encode(),
        ".csv": f'text\n"{PARAGRAPHS[0]}"\n'.encode(),
        ".xml": f"<rss><item><description>{PARAGRAPHS[0]}</description></item></rss>".encode(),
        ".zip": zipped({"a.txt": PARAGRAPHS[0]}),
    }
    with Sandbox() as sandbox:
        for kind, data in files.items():
            (found,) = read(sandbox, data, kind)
            assert isinstance(found, Document), (kind, found)
            assert PARAGRAPHS[0] in found.text, kind
        assert sandbox.started == 1
        assert len(children()) == len(others) + 1
    assert children() == others


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("crash", "crashed the reader of its format: SIGSEGV"),
        ("raise", "crashed the reader of its format: RuntimeError: boom"),
        ("exit", "crashed the reader of its format: exit code 3"),
        ("eat", "is too large: reading it needs more than 500 MB of memory"),
        ("long", "is too large: 3,000,000 characters of text, at most 100,000"),
        ("connect", "crashed the reader of its format: PermissionError: socket."),
        ("resolve", "crashed the reader of its format: PermissionError: socket.getaddrinfo"),
        ("run", "crashed the reader of its format: PermissionError: subprocess.Popen"),
    ],
)
def test_a_file_that_breaks_its_reader_is_refused_and_the_next_is_read(broken: Sandbox, text: str, why: str) -> None:
    assert read(broken, b"before") == [Document("before")]
    assert reason(broken, text.encode()).startswith(why)
    assert read(broken, b"after") == [Document("after")]
    assert broken.started == (1 if text == "long" else 2)


def test_a_file_that_hangs_is_refused_and_its_child_is_ended(others: list[int]) -> None:
    with Sandbox(Limits(seconds=2.0), BROKEN) as sandbox:
        assert reason(sandbox, b"hang") == "took longer than 2 seconds to read"
        assert children() == others


def test_what_a_library_prints_is_no_result(broken: Sandbox) -> None:
    assert read(broken, b"print") == [Document("print")]


def test_the_child_sees_no_secrets(broken: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEY", "secret")
    (found,) = read(broken, b"environment")
    assert isinstance(found, Document)
    assert "PATH" in found.text.split()
    assert not {"API_KEY", "HOME"} & set(found.text.split())


def test_a_zip_goes_on_behind_the_file_that_breaks_its_reader(broken: Sandbox) -> None:
    names = ["good", "crash", "raise", "end"]
    found = read(broken, zipped({f"{name}.md": name for name in names}), ".zip")
    assert [(one.part, one.text if isinstance(one, Document) else one.reason) for one in found] == [
        ("/good.md", "good"),
        ("/crash.md", "crashed the reader of its format: SIGSEGV"),
        ("/raise.md", "crashed the reader of its format: RuntimeError: boom"),
        ("/end.md", "end"),
    ]
    assert broken.started == 3


def test_600_megabytes_in_a_pdf_of_583_kilobytes_are_too_large() -> None:
    data = pdf([["Text."]], stream=deflated_blanks(600))
    assert len(data) < 600_000
    with Sandbox() as sandbox:
        assert reason(sandbox, data, ".pdf") == (
            f"is too large: {len(data):,} bytes of PDF inflate to more than 100,000,000"
        )


def test_bombs_within_the_limit_of_bytes_stay_within_that_of_memory() -> None:
    many = "<p/>" * 9_000_000  # 36 MB of XML; its tree takes thirty times as much
    with Sandbox(Limits(memory=400_000_000)) as sandbox:
        assert "needs more than 400 MB" in reason(sandbox, f"<rss>{many}".encode(), ".xml")
        assert read(sandbox, b"after") == [Document("after")]


def test_a_consumer_that_stops_early_leaves_no_child(broken: Sandbox, others: list[int]) -> None:
    results = broken.read(b'{"text": "a"}\n' * 100_000, Request(".jsonl", "x"))
    assert next(results) == Document("a", part="#1")
    results.close()  # type: ignore[attr-defined]
    assert children() == others


def test_results_come_before_the_file_is_at_its_end() -> None:
    with Sandbox(Limits(seconds=2.0), BROKEN) as sandbox:
        results = sandbox.read(zipped({"a.md": "first", "b.md": "hang"}), Request(".zip", "x"))
        assert next(results) == Document("first", part="/a.md")
        assert isinstance(next(results), Refused)


def runs(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


PARENT = f"""
import sys, time
from citewire.index.documents import Limits
from citewire.index.formats import Request
from citewire.index.sandbox import Sandbox
with Sandbox(Limits(seconds=float(sys.argv[2])), {BROKEN!r}) as sandbox:
    list(sandbox.read(b"before", Request(".md", "x")))
    if sys.argv[1] == "idle":
        print("reading", flush=True)
        time.sleep(1_000)
    if sys.argv[1] == "hang":
        print("reading", flush=True)
        list(sandbox.read(b"hang", Request(".md", "x")))
    results = sandbox.read(b'{{"text": "a"}}\\n' * 1_000_000, Request(".jsonl", "x"))
    next(results)
    print("reading", flush=True)
    time.sleep(1_000)
"""


@pytest.mark.parametrize(
    ("ending", "doing", "seconds"),
    [
        (signal.SIGINT, "hang", "600"),
        (signal.SIGINT, "stream", "600"),
        (signal.SIGKILL, "idle", "600"),
        (signal.SIGKILL, "stream", "600"),
        (signal.SIGKILL, "hang", "1"),
    ],
)
def test_however_the_parent_ends_it_leaves_no_orphan(ending: signal.Signals, doing: str, seconds: str) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, doing, seconds],
        env=untraced(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    with parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"reading\n"
        (child,) = children(parent.pid)
        os.killpg(parent.pid, ending)
        assert parent.wait(30) == -ending
    until = time.monotonic() + 30
    while runs(child) and time.monotonic() < until:
        time.sleep(0.02)
    assert not runs(child)


def test_the_parent_itself_imports_no_parser(tmp_path: Path) -> None:
    program = """
import sys
from citewire.index.articles import read_articles
(found,) = read_articles([sys.argv[1]])
assert found.title == "Dam breaks", found
print(sorted({"lxml", "trafilatura", "pypdfium2", "markdown_it"} & set(sys.modules)))
"""
    (tmp_path / "a.html").write_bytes(page())
    assert subprocess.check_output([sys.executable, "-c", program, str(tmp_path / "a.html")]) == b"[]\n"


def test_the_child_imports_nothing_from_the_current_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "lxml.py").write_text("raise SystemExit('taken over')")
    monkeypatch.chdir(tmp_path)
    with Sandbox() as sandbox:
        (found,) = read(sandbox, page(), ".html")
    assert isinstance(found, Document)


def test_requests_are_answered_in_lines() -> None:
    header = json.dumps({"format": ".md", "shown": "x", "limits": {"characters": 9}, "size": 5}).encode()
    results = io.BytesIO()
    serve(io.BytesIO(header + b"\nhello" + header + b"\n\xff\0\xff\xff\xff"), results)
    answers = [json.loads(line) for line in results.getvalue().splitlines()]
    assert [(kind, *[v["reason"][:12] if "reason" in v else v["text"] for v in value]) for kind, *value in answers] == [
        ("document", "hello"),
        ("end",),
        ("refused", "is a binary "),
        ("end",),
    ]


def test_a_child_that_ran_out_of_memory_says_so_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(data: bytes, request: Request) -> Iterator[Document]:
        yield from ()
        raise MemoryError

    monkeypatch.setattr(sandbox_module, "read", exhausted)
    header = json.dumps({"format": ".md", "shown": "x", "limits": {}, "size": 0}).encode() + b"\n"
    results = io.BytesIO()
    serve(io.BytesIO(header * 2), results)
    assert results.getvalue() == b'["exhausted"]\n'


def test_a_child_that_does_not_start_is_a_refusal_of_the_file() -> None:
    with Sandbox(command=(sys.executable, "-c", "raise SystemExit('no such reader')")) as sandbox:
        assert reason(sandbox, b"x") == "crashed the reader of its format: no such reader"


def test_a_child_that_ends_while_it_is_sent_a_file_is_a_refusal() -> None:
    early = "import os; os.write(1, b'[\"ready\"]\\n'); os.read(0, 10)"
    with Sandbox(command=(sys.executable, "-c", early)) as sandbox:
        assert reason(sandbox, b"x" * 10_000_000) == "crashed the reader of its format: exit code 0"


def test_a_result_without_end_is_too_large() -> None:
    endless = "import os; os.write(1, b'[\"ready\"]\\n'); [os.write(1, b'x' * 65536) for _ in iter(int, 1)]"
    with Sandbox(Limits(characters=1_000), (sys.executable, "-c", endless)) as sandbox:
        assert reason(sandbox, b"x") == "is too large: its text does not end"
