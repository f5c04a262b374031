"""Measure how cost grows with the passages of an index, the turns of a conversation, and simultaneous people.

    python benchmarks/growth.py FILE [--passages 100,1000,10000,100000] [--turns INDEX] [--people JSON] [--plot FOLDER]

FILE keeps the figures (JSON). Each run replaces the figures of the same size, so sizes can be measured in separate
runs, and prints everything in FILE. --plot draws growth-*.svg from it, with logarithmic axes.

--passages: build, disk, memory, opening, searching, adding, each size in its own process. The articles are
synthetic: sentences of made-up words with the frequencies of a language (Zipf), one topic an article. Everything from
the files to the result of a search is citewire's own code. Only the embedder is replaced, by sums of random word
vectors: the real one would take hours for a million passages (`benchmarks/embedding.py` measures it). Under both
embedders, texts with common words are near each other. Queries are words drawn from a passage.

--turns: a conversation of 20 turns over an index of the sample articles, with the real models. Each question is also
asked after only the turn before it. Answers are not remembered between turns. An interrupted run continues.

--people: the output of `benchmarks/people.py --json`.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, tostring

import faiss
import numpy as np

from citewire.index.address import Location
from citewire.index.build import build_index
from citewire.index.cores import usable_cores
from citewire.index.options import SearchOptions
from citewire.index.query import terms
from citewire.index.search import DENSE, LEXICAL, search
from citewire.index.store import Index
from citewire.index.types import Embedder, Filters, Vectors
from citewire.qa.answer import Answerer
from citewire.qa.types import Answer, Searched, Turn
from citewire.ui.tree import el

Figures = dict[str, Any]
Series = dict[str, list[tuple[float, float]]]

WORDS = 100_000  # words in the vocabulary
TOPICS = 2_000
WORDS_OF_TOPIC = 150
SENTENCE = 16
SENTENCES = 50  # sentences of an article: ten passages
ARTICLE_PASSAGES = 10
FOLDERS = 10  # folders with equal numbers of articles
QUERIES = 300

QUESTIONS = (
    "How much revenue did Canaan's AI unit generate in 2024?",
    "What share of operating expenses did it account for?",
    "Why did Canaan shut it down?",
    "Who is the chief executive of Canaan?",
    "What did he say about Bitcoin mining?",
    "Which miner had the lowest all-in cash cost per coin?",
    "And the highest?",
    "How much gross profit did U.S.-listed miners earn in the first quarter of 2025?",
    "What was Canaan Technology's AI product revenue in 2018?",
    "And in 2019?",
    "Why is Kazakhstan attractive to bitcoin miners?",
    "How many miners has Canaan deployed there?",
    "What was Canaan's total revenue in 2024?",
    "How much did it grow?",
    "What tariff is there on mining equipment from Malaysia?",
    "When did Canaan release the Avalon Q?",
    "How much power does it have?",
    "How far have the shares of Canaan fallen?",
    "Who scrutinised Canaan because of its auditor?",
    "How many people does it employ?",
)


# -- passages ---------------------------------------------------------------------------------------------------------


class WordVectors:
    """An embedder: the weighted sum of one random vector for each word, length 1; rare words weigh more."""

    fingerprint = "random word vectors"
    dimension = 384

    def __init__(self) -> None:
        self._vectors = np.random.default_rng(5).standard_normal((WORDS, self.dimension)).astype(np.float32)
        self._vectors *= np.log(np.arange(2, WORDS + 2))[:, None].astype(np.float32)  # a rare word has more weight
        self.seconds = 0.0

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one unit vector for each text."""
        started = time.perf_counter()
        found = np.stack([self._vectors[[number(word) for word in text.split()]].sum(axis=0) for text in texts])
        self.seconds += time.perf_counter() - started
        return found / np.linalg.norm(found, axis=1, keepdims=True)

    def embed_query(self, question: str) -> Vectors:
        """Return the unit vector of a question."""
        return self.embed([question])[0]


CONSONANTS, VOWELS = "bdfgklmnprstvz", "aeiou"
SYLLABLES = [c + v for c in CONSONANTS for v in VOWELS]


def word(rank: int) -> str:
    """Return the made-up word of a frequency rank: its digits in base 70 as syllables; the first rank is "x" + "ba"."""
    digits = []
    while True:
        rank, digit = divmod(rank, len(SYLLABLES))
        digits.append(SYLLABLES[digit])
        if not rank:
            return "x" + "".join(digits)


RANKS = {word(rank): rank for rank in range(WORDS)}


def number(token: str) -> int:
    """Return the rank of a token; the rank of the commonest word if it is not a made-up word."""
    return RANKS.get(token.strip(".,").lower(), 0)


def write_articles(folder: Path, passages: int) -> None:
    """Write articles of about `ARTICLE_PASSAGES` passages each."""
    random = np.random.default_rng(3)
    vocabulary = np.array([word(rank) for rank in range(WORDS)], dtype=object)
    shares = 1 / np.arange(1, WORDS + 1)
    common = np.cumsum(shares / shares.sum())
    topics = random.integers(100, WORDS, (TOPICS, WORDS_OF_TOPIC))
    for place in range(FOLDERS):
        (folder / str(place)).mkdir(parents=True)
    for article in range(passages // ARTICLE_PASSAGES):
        ranks = np.searchsorted(common, random.random((SENTENCES, SENTENCE))).clip(max=WORDS - 1)
        of_topic = random.random(ranks.shape) < 0.3
        ranks[of_topic] = random.choice(topics[random.integers(TOPICS)], int(of_topic.sum()))
        sentences = [" ".join(row).capitalize() + "." for row in vocabulary[ranks]]
        paragraphs = [" ".join(sentences[start : start + 3]) for start in range(0, SENTENCES, 3)]
        file = folder / str(article % FOLDERS) / f"{article:07d}.txt"
        file.write_text("\n\n".join(paragraphs), encoding="utf-8")


def queries(index: Index) -> list[str]:
    """Return queries of five words from a passage, as rare as the words of a question."""
    random = np.random.default_rng(9)
    found = []
    for row in random.integers(0, index.rows, QUERIES):
        ranked = sorted({w.strip(".").lower() for w in index.fetch([int(row)])[0].text.split()}, key=number)
        found.append(" ".join(random.choice(ranked[len(ranked) // 3 :], 5, replace=False)))
    return found


def recall(index: Index, embedder: WordVectors, asked: Sequence[str]) -> float:
    """Return the share of the true ten nearest passages that the index finds."""
    vectors = embedder.embed(asked)
    heap = faiss.ResultHeap(len(asked), 10, keep_max=True)
    step = 100_000
    for start in range(0, index.rows, step):
        rows = range(start, min(start + step, index.rows))
        block = np.concatenate([part.segment.vectors(local) for part, local in index._by_part(rows)])
        scores, numbers = faiss.knn(vectors, block, 10, metric=faiss.METRIC_INNER_PRODUCT)
        heap.add_result(scores, numbers + start)
    heap.finalize()
    found = [{row for row, _ in index.search_dense(vector, 10)} for vector in vectors]
    return statistics.mean(len(a & set(b)) / 10 for a, b in zip(found, heap.I.tolist(), strict=True))


def milliseconds(embedder: WordVectors, ask: Callable[[str], object], asked: Sequence[str]) -> list[float]:
    """Return the milliseconds of each question, without embedding it."""
    times = []
    for question in asked:
        before, started = embedder.seconds, time.perf_counter()
        ask(question)
        times.append(1000 * (time.perf_counter() - started - (embedder.seconds - before)))
    return times


def searching(index: Index, embedder: WordVectors) -> Figures:
    """Return the times of searches (the very first one cold, all others warm) and the recall of dense search."""
    asked = queries(index)
    vectors = {question: embedder.embed_query(question) for question in asked}
    tenth = SearchOptions(filters=Filters(articles=("3/",)))
    first, *fused = milliseconds(embedder, lambda question: search(index, embedder, question), asked)
    of = {
        "fused": fused,
        "dense": milliseconds(embedder, lambda question: index.search_dense(vectors[question], DENSE), asked),
        "bm25": milliseconds(embedder, lambda question: index.search_bm25(terms(question), LEXICAL), asked),
        "filtered": milliseconds(embedder, lambda question: search(index, embedder, question, tenth), asked[:100]),
    }
    figures: Figures = {"first_query_ms": first, "recall_at_10": recall(index, embedder, asked)}
    for name, times in of.items():
        figures[f"{name}_p50_ms"] = statistics.median(times)
        figures[f"{name}_p95_ms"] = sorted(times)[int(len(times) * 0.95)]
    return figures


def measure(folder: Path, passages: int) -> Figures:
    articles, place = folder / "articles", folder / "index"
    write_articles(articles, passages)
    embedder = WordVectors()
    bare = memory_mb("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # resets the peak, which so far comes from writing the articles
    report = build_index([articles], place, embedder, tell())
    figures: Figures = {"passages": report.passages, "build_s": report.seconds, "embedder_s": embedder.seconds}
    figures["rate"] = report.passages / report.seconds
    figures |= {"memory_before_mb": bare, "memory_mb": memory_mb("VmHWM")}
    figures["text_mb"] = sum(file.stat().st_size for file in articles.rglob("*.txt")) / 1e6
    figures["disk_mb"] = sum(file.stat().st_size for file in place.rglob("*") if file.is_file()) / 1e6
    started = time.perf_counter()
    with Index.open(place, embedder) as index:
        figures["open_s"] = time.perf_counter() - started
        figures |= searching(index, embedder)
        figures["segments"] = len(index.parts)
    return figures | adding(folder, place, embedder)


def adding(folder: Path, place: Location, embedder: Embedder) -> Figures:
    """Return the times of an addition alone, and beside a generation that is open and was searched, as by the page."""
    figures = added(folder, place, embedder, 77_777)
    with Index.open(place, embedder) as shown:
        search(shown, embedder, word(500))
        return figures | {f"{name}_beside": time for name, time in added(folder, place, embedder, 77_778).items()}


def added(folder: Path, place: Location, embedder: Embedder, rank: int) -> Figures:
    """Return the seconds from adding one article until it is published, and until a search finds it."""
    new = folder / f"new{rank}.txt"
    new.write_text("Xylophone players met in a town. " + word(rank).capitalize() + " was played.", encoding="utf-8")
    started = time.perf_counter()
    published = build_index([new], place, embedder, mirror=False).seconds
    with Index.open(place, embedder) as index:
        first = search(index, embedder, "xylophone " + word(rank))[0]
        seconds = time.perf_counter() - started
    assert first.passage.article == new.name
    return {"add_published_s": published, "add_s": seconds}


def memory_mb(field: str) -> float:
    """Return the system's count for this process, in MB: now ("VmRSS") or the maximum so far ("VmHWM")."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status[field].split()[0]) * 1024 / 1e6


def tell() -> Callable[[str, int, int], None]:
    """Return a progress callback that prints a line twice a minute."""
    started = last = time.monotonic()

    def progress(what: str, done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last > 30:
            last = time.monotonic()
            print(f"{last - started:6.0f} s  {what}: {done:,} of {total:,}", flush=True)

    return progress


def grow(file: Path, sizes: Sequence[int], folder: Path | None) -> None:
    """Measure each size; several sizes each in their own process, because a process never gives memory back."""
    for size in sizes if len(sizes) > 1 else ():
        again = [sys.executable, __file__, str(file), "--passages", str(size)]
        subprocess.run([*again, *(["--folder", str(folder)] if folder else [])], check=True, stdout=subprocess.DEVNULL)
    if len(sizes) == 1:
        work = Path(tempfile.mkdtemp(dir=folder))
        try:
            found = measure(work, sizes[0])
        finally:
            shutil.rmtree(work)
        kept = read(file)
        kept["passages"] = {**kept.get("passages", {}), str(sizes[0]): found}
        write(file, kept)


# -- turns ------------------------------------------------------------------------------------------------------------


def converse(file: Path, place: Path, model: str) -> None:
    """Measure each turn of a conversation, and its question after only the turn before; continue an incomplete FILE."""
    from citewire.index.embed import load_embedder
    from citewire.qa.generate.load import load_generator
    from citewire.qa.reader import load_reader

    kept = read(file)
    done = kept.get("turns", [])
    turns: list[Figures] = done if len(done) < len(QUESTIONS) else []
    embedder, generator, reader = load_embedder(), load_generator(model), load_reader(usable_cores())
    with Index.open(place, embedder) as index:
        answerer = Answerer(index, embedder, generator, reader)
        answerer.ask(QUESTIONS[0])  # loads everything that is loaded at the first question
        for question in QUESTIONS[len(turns) :]:
            history = [Turn(row["question"], row["answer"]) for row in turns]
            after = {"all": history, "alone": history[-1:]}
            order = sorted(after, reverse=len(turns) % 2 == 1)  # alternates: the first may fill caches for the second
            found = {name: timed(answerer.over(index), question, after[name]) for name in order}
            (whole, of_all), (alone, of_last) = found["all"], found["alone"]
            row = {"turn": len(turns) + 1, "question": question, "answer": whole.text, "status": whole.status, **of_all}
            turns.append({**row, "alone": {**of_last, "same_answer": alone.text == whole.text}})
            write(file, {**kept, "turns": turns})


def timed(answerer: Answerer, question: str, history: Sequence[Turn]) -> tuple[Answer, Figures]:
    """Return the answer, and the seconds to its first word and to its end."""
    started, first = time.perf_counter(), 0.0
    for event in answerer.stream(question, history):
        if not isinstance(event, Searched):
            first = first or time.perf_counter() - started
    whole = time.perf_counter() - started
    assert isinstance(event, Answer)
    return event, {"first_s": first, "whole_s": whole, "prompt_tokens": event.timings.prompt_tokens}


# -- tables -----------------------------------------------------------------------------------------------------------

COLUMNS = {
    "passages": "{passages:,}",
    "build s": "{build_s:,.1f}",
    "passages/s": "{rate:,.0f}",
    "disk MB": "{disk_mb:,.1f}",
    "memory MB": "{memory_mb:,.0f}",
    "open s": "{open_s:.3f}",
    "dense p50 / p95 ms": "{dense_p50_ms:.1f} / {dense_p95_ms:.1f}",
    "BM25 p50 / p95 ms": "{bm25_p50_ms:.1f} / {bm25_p95_ms:.1f}",
    "fused p50 / p95 ms": "{fused_p50_ms:.1f} / {fused_p95_ms:.1f}",
    "a tenth, p95 ms": "{filtered_p95_ms:.1f}",
    "first ms": "{first_query_ms:.0f}",
    "recall@10": "{recall_at_10:.3f}",
    "add: published s": "{add_published_s:.2f}",
    "add: found s": "{add_s:.2f}",
    "add beside an open one: found s": "{add_s_beside:.2f}",
}


def cell(template: str, figures: Figures) -> str:
    """Return a cell of the table; empty if an old run did not measure this value."""
    try:
        return template.format(**figures)
    except KeyError:
        return ""


def show(kept: Figures) -> None:
    """Print the figures as tables in Markdown."""
    if sizes := kept.get("passages"):
        print("| " + " | ".join(COLUMNS) + " |\n|" + "---|" * len(COLUMNS))
        for size in sorted(sizes, key=int):
            print("| " + " | ".join(cell(template, sizes[size]) for template in COLUMNS.values()) + " |")
    if turns := kept.get("turns"):
        print("\n| turns | first word s | whole answer s | prompt tokens | after the last turn alone: first | whole |")
        print("|---|---|---|---|---|---|")
        for start in range(0, len(turns), 5):
            some = turns[start : start + 5]
            means = [statistics.mean(row[name] for row in some) for name in ("first_s", "whole_s", "prompt_tokens")]
            alone = [statistics.mean(row["alone"][name] for row in some) for name in ("first_s", "whole_s")]
            cells = f"{means[0]:.2f} | {means[1]:.2f} | {means[2]:.0f} | {alone[0]:.2f} | {alone[1]:.2f}"
            print(f"| {some[0]['turn']} to {some[-1]['turn']} | {cells} |")
        for name in ("first_s", "whole_s"):
            ratios = [row[name] / row["alone"][name] for row in turns[1:]]
            told = f"{statistics.geometric_mean(ratios):.2f}, {min(ratios):.2f} to {max(ratios):.2f}"
            print(f"{name}: after all turns before it / after the last alone, geometric mean and range: {told}")
        same = sum(row["alone"]["same_answer"] for row in turns)
        tokens = sum(row["prompt_tokens"] == row["alone"]["prompt_tokens"] for row in turns)
        print(f"of {len(turns)} turns {same} got the same answer, {tokens} a prompt of the same length")


# -- plots ------------------------------------------------------------------------------------------------------------

BY_PASSAGES = {
    "Seconds": {"build": "build_s", "add one article": "add_s", "open": "open_s"},
    "A query, milliseconds": {
        "dense p50": "dense_p50_ms",
        "BM25 p50": "bm25_p50_ms",
        "fused p50": "fused_p50_ms",
        "fused p95": "fused_p95_ms",
    },
    "MB": {"text": "text_mb", "disk": "disk_mb", "memory of the build": "memory_mb"},
}
COLOURS = ("#0a6", "#c40", "#36c", "#a3a", "#886", "#099")
WIDE, HIGH, LEFT, TOP = 240, 200, 46, 64  # size of a panel's axes, and the space for labels


def panel(title: str, below: str, series: Series, at: int) -> Element:
    """Return logarithmic axes with one line for each series; the dotted line is proportional to `below`."""
    points = [point for line in series.values() for point in line if min(point) > 0]
    xs = sorted({x for x, _ in points})
    x0, x1 = np.log10(xs[0]), np.log10(xs[-1])
    y0, y1 = decades([y for _, y in points])

    def place(x: float, y: float) -> tuple[float, float]:
        across, up = (np.log10(x) - x0) / (x1 - x0), (np.log10(y) - y0) / (y1 - y0)
        return round(LEFT + WIDE * float(across), 1), round(TOP + HIGH * (1 - float(up)), 1)

    steps = min(x1 - x0, y1 - y0)
    dotted = place(10.0**x0, 10.0**y0), place(10.0 ** (x0 + steps), 10.0 ** (y0 + steps))
    parts = [
        el("text", title, x=LEFT, y=14, fill="currentColor", **{"font-weight": "bold"}),
        el("rect", x=LEFT, y=TOP, width=WIDE, height=HIGH, fill="none", stroke="#8888"),
        el("path", d=trace(dotted), stroke="#888", **{"stroke-dasharray": "2 4"}),
        el("text", below, x=LEFT + WIDE / 2, y=TOP + HIGH + 32, fill="currentColor", **{"text-anchor": "middle"}),
    ]
    for labelled in xs if len(xs) < 8 else {xs[0], xs[len(xs) // 2 - 1], xs[-1]}:
        x, y = place(labelled, 10.0**y0)
        parts.append(el("text", f"{labelled:,}", x=x, y=y + 15, fill="currentColor", **{"text-anchor": "middle"}))
    for power in range(y0, y1 + 1):
        x, y = place(10.0**x0, 10.0**power)
        parts.append(el("text", short(power), x=x - 5, y=y + 4, fill="currentColor", **{"text-anchor": "end"}))
        parts.append(el("line", x1=x, x2=x + WIDE, y1=y, y2=y, stroke="#8883"))
    for n, ((name, line), colour) in enumerate(zip(series.items(), COLOURS, strict=False)):
        places = [place(*point) for point in line if min(point) > 0]
        parts.append(el("path", el("title", name), d=trace(places), fill="none", stroke=colour))
        parts += [el("circle", cx=x, cy=y, r=2.5, fill=colour) for x, y in places]
        across, down = divmod(n, 3)
        parts.append(el("text", name, x=LEFT + across * WIDE / 2, y=30 + 13 * down, fill=colour))
    return el("g", *parts, transform=f"translate({at} 0)")


def decades(values: Sequence[float]) -> tuple[int, int]:
    """Return the lowest and the highest power of ten around all values, at least one apart."""
    low, high = int(np.floor(np.log10(min(values)))), int(np.ceil(np.log10(max(values))))
    return low, max(high, low + 1)


def trace(places: Sequence[tuple[float, float]]) -> str:
    return "M" + " L".join(f"{x} {y}" for x, y in places)


def short(power: int) -> str:
    """Return a power of ten as a label."""
    return f"{10.0**power:,.0f}" if power >= 0 else f"{10.0**power:g}"


def drawing(label: str, panels: Sequence[tuple[str, str, Series]]) -> str:
    """Return panels side by side as SVG."""
    step = LEFT + WIDE + 24
    size = (step * len(panels), TOP + HIGH + 44)
    parts = [panel(*one, at=n * step) for n, one in enumerate(panels)]
    box = {"viewBox": f"0 0 {size[0]} {size[1]}", "role": "img", "aria-label": label}
    box |= {"xmlns": "http://www.w3.org/2000/svg", "style": "background: white; font: 11px sans-serif"}
    return tostring(el("svg", box, *parts, width=size[0], height=size[1]), encoding="unicode") + "\n"


def plot(kept: Figures, folder: Path) -> None:
    def drawn(name: str, label: str, panels: Sequence[tuple[str, str, Series]]) -> None:
        (folder / f"growth-{name}.svg").write_text(drawing(label, panels), encoding="utf-8")

    if sizes := kept.get("passages"):
        rows = sorted(sizes.values(), key=lambda row: row["passages"])
        panels = [
            (title, "passages", {said: line(rows, "passages", name) for said, name in names.items()})
            for title, names in BY_PASSAGES.items()
        ]
        drawn("passages", "Cost by the number of passages", panels)
    if turns := kept.get("turns"):
        alone = [{"turn": row["turn"], **row["alone"]} for row in turns]
        names = {"first word": "first_s", "whole answer": "whole_s"}
        lines = {said: line(turns, "turn", name) for said, name in names.items()}
        lines |= {f"{said}, last turn alone": line(alone, "turn", name) for said, name in names.items()}
        drawn("turns", "Seconds by the turn of a conversation", [("Seconds", "turn", lines)])
    if people := kept.get("people"):
        lines = {stage: [(row["people"], row["seconds"][stage][0]) for row in people] for stage in people[0]["seconds"]}
        drawn("people", "Seconds by the people who ask at once", [("Seconds", "people", lines)])


def line(rows: Sequence[Figures], by: str, name: str) -> list[tuple[float, float]]:
    return [(row[by], row[name]) for row in rows if name in row]


# -- the command ------------------------------------------------------------------------------------------------------


def read(file: Path) -> Figures:
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


def write(file: Path, kept: Figures) -> None:
    file.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="keeps the figures, JSON")
    parser.add_argument("--passages", default="", help="sizes to measure, joined by commas")
    parser.add_argument("--turns", type=Path, metavar="INDEX", help="an index of the sample articles")
    parser.add_argument("--people", type=Path, metavar="JSON", help="what benchmarks/people.py wrote")
    parser.add_argument("--model", default="qwen2.5-coder-0.5b", help="of --turns")
    parser.add_argument("--folder", type=Path, help="where to work; a million passages take 8 GB")
    parser.add_argument("--plot", type=Path, metavar="FOLDER")
    options = parser.parse_args()
    grow(options.file, [int(size) for size in options.passages.split(",") if size], options.folder)
    if options.turns:
        converse(options.file, options.turns, options.model)
    kept = read(options.file)
    if options.people:
        kept["people"] = json.loads(options.people.read_text(encoding="utf-8"))["rows"]
        write(options.file, kept)
    show(kept)
    if options.plot:
        plot(kept, options.plot)


if __name__ == "__main__":
    main()
