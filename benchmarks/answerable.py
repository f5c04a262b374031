"""Share of answerable questions kept and of unanswerable ones refused, on the five seed articles, without a model.

    python benchmarks/answerable.py

The first 50 questions of `answerable.jsonl` were written to find the holes of earlier rules, the others in other words
than the articles' and on things beside what they say: no fair sample, and answerability.py fits with them. The list of
mistakes is what they are for. `words`: any one of these stands in a sentence that answers.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from citewire.index.build import build_index
from citewire.index.embed import load_embedder
from citewire.index.search import search
from citewire.index.store import Index
from citewire.qa import question
from citewire.qa.evidence import weigh
from citewire.qa.judge import Judge
from citewire.qa.vectors import WordVectors
from citewire.seeds import seeds_folder

PASSAGES = 8


def main() -> None:
    lines = (Path(__file__).parent / "answerable.jsonl").read_text(encoding="utf-8").splitlines()
    embedder = load_embedder()
    vectors = WordVectors(embedder)
    counts = {True: [0, 0], False: [0, 0]}
    first = 0
    with tempfile.TemporaryDirectory() as folder:
        build_index([seeds_folder()], Path(folder) / "index", embedder)
        index = Index.open(Path(folder) / "index", embedder)
        for record in map(json.loads, lines):
            parsed = question.parse(record["question"])
            hits = search(index, embedder, parsed.text, PASSAGES)
            weighed = weigh(parsed, hits, index.article, embedder, Judge(parsed, vectors))
            best = weighed.evidence[0]
            right = record["answerable"] == (not best.missing)
            counts[record["answerable"]][0] += right
            counts[record["answerable"]][1] += 1
            first += not best.missing and any(words in best.text for words in record.get("words", ()))
            if not right:
                print(f"{'refused' if best.missing else 'kept'} at {weighed.probability:.2f}: {parsed.text}")
                print(f"    {best.missing} {best.text[:100]}")
    print(f"answerable kept {counts[True][0]} of {counts[True][1]}")
    print(f"  with a sentence first that answers {first}")
    print(f"unanswerable refused {counts[False][0]} of {counts[False][1]}")


if __name__ == "__main__":
    main()
