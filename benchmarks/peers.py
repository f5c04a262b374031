"""How much of the files that two peers test themselves on citewire reads as they say it should be read.

    python benchmarks/peers.py TRAFILATURA MAIL_PARSER [--sample 200] [--show 5]

The folders hold https://github.com/adbar/trafilatura and https://github.com/stalwartlabs/mail-parser, unpacked; nothing
is downloaded. Of each page of trafilatura's evaluation some pieces of text are known that it must and must not give,
white space aside: precision, recall and F count them as its own evaluation does, and a page that is refused gives none.
Of each mail the other parser states the text that a mail program shows: words of it that citewire gives, and words that
citewire gives and it does not state. HTML in it counts by its words alone. Without the limits of the sandbox.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import time
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import trafilatura

from citewire.index.documents import Document, Refused
from citewire.index.formats import Request, read

Counts = Counter[str]


def citewire(data: bytes, kind: str) -> str:
    """Return all text that is read of a file, "" for one that is refused."""
    found = list(read(data, Request(kind, f"a{kind}")))
    return "\n".join(one.text for one in found if isinstance(one, Document))


def reason(data: bytes, kind: str) -> str:
    return "; ".join(one.reason for one in read(data, Request(kind, f"a{kind}")) if isinstance(one, Refused))


def its_own(data: bytes) -> str:
    """Return what trafilatura gives with the settings of its own evaluation."""
    return trafilatura.extract(data, include_comments=False, include_tables=True, include_formatting=False) or ""


def squeezed(text: str) -> str:
    return " ".join(text.split())


# -- pages ----------------------------------------------------------------------------------------------


def pages(folder: Path, sample: int, show: int) -> None:
    tests = folder / "tests"
    known = json.loads((tests / "evaldata.json").read_text("utf-8")).values()
    files = {path.name: path for name in ("eval", "cache") for path in sorted((tests / name).glob("*.html"))}
    asked = [(files[one["file"]], one) for one in known if one["file"] in files]
    if sample:
        asked = random.Random(7).sample(asked, sample)
    print(f"{len(asked)} of {len(known)} pages\n| | gave no text | precision | recall | F | seconds a page |")
    readers: dict[str, Callable[[bytes], str]] = {"citewire": lambda data: citewire(data, ".html")}
    for name, reader in (readers | {"trafilatura itself": its_own}).items():
        counts, missed = Counter[str](), []
        started = time.process_time()
        for path, one in asked:
            text = squeezed(reader(path.read_bytes()))
            counts["silent"] += not text
            for piece in map(squeezed, one["with"]):
                counts["right" if piece in text else "missed"] += 1
                missed += [f"{path.name}: {piece}"] if piece not in text else []
            counts["wrong"] += sum(squeezed(piece) in text for piece in one["without"])
        seconds = (time.process_time() - started) / len(asked)
        print(f"| {name} | {counts['silent']} | {shares(counts)} | {seconds:.2f} |", flush=True)
        for line in random.Random(7).sample(missed, min(show, len(missed))):
            print(f"  missed: {line}")


def shares(counts: Counts) -> str:
    precision = counts["right"] / max(1, counts["right"] + counts["wrong"])
    recall = counts["right"] / max(1, counts["right"] + counts["missed"])
    return f"{precision:.3f} | {recall:.3f} | {2 * precision * recall / max(1e-9, precision + recall):.3f}"


# -- mails ----------------------------------------------------------------------------------------------


class _Words(HTMLParser):
    """The text of HTML without that of scripts, styles and the head's title."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self.closed = ""
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, _: object) -> None:
        self.closed = tag if tag in ("script", "style", "title") else self.closed
        self.pieces.append("" if tag in ("a", "b", "i", "u", "em", "span", "strong", "font") else " ")

    def handle_endtag(self, tag: str) -> None:
        self.closed = "" if tag == self.closed else self.closed

    def handle_data(self, data: str) -> None:
        self.pieces.append("" if self.closed else data)


def shown(stated: dict[str, Any]) -> str:
    """Return the text of the parts that the other parser shows of a mail."""
    bodies = [stated["parts"][number]["body"] for number in stated["html_body"]]
    texts = [next(iter(body.items())) for body in bodies if isinstance(body, dict)]
    plain = {"Html": lambda text: "".join(_Words(text).pieces), "Text": str}
    return "\n".join(plain[kind](text) for kind, text in texts if kind in plain)


def words(text: str) -> Counts:
    return Counter(re.findall(r"\w+", text.translate(_SMALL).lower()))


_SMALL = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉", "01234567890123456789")


def mails(folder: Path, show: int) -> None:
    files = sorted((folder / "resources" / "eml").rglob("*.eml"))
    counts, silent, off = Counter[str](), Counter[str](), []
    for path in files:
        data = path.read_bytes()
        theirs = words(shown(json.loads(path.with_suffix(".json").read_text("utf-8"))))
        text = citewire(data, ".eml")
        ours = words(text)
        if not text:
            silent[f"{reason(data, '.eml')} ({'the other one shows text' if theirs else 'so does the other one'})"] += 1
        both = (ours & theirs).total()
        counts.update(right=both, missed=theirs.total() - both, wrong=ours.total() - both, same=ours == theirs)
        if ours != theirs:
            off.append((theirs.total() - both, ours.total() - both, path))
    print(f"{len(files)} mails, {counts['same']} with just the same words\n| precision | recall | F |")
    print(f"| {shares(counts)} |")
    print("".join(f"  {number} refused: {why}\n" for why, number in silent.most_common()), end="")
    for missed, more, path in sorted(off, reverse=True)[:show]:
        print(f"  {missed} words missed, {more} more: {path.relative_to(folder)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trafilatura", type=Path)
    parser.add_argument("mail_parser", type=Path)
    parser.add_argument("--sample", type=int, default=0, help="how many of the pages, 0 for all")
    parser.add_argument("--show", type=int, default=0, help="how many of what was missed")
    asked = parser.parse_args()
    mails(asked.mail_parser, asked.show)
    pages(asked.trafilatura, asked.sample, asked.show)


if __name__ == "__main__":
    main()
