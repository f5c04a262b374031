"""Share of right answers by kind on a file of gold questions about the five seed articles.

    python benchmarks/gold.py GOLD.jsonl [--model NAME] [--json FILE]

A record has id, kind, question, history, must_include (each inner list: any one of its strings), must_not_include and
sources. Right means: for `unanswerable`, refused; for the others, answered with every must_include, no
must_not_include, and a quote from one of the sources. A `false_premise` may also be refused.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import resource
import statistics
import tempfile
from collections import defaultdict
from pathlib import Path

from citewire.index.build import build_index
from citewire.index.embed import load_embedder
from citewire.index.store import Index
from citewire.qa.answer import Answerer
from citewire.qa.generate import load_generator
from citewire.qa.types import Answer, Turn
from citewire.seeds import seeds_folder


def right(record: dict, answer: Answer) -> bool:
    """Whether `answer` is right by the record's own rules."""
    if answer.status == "abstained":
        return record["kind"] in ("unanswerable", "false_premise")
    text = answer.text.lower()
    has = all(any(s.lower() in text for s in any_of) for any_of in record["must_include"])
    clean = not any(s.lower() in text for s in record["must_not_include"])
    cited = {q.article for c in answer.claims if c.shown for q in c.quotes}
    return record["kind"] != "unanswerable" and has and clean and bool(cited & set(record["sources"]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gold", type=Path)
    parser.add_argument("--model", default="qwen2.5-coder-0.5b")
    parser.add_argument("--json", type=Path, help="write every answer here")
    options = parser.parse_args()
    records = [json.loads(line) for line in options.gold.read_text(encoding="utf-8").splitlines() if line.strip()]
    embedder = load_embedder()
    generator = load_generator(options.model)
    with tempfile.TemporaryDirectory() as folder:
        build_index([seeds_folder()], Path(folder) / "index", embedder)
        index = Index.open(Path(folder) / "index", embedder)
        answerer = Answerer(index, embedder, generator)
        results = []
        for record in records:
            answer = answerer.ask(record["question"], [Turn(*pair) for pair in record["history"]])
            for quote in (q for c in answer.claims for q in c.quotes):
                assert index.article(quote.article).text[quote.start : quote.end] == quote.text, quote
            results.append((record, answer, right(record, answer)))
            mark = "right" if results[-1][2] else "WRONG"
            print(
                f"{record['id']} {record['kind']:13} {mark} {answer.timings.total_s:5.1f}s {answer.text}",
                flush=True,
            )
    report(results)
    if options.json:
        rows = [{"id": r["id"], "right": ok, "answer": dataclasses.asdict(a)} for r, a, ok in results]
        options.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


def report(results: list[tuple[dict, Answer, bool]]) -> None:
    """Print right answers by kind, then medians of time and tokens over the answers that the model worded."""
    kinds: dict[str, list[bool]] = defaultdict(list)
    for record, _, ok in results:
        kinds[record["kind"]].append(ok)
    print()
    for kind, oks in kinds.items():
        print(f"{kind:13} {sum(oks)} of {len(oks)}")
    worded = [a.timings for _, a, _ in results if a.timings.output_tokens]
    for name in ("retrieve_s", "evidence_s", "first_token_s", "total_s", "prompt_tokens", "output_tokens"):
        print(f"{name:13} median {statistics.median(getattr(t, name) for t in worded):.2f}")
    refused = [a.timings.total_s for _, a, _ in results if a.status == "abstained"]
    print(f"{'refusal':13} median {statistics.median(refused) if refused else float('nan'):.2f} s")
    print(f"{'memory':13} peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.1f} GiB")


if __name__ == "__main__":
    main()
