"""Check that an index of many files of all formats, some broken, has the right contents within bounded memory.

    python benchmarks/mixed.py [--files 400] [--broken 5] [--json FILE]

The files have every format (news pages, PDF of several pages, Word, books, mails, feeds, records, zips; text also in
other encodings) and lie in folders of 100. Every twentieth is broken in one of `BROKEN`'s ways; each way has its own
right reason. They are indexed as by `citewire index`, with an embedder of hashed words in the place of the model
(`benchmarks/embedding.py` measures that). The result is right if every intact file gives its articles, each with the
words written into it, and every broken file is named with its reason. Peak memory is read after each quarter of the
files; the peak of the parsers' child process is read at the end. A second run without changes is timed too. Exit
code 1 if the result is wrong.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from itertools import cycle
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from documents import docx, encrypted_pdf, epub, page, paragraph, pdf, zipped
from embedders import HashedWordsEmbedder

from citewire.index.build import build_index
from citewire.index.store import Index

WORDS = 12  # sentences of an article
FOLDER = 100  # files of a folder


def told(number: int) -> list[str]:
    """Return the sentences of an article; the first one has its number."""
    first = f"The council of Holm met for the {number}th time on Monday, said the mayor’s office."
    return [
        first,
        *(
            f"Item {n} of meeting {number} was about the harbour, which costs {n * number} euros."
            for n in range(1, WORDS)
        ),
    ]


def _mail(number: int) -> bytes:
    head = f"From: Ann Lee <ann@d.example>\r\nSubject: Meeting {number}\r\nDate: Thu, 16 Jun 2022 10:00:00 +0000\r\n"
    return f"{head}Content-Type: text/plain; charset=utf-8\r\n\r\n{chr(10).join(told(number))}".encode()


def _feed(number: int) -> str:
    item = "<item><title>{0}</title><guid>{0}</guid><description>{1}</description></item>"
    items = "".join(item.format(n, " ".join(told(n))) for n in (number, -number))
    return f"<rss><channel><title>The Daily</title>{items}</channel></rss>"


def _chapter(number: int) -> str:
    body = "".join(f"<p>{one}</p>" for one in told(number))
    return f"<html xmlns='http://www.w3.org/1999/xhtml'><body>{body}</body></html>"


def _table(number: int) -> str:
    return "title,text\n" + "".join(f'{n},"{" ".join(told(n))}"\n' for n in (number, -number))


def _pdf(number: int) -> bytes:
    return pdf([[told(number)[0].replace("’", "'")], *([one] for one in told(number)[1:4])])


Made = Callable[[int], bytes | str]
# suffix -> function that makes a file, and suffixes that the paths of its articles have after its own path
SOUND: Mapping[str, tuple[Made, tuple[str, ...]]] = {
    ".txt": (lambda n: "\n\n".join(told(n)), ("",)),
    "-1252.txt": (lambda n: "\r\n".join(told(n)).encode("cp1252"), ("",)),
    "-16.txt": (lambda n: "\n".join(told(n)).encode("utf-16"), ("",)),
    ".md": (lambda n: f"# Meeting {n}\n\n" + "\n\n".join(told(n)), ("",)),
    ".html": (lambda n: page(paragraphs=told(n), title=f"Meeting {n}"), ("",)),
    ".pdf": (_pdf, ("",)),
    ".docx": (lambda n: docx("".join(map(paragraph, told(n)))), ("",)),
    ".epub": (lambda n: epub({"a.xhtml": _chapter(n)}), ("",)),
    ".eml": (_mail, ("",)),
    ".jsonl": (lambda n: "\n".join(json.dumps({"text": " ".join(told(m))}) for m in (n, -n)), ("#1", "#2")),
    ".csv": (_table, ("#2", "#3")),
    ".rss": (_feed, ("#{0}", "#2")),
    ".zip": (lambda n: zipped({"a.txt": " ".join(told(n)), "b/c.eml": _mail(-n)}), ("/a.txt", "/b/c.eml")),
}
# suffix -> function that makes a broken file, and the reason for leaving it out
BROKEN: Mapping[str, tuple[Made, str]] = {
    "-cut.pdf": (lambda n: _pdf(n)[:60], "broken"),
    "-locked.pdf": (lambda _: encrypted_pdf(), "is encrypted"),
    "-empty.txt": (lambda _: "", "empty"),
    "-picture.html": (lambda _: b"\x89PNG\r\n\x1a\n" + bytes(200), "PNG picture"),
    "-cut.docx": (lambda n: docx("".join(map(paragraph, told(n))))[:-40], "broken zip file"),
    "-no.epub": (lambda _: zipped({"a": "b"}), "META-INF/container.xml"),
    "-no.eml": (lambda _: b"no mail at all", "not a mail"),
    "-no.json.jsonl": (lambda _: "{", "not valid JSON"),
    "-old.doc": (lambda _: b"\xd0\xcf\x11\xe0", "cannot be read"),
    "-nothing.rss": (lambda _: "<rss><channel/></rss>", "no records"),
}


def make(folder: Path, files: int, broken: int) -> tuple[dict[str, str], dict[str, str]]:
    """Write the files; return a sentence of each right article by path, and the right reason by broken file."""
    articles: dict[str, str] = {}
    refused: dict[str, str] = {}
    sound, wrong = cycle(SOUND.items()), cycle(BROKEN.items())
    for number in range(1, files + 1):
        place = folder / f"{number // FOLDER:03}"
        place.mkdir(exist_ok=True)
        if broken and number % (100 // broken) == 0:
            suffix, (made, reason) = next(wrong)
            refused[f"{place / str(number)}{suffix}{'#1' if suffix.endswith('.jsonl') else ''}"] = reason
        else:
            suffix, (made, parts) = next(sound)
            path = f"{place.name}/{number}{suffix}"
            for part, of in zip(parts, (number, -number), strict=False):
                articles[path + part.replace("{0}", str(number))] = f"for the {of}th time"
        content = made(number)
        (place / f"{number}{suffix}").write_bytes(content if isinstance(content, bytes) else content.encode())
    return articles, refused


def megabytes(pid: str) -> int:
    """Return the peak memory of a process so far, in MB; 0 if it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) // 1024 for line in status.splitlines() if line.startswith("VmHWM")), 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=400)
    parser.add_argument("--broken", type=int, default=5, help="of a hundred")
    parser.add_argument("--json", type=Path, help="write the figures here")
    given = parser.parse_args()
    peaks: dict[int, int] = {}

    with tempfile.TemporaryDirectory() as temporary:
        news, index = Path(temporary) / "news", Path(temporary) / "index"
        news.mkdir()
        articles, refused = make(news, given.files, given.broken)
        read = len(articles) + len(refused)

        def quarter(stage: str, done: int, _: int) -> None:
            if stage == "reading" and done % (read // 4) == 0:
                peaks[done * 4 // read] = megabytes("self")

        before, started = megabytes("self"), time.monotonic()
        report = build_index([news], index, HashedWordsEmbedder(), quarter)
        seconds, end = time.monotonic() - started, megabytes("self")
        child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
        with Index.open(index) as opened:
            found = {article.path: opened.article(article.path).text for article in opened.articles()}
        reasons = {one.path: one.reason for one in report.rejected}
        started = time.monotonic()
        again = build_index([news], index, HashedWordsEmbedder())
        repeated = time.monotonic() - started

    wrong = [f"{path} is missing" for path in articles.keys() - found.keys()]
    wrong += [f"{path} should not be there" for path in found.keys() - articles.keys()]
    wrong += [f"{path} lacks {words!r}" for path, words in articles.items() if words not in found.get(path, words)]
    told_of = {file: reasons.get(file, "nothing") for file in refused}
    wrong += [f"{file}: {told_of[file]!r}, not {why!r}" for file, why in refused.items() if why not in told_of[file]]
    wrong += [f"{file} is left out: {reasons[file]}" for file in reasons.keys() - refused.keys()]
    wrong += [f"{again.changes[0]} in the second run"] if again.changes else []
    figures = {
        "files": given.files, "articles": len(found), "left out": len(reasons), "passages": report.passages,
        "seconds": round(seconds, 1), "files/s": round(given.files / seconds, 1), "second run, s": round(repeated, 1),
        "MB before": before, "MB by quarter": peaks, "MB at the end": end, "MB of the child": child, "wrong": wrong,
    }  # fmt: skip
    for name, value in figures.items():
        print(f"{name}: {value}")
    if given.json:
        given.json.write_text(json.dumps(figures, indent=1))
    if wrong:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
