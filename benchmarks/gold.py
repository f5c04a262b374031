"""Share of right answers by kind on a file of gold questions about the five seed articles.

    python benchmarks/gold.py GOLD.jsonl [--model NAME] [--json FILE]

What is right is said in citewire/qa/marking.py, what a record may hold in citewire/qa/records.py. `citewire eval`
measures more, on any index; this makes the index of the seeds, and says what time, tokens and memory it took.
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
from citewire.qa import marking, records
from citewire.qa.answer import Answerer
from citewire.qa.generate import load_generator
from citewire.qa.records import Asked
from citewire.qa.types import Answer
from citewire.seeds import seeds_folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gold", type=Path)
    parser.add_argument("--model", default="qwen2.5-coder-0.5b")
    parser.add_argument("--json", type=Path, help="write every answer here")
    options = parser.parse_args()
    _, items = records.read(options.gold)
    embedder = load_embedder()
    generator = load_generator(options.model)
    with tempfile.TemporaryDirectory() as folder:
        build_index([seeds_folder()], Path(folder) / "index", embedder)
        index = Index.open(Path(folder) / "index", embedder)
        answerer = Answerer(index, embedder, generator)
        results = []
        for item in (item for item in items if isinstance(item, Asked)):
            answer = answerer.ask(item.question, item.history)
            for quote in (q for c in answer.claims for q in c.quotes):
                assert index.article(quote.article).text[quote.start : quote.end] == quote.text, quote
            ok, why = marking.judge(item, answer)
            results.append((item, answer, bool(ok)))
            mark = "right" if ok else f"WRONG ({'; '.join(why)})"
            print(f"{item.id} {item.kind:13} {mark} {answer.timings.total_s:5.1f}s {answer.text}", flush=True)
    report(results)
    if options.json:
        rows = [{"id": i.id, "right": ok, "answer": dataclasses.asdict(a)} for i, a, ok in results]
        options.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


def report(results: list[tuple[Asked, Answer, bool]]) -> None:
    """Print right answers by kind, then medians of time and tokens over the answers that the model worded."""
    kinds: dict[str, list[bool]] = defaultdict(list)
    for item, _, ok in results:
        kinds[item.kind].append(ok)
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
