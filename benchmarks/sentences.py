"""How well citewire, and other libraries that split sentences, find where sentences end, and how fast.

    python benchmarks/sentences.py GUM EWT [CORPUS.jsonl.gz]

GUM and EWT are folders with the repositories UD_English-GUM and UD_English-EWT of Universal Dependencies: its news, its
biographies and travel guides, and the dev set of EWT. The ends inside of each paragraph count; that of the paragraph
itself does not. CORPUS has a "text" in each line and no gold: there the script counts the ends that a library has and
citewire has not, and the other way round, and `--show N` prints N of each, drawn at random. The other libraries are
those that are installed; spaCy's senter needs a long time.

    pip install --target FOLDER pysbd blingfire
    PYTHONPATH=FOLDER python benchmarks/sentences.py GUM EWT
"""

from __future__ import annotations

import argparse
import gzip
import importlib
import json
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from citewire.index.sentences import ends
from citewire.qa import analysis

SETS = {
    "GUM news": ("GUM_news_*.conllu",),
    "GUM bio, voyage": ("GUM_bio_*.conllu", "GUM_voyage_*.conllu"),
    "EWT dev": ("en_ewt-ud-dev.conllu",),
}
Splitter = Callable[[str], Iterable[int]]  # a paragraph -> where its sentences end


def citewire() -> Splitter:
    return ends


def sentencex() -> Splitter:
    lib: Any = importlib.import_module("sentencex")
    return lambda text: [one["end_index"] for one in lib.get_sentence_boundaries("en", text)]


def pysbd() -> Splitter:
    lib: Any = importlib.import_module("pysbd").Segmenter(language="en", clean=False, char_span=True)
    return lambda text: [one.end for one in lib.segment(text)]


def blingfire() -> Splitter:
    lib: Any = importlib.import_module("blingfire")
    return lambda text: [end for _, end in lib.text_to_sentences_and_offsets(text)[1]]


def senter() -> Splitter:
    lib: Any = importlib.import_module("spacy")
    others = ("tagger", "parser", "attribute_ruler", "lemmatizer", "ner")
    pipeline = lib.load(analysis._folder(), exclude=others)
    pipeline.enable_pipe("senter")
    return lambda text: [one.end_char for one in pipeline(text).sents]


LIBRARIES = {one.__name__: one for one in (sentencex, citewire, pysbd, blingfire, senter)}


def paragraphs(files: Iterable[Path]) -> Iterator[tuple[str, list[int]]]:
    """Yield the paragraphs of CoNLL-U files, and where their sentences end."""
    text, found = "", list[int]()
    for file in files:
        for line in (*file.read_text("utf-8").splitlines(), "# newdoc"):
            if line.startswith(("# newpar", "# newdoc")) and not line.startswith("# newpar_block"):
                if found:
                    yield text, found
                text, found = "", list[int]()
            elif line.startswith("# text = "):
                text = f"{text} {line.removeprefix('# text = ')}" if text else line.removeprefix("# text = ")
                found.append(len(text))


def inner(text: str, found: Iterable[int], *, told: bool = True) -> set[int]:
    """Return ends inside of a paragraph, as numbers of characters before them that are no white space.

    Args:
        text: the paragraph.
        found: where its sentences end.
        told: whether those inside of quotations count.
    """
    counted = {len("".join(text[:end].split())) for end in found if told or not is_told(text[:end].rstrip())}
    return counted - {0, len("".join(text.split()))}


def is_told(before: str) -> bool:
    """Whether a quotation is open."""
    return before.count('"') % 2 == 1 or before.count("“") > before.count("”")


def score(split: Splitter, gold: Sequence[tuple[str, list[int]]]) -> str:
    started = time.process_time()
    cut = [list(split(text)) for text, _ in gold]
    seconds = time.process_time() - started
    figures = []
    for told in (True, False):
        right = theirs = wanted = 0
        for (text, true), found in zip(gold, cut, strict=True):
            one, other = inner(text, found, told=told), inner(text, true, told=told)
            right, theirs, wanted = right + len(one & other), theirs + len(one), wanted + len(other)
        precision, recall = right / max(1, theirs), right / wanted
        figures.append((precision, recall, 2 * precision * recall / (precision + recall) if right else 0.0))
    speed = sum(len(text) for text, _ in gold) / 1_000 / max(seconds, 1e-9)
    return " / ".join(f"{one:.3f}" for one in figures[0]) + f"; {figures[1][2]:.3f}; {speed:,.0f}"


def compare(split: Splitter, texts: Sequence[str], show: int) -> str:
    """Count the ends that only one of a library and citewire has; print some of each."""
    only: dict[str, list[str]] = {"theirs": [], "ours": []}
    both = 0
    for text in texts:
        one, other = inner(text, split(text)), inner(text, ends(text))
        both += len(one & other)
        places = [at for at, character in enumerate(text) if not character.isspace()]
        for name, found in (("theirs", one - other), ("ours", other - one)):
            cuts = [places[end - 1] + 1 for end in sorted(found)]
            only[name] += [f"{text[max(0, at - 90) : at]} ‖ {text[at : at + 70]}" for at in cuts]
    dice = random.Random(7)
    for name, found in only.items():
        for line in dice.sample(found, min(show, len(found))):
            print(f"  only {name}: {line}")
    return f"{both:,} both, {len(only['theirs']):,} only theirs, {len(only['ours']):,} only ours"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--only", default=",".join(LIBRARIES), help="names of libraries, with commas between")
    parser.add_argument("--show", type=int, default=0)
    asked = parser.parse_args()
    files = [file for path in asked.paths if path.is_dir() for file in sorted(path.rglob("*.conllu"))]
    gold = {
        name: list(paragraphs(file for file in files if any(file.match(pattern) for pattern in patterns)))
        for name, patterns in SETS.items()
    }
    texts: list[str] = []
    for path in asked.paths:
        if not path.is_dir():
            with gzip.open(path, "rt", encoding="utf-8") as lines:
                texts += [part for line in lines for part in json.loads(line)["text"].splitlines() if part.strip()]
    print("precision / recall / F; F outside of quotations; thousand characters a second of one core")
    for name in asked.only.split(","):
        try:
            split = LIBRARIES[name]()
        except ImportError:
            print(f"| {name} | not installed |")
            continue
        split("It is warm. It was not.")  # what is made at the first call
        scores = [score(split, one) if one else "-" for one in gold.values()]
        print(f"| {name} | {' | '.join(scores)} |", flush=True)
        if texts and name != "citewire":
            print(f"  {len(texts):,} paragraphs: {compare(split, texts, asked.show)}", flush=True)


if __name__ == "__main__":
    main()
