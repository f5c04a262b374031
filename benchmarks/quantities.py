"""Count the amounts that citewire and other libraries read with the right value.

    python benchmarks/quantities.py [TATQA.json ...]

The project's own cases are the table of `tests/qa/test_quantities.py`: each amount by itself (some are clear only in
their text) and all amounts of each text. TATQA.json is a file of questions from `dataset_raw/` of
https://github.com/NExTplusplus/TAT-QA. Its answers with a scale (thousand, million, billion, percent) are read as
"$1,496.5 million" or "(12.5) percent". Answers that stand in a paragraph with their scale are also read there. Other
libraries are measured if they are installed; they may give a share as a fraction of one, and points as basis points.
    pip install --target FOLDER word2number price-parser quantulum3
    PYTHONPATH=FOLDER python benchmarks/quantities.py TATQA.json
"""

from __future__ import annotations

import importlib
import json
import math
import re
import runpy
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from citewire.qa import quantities

CASES = Path(__file__).resolve().parent.parent / "tests" / "qa" / "test_quantities.py"
SCALES = {"thousand": 1e3, "million": 1e6, "billion": 1e9, "percent": 1.0, "%": 1.0}
FIGURE = re.compile(r"([-−(])?\s?\$?\s?([-−(])?\s?(\d[\d,]*(?:\.\d+)?)\s?\)?\s?%?\)?")

SHARES = ("%", "points")

Reader = Callable[[Any, str], Sequence[float]]
Case = tuple[str, list[tuple[float, str]]]  # a text, and the value and unit of each amount in it

# name -> (module, function that reads a text, whether it finds all amounts of a longer text)
LIBRARIES: dict[str, tuple[str, Reader, bool]] = {
    "citewire": ("citewire.qa.quantities", lambda lib, text: [one.value for one in lib.numbers(text)], True),
    "quantulum3": ("quantulum3.parser", lambda lib, text: [one.value for one in lib.parse(text)], True),
    "text2num": ("text_to_num", lambda lib, text: digits(lib.alpha2digit(text, "en")), True),
    "price-parser": ("price_parser", lambda lib, text: [lib.Price.fromstring(text).amount_float], False),
    "word2number": ("word2number.w2n", lambda lib, text: [lib.word_to_num(text)], False),
    "Babel": ("babel.numbers", lambda lib, text: [float(lib.parse_decimal(text, locale="en"))], False),
}


def digits(text: str) -> list[float]:
    return [float(figure.replace(",", "")) for figure in re.findall(r"\d[\d,]*(?:\.\d+)?", text)]


def own_cases() -> tuple[list[Case], list[Case]]:
    """Each amount of the table by itself, once, and each text with all of its amounts."""
    table = runpy.run_path(str(CASES))["AMOUNTS"]
    alone = sorted({(written, value, unit) for _, told in table for value, unit, written in told})
    texts = [(text, [(value, unit) for value, unit, _ in told]) for text, told in table]
    return [(text, [(value, unit)]) for text, value, unit in alone], texts


def answers(file: Path) -> Iterator[tuple[str, str, Sequence[str]]]:
    """Yield each answer with its scale and the paragraphs of its context."""
    for context in json.loads(file.read_text("utf-8")):
        paragraphs = [one["text"] for one in context["paragraphs"]]
        for question in context["questions"]:
            listed = question["answer"] if isinstance(question["answer"], list) else [question["answer"]]
            yield from ((str(answer).strip(), question["scale"], paragraphs) for answer in listed)


def value(answer: str, scale: str) -> float | None:
    """The value of an answer in digits; negative in brackets or after a minus; None for words."""
    if not (figure := FIGURE.fullmatch(answer)):
        return None
    return float(figure[3].replace(",", "")) * SCALES[scale] * (-1 if figure[1] or figure[2] else 1)


def standing(answer: str, paragraphs: Sequence[str]) -> Iterator[tuple[str, int, float]]:
    """Yield the paragraphs in which an answer stands with its scale, its offset, and its value."""
    answer = re.sub(r"\s?(?:%|thousand|million|billion|percent)$", "", answer)
    scaled = re.compile(rf"(?<![\d.,])({re.escape(answer)})\s?(thousand|million|billion|percent|%)")
    for text in paragraphs:
        found = scaled.search(text)
        if found and (meant := value(answer, found[2])) is not None:
            yield text, found.start(), meant


def right(told: Sequence[float | None], meant: Sequence[tuple[float, str]]) -> bool:
    """Whether exactly these values were read; a share may be 0.25 or 25, points 0.25 or 25."""
    return len(told) == len(meant) and all(
        read is not None
        and any(math.isclose(read * part, value, rel_tol=1e-6) for part in ((1, 100, 0.01) if unit in SHARES else (1,)))
        for read, (value, unit) in zip(told, meant, strict=True)
    )


def score(reader: Reader, library: Any, cases: Sequence[Case]) -> str:
    hits = sum(right(read(reader, library, text), meant) for text, meant in cases)
    return f"{hits:,} of {len(cases):,}" if cases else "-"


def read(reader: Reader, library: Any, text: str) -> Sequence[float | None]:
    try:
        return reader(library, text)
    except Exception:  # noqa: BLE001  # each library has errors of its own
        return []


def main(files: Sequence[Path]) -> None:
    warnings.simplefilter("ignore")
    given = [one for file in files for one in answers(file)]
    alone, texts = own_cases()
    scaled: list[Case] = [
        (answer if "%" in answer else f"{answer} {scale}", [(meant, "")])
        for answer, scale, _ in given
        if scale and (meant := value(answer, scale)) is not None
    ]
    kinds = [[case for case in alone if bool(re.search(r"\d", case[0])) == figures] for figures in (True, False)]
    print("library | amounts in digits | in words | texts | TAT-QA, with a scale")
    for name, (module, reader, finds) in LIBRARIES.items():
        try:
            library = importlib.import_module(module)
        except ImportError:
            continue
        print(name, *(score(reader, library, cases) for cases in (*kinds, texts if finds else [], scaled)), sep=" | ")
    there = {one for answer, _, paragraphs in given for one in standing(answer, paragraphs)}
    hits = sum(_stands(*one) for one in there)
    print(f"citewire, where they stand in paragraphs: {hits:,} of {len(there):,}")


def _stands(text: str, start: int, meant: float) -> bool:
    """Whether the number at `start` is this one; a loss may have no sign there: "a loss of $(9.8) million"."""
    return any(
        one.start <= start + 1 and start < one.end and math.isclose(abs(one.value), abs(meant))
        for one in quantities.numbers(text)
    )


if __name__ == "__main__":
    main([Path(file) for file in sys.argv[1:]])
