"""Count the copies of an article that are found and the other articles wrongly taken for copies, and time both.

    python benchmarks/duplicates.py ARTICLES [--show 20]

ARTICLES is a folder of .txt files or a .jsonl (or .jsonl.gz) file with a "text" in each line. Copies are made from
500 of them. Groups among the unchanged articles are counted separately, because they may be real copies.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from citewire.index.duplicates import Grouper, signature

SAMPLE = 500
KNOWN = 100_000

Mutation = Callable[[str, random.Random, Sequence[str]], str]


def cut_tail(share: float) -> Mutation:
    return lambda text, _, __: text[: int(len(text) * (1 - share))]


def cut_head(share: float) -> Mutation:
    return lambda text, _, __: text[int(len(text) * share) :]


def headline(text: str, dice: random.Random, words: Sequence[str]) -> str:
    return " ".join(dice.choices(words, k=10)) + "\nBy A. Writer\nUpdated 10:14 a.m.\n\n" + text


def paragraph(text: str, dice: random.Random, words: Sequence[str]) -> str:
    """Add a fifth of the text, from other articles."""
    return text + "\n\n" + " ".join(dice.choices(words, k=len(text.split()) // 5))


def changed(share: float) -> Mutation:
    def change(text: str, dice: random.Random, words: Sequence[str]) -> str:
        return re.sub(r"\w+", lambda found: dice.choice(words) if dice.random() < share else found[0], text)

    return change


def typography(text: str, _: random.Random, __: Sequence[str]) -> str:
    curly = text.replace('"', "“").replace("'", "’").replace("—", " -- ")
    return re.sub(r"\s+", "\n", curly).upper()


def figures(text: str, dice: random.Random, _: Sequence[str]) -> str:
    """The same text with other figures; it does not count as a copy."""
    return re.sub(r"[0-9]+", lambda found: str(dice.randrange(1, 10 ** len(found[0]) + 9)), text)


COPIES: dict[str, Mutation] = {
    "typography": typography,
    "another headline": headline,
    "a fifth added": paragraph,
    "last third cut": cut_tail(1 / 3),
    "last half cut": cut_tail(1 / 2),
    "first third cut": cut_head(1 / 3),
    "headline, third cut, fifth added": lambda t, d, w: headline(paragraph(cut_tail(1 / 3)(t, d, w), d, w), d, w),
    "5 % of words changed": changed(0.05),
    "10 % of words changed": changed(0.10),
    "20 % of words changed": changed(0.20),
}


def read(path: Path) -> list[str]:
    if path.is_dir():
        return [file.read_text(encoding="utf-8") for file in sorted(path.rglob("*.txt"))]
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
        return [json.loads(line)["text"] for line in lines]


def report_speed(texts: Sequence[str], signatures: Sequence[bytes], seconds: float) -> None:
    print(f"{len(texts)} articles, signature {1000 * seconds / len(texts):.2f} ms an article")
    dice = random.Random(1)
    known = [(str(i), dice.randbytes(len(signatures[0]))) for i in range(KNOWN)]
    start = time.perf_counter()
    grouper = Grouper(known)
    print(f"{KNOWN} known articles taken in: {time.perf_counter() - start:.2f} s")
    start = time.perf_counter()
    for i, one in enumerate(signatures[:SAMPLE]):
        grouper.group(str(i), one)
    print(f"grouping with them: {1000 * (time.perf_counter() - start) / len(signatures[:SAMPLE]):.2f} ms an article")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("articles", type=Path)
    parser.add_argument("--show", type=int, default=0, help="print so many of the groups found")
    arguments = parser.parse_args()
    texts = read(arguments.articles)
    signature(texts[0])
    start = time.perf_counter()
    signatures = [signature(text) for text in texts]
    report_speed(texts, signatures, time.perf_counter() - start)

    grouper = Grouper([])
    groups = [grouper.group(str(i), one) for i, one in enumerate(signatures)]
    members: dict[str, list[int]] = {}
    for i, group in enumerate(groups):
        members.setdefault(group, []).append(i)
    shared = [rows for rows in members.values() if len(rows) > 1]
    print(f"as they are: {sum(map(len, shared))} articles in {len(shared)} groups of two and more")
    for rows in shared[: arguments.show]:
        print("".join(f"\n  {i}: {' '.join(texts[i].split())[:150]}" for i in rows[:3]))

    dice = random.Random(2)
    words = [word for text in texts[:200] for word in text.split()]
    long = [rows[0] for rows in members.values() if len(texts[rows[0]].split()) >= 60]
    sample = dice.sample(long, min(SAMPLE, len(long)))
    known = list(zip(groups, signatures, strict=True))
    for name, mutate in COPIES.items():
        made = [(groups[i], Grouper(known).group("copy", signature(mutate(texts[i], dice, words)))) for i in sample]
        print(
            f"{name}: {sum(a == b for a, b in made) / len(made):.1%} found, {wrong(made, members)} with another article"
        )
    with_figures = [i for i in sample if len(re.findall(r"[0-9]+", texts[i])) >= 10]
    made = [(groups[i], Grouper(known).group("x", signature(figures(texts[i], dice, words)))) for i in with_figures]
    print(f"other figures, no copy: {sum(a == b for a, b in made)} of {len(made)} taken for one")


def wrong(made: Sequence[tuple[str, str]], members: dict[str, list[int]]) -> int:
    return sum(a != b and b in members for a, b in made)


if __name__ == "__main__":
    main()
