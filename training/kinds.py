"""Fit the classifier of question kinds (qa/kinds.safetensors) on the wordings of kinds.jsonl.

    python training/kinds.py            # cross-validates, prints the confusions, writes the weights

A wording is a pattern with fillers in its slots. In cross-validation neither the pattern nor the fillers of a test
wording are in the fit. Also writes qa/asking.txt: words that ask for articles and name no topic.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file
from sklearn.linear_model import LogisticRegression

from citewire.index.embed import load_embedder
from citewire.qa import analysis, wording
from citewire.qa.kinds import KINDS, WEIGHTS, Intent

DATA = Path(__file__).parent / "kinds.jsonl"
ASKING = WEIGHTS.parent / "asking.txt"
ASKS = ("overview", "count", "mentions", "summary")  # intents that may have a topic
FOLDS = 5
MOST = {"fact": 1.5}  # weight of an intent that people use more often than its number of patterns shows
STRENGTH = 10.0  # inverse of the regularisation strength, chosen by cross-validation
SLOT = re.compile(r"\{(\w+)\}")
BARE = 8  # weight of a pattern with slots only: it stands for any name or thing typed without a question
ALONE = ("follow_up", "not_for_it")  # kinds that their first and last words identify
AROUND = 0.15  # share of wordings with an added opening ("hey,"), and share with an added ending ("please")

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Wording:
    """A wording; `pattern` is the number of its pattern, `fold` the fold of its fillers, -1 without fillers."""

    text: str
    intent: Intent
    pattern: int
    fold: int


def main() -> None:
    """Cross-validate, print the figures, write the weights."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--to", type=Path, default=WEIGHTS, help="the file to write")
    to = parser.parse_args().to
    patterns, slots = load(DATA)
    ASKING.write_text("".join(f"{word}\n" for word in asking_words(patterns)), "utf-8")
    wordings = expand(patterns, slots, Random(0))
    embedder = load_embedder(threads=1)
    vectors = np.stack([wording.features(one.text, embedder) for one in wordings])
    intents = sorted({one.intent for one in wordings})
    wanted = np.asarray([intents.index(one.intent) for one in wordings])
    held, logits = held_out(wordings, vectors, wanted, len(patterns))
    heat = temperature(logits, wanted[held])
    report(wanted[held], logits.argmax(1), intents)
    model = fit(vectors, wanted, weights(wordings))
    print(f"{len(patterns)} patterns, {len(wordings)} wordings, temperature {heat:.2f}")
    tensors = {"weight": model.coef_ / heat, "bias": model.intercept_ / heat}
    belongs = {"embedder": embedder.fingerprint, "features": wording.digest(), "intents": json.dumps(intents)}
    save_file({name: value.astype(np.float16, order="C") for name, value in tensors.items()}, to, belongs)


def load(data: Path) -> tuple[list[tuple[str, Intent]], dict[str, list[str]]]:
    """Return (pattern, intent) of each pattern, and the fillers of each slot; {name} is a person, org or place."""
    patterns, slots = [], defaultdict(list)
    for line in data.read_text("utf-8").splitlines():
        row = json.loads(line)
        if "slot" in row:
            slots[row["slot"]].append(row["text"])
        else:
            bare = not SLOT.sub("", row["pattern"]).strip()
            patterns += [(row["pattern"], row["intent"])] * (BARE if bare else 1)
    slots["name"] = [*slots["person"], *slots["org"], *slots["place"]]
    return patterns, dict(slots)


def asking_words(patterns: list[tuple[str, Intent]]) -> list[str]:
    """Return the words around the slots of patterns that ask for articles, as written and as lemmas.

    For patterns of the newest or the oldest only the superlatives count. Summaries and mentions without a
    slot are left out, because they name their topic in these words.
    """
    words = set()
    for pattern, intent in patterns:
        named = intent in ("mentions", "summary") and not SLOT.search(pattern)
        if KINDS[intent] in ("corpus", "summary") and not named:
            asked = [one for one in analysis.read(SLOT.sub("Berlin", pattern)) if one.text != "Berlin"]
            asked = [one for one in asked if intent in ASKS or one.tag_ in ("JJS", "RBS")]
            words |= {word for one in asked for word in (one.lower_, one.lemma_.lower())}
    return sorted(word for word in words if any(letter.isalpha() for letter in word))


def expand(patterns: list[tuple[str, Intent]], slots: dict[str, list[str]], random: Random) -> list[Wording]:
    """Return the wordings of each pattern: one with the fillers of each fold; two if it has no slots."""
    wordings = []
    for number, (pattern, intent) in enumerate(patterns):
        for fold in range(FOLDS) if SLOT.search(pattern) else (-1, -1):
            text = SLOT.sub(lambda slot, fold=fold: random.choice(slots[slot[1]][fold::FOLDS]), pattern)
            if KINDS[intent] not in ALONE:
                text = chatty(text, slots, random)
            wordings.append(Wording(as_typed(text, random), intent, number, fold))
    return wordings


def chatty(text: str, slots: dict[str, list[str]], random: Random) -> str:
    """Return a text, sometimes with an opening or ending that people add to questions of any kind."""
    if random.random() < AROUND:
        text = f"{random.choice(slots['opening'])} {text[0].lower()}{text[1:]}"
    if random.random() < AROUND:
        ending = random.choice(slots["ending"])
        text = f"{text.rstrip('?.!')}{'' if ending[0] in ',.' else ' '}{ending}"
    return text


def as_typed(text: str, random: Random) -> str:
    """Return a text as people type it: sometimes without capitals, marks or apostrophes, or with a typing error."""
    if random.random() < 0.4:
        text = text.lower()
    if random.random() < 0.4:
        text = text.rstrip("?.!") or text
    if random.random() < 0.15:
        text = text.replace("'", "")
    place = random.randrange(max(len(text) - 1, 1))
    if random.random() < 0.12 and text[place : place + 2].isalpha() and len(text) > 8:
        pair = text[place : place + 2]
        text = text[:place] + random.choice((pair[::-1], pair[0], pair[0] + pair)) + text[place + 2 :]
    return text


def weights(wordings: list[Wording]) -> Floats:
    """Return the weight of each wording.

    A pattern's wordings share its weight. Patterns have 1 / sqrt(patterns of their intent), times `MOST`.
    """
    of_pattern = Counter(one.pattern for one in wordings)
    of_intent = Counter({one.pattern: one.intent for one in wordings}.values())
    found = np.asarray(
        [1 / of_pattern[one.pattern] / of_intent[one.intent] ** 0.5 * MOST.get(one.intent, 1) for one in wordings]
    )
    return (found / found.mean()).astype(np.float32)


def fit(vectors: Floats, wanted: Ints, weight: Floats) -> LogisticRegression:
    """Return the fitted regression."""
    return LogisticRegression(C=STRENGTH, max_iter=100, tol=1e-3).fit(vectors, wanted, weight)


def held_out(wordings: list[Wording], vectors: Floats, wanted: Ints, patterns: int) -> tuple[Ints, Floats]:
    """Return the rows of the wordings and their logits, each from a fit without its pattern and its fillers."""
    order = list(range(patterns))
    Random(0).shuffle(order)
    by_pattern = np.asarray([order[one.pattern] % FOLDS for one in wordings])
    by_filler = np.asarray([one.fold for one in wordings])
    weight = weights(wordings)
    rows, logits = [], []
    for fold in range(FOLDS):
        seen = (by_pattern != fold) & (by_filler != fold)
        tried = np.flatnonzero((by_pattern == fold) & ((by_filler == fold) | (by_filler < 0)))
        rows.append(tried)
        logits.append(fit(vectors[seen], wanted[seen], weight[seen]).decision_function(vectors[tried]))
    return np.concatenate(rows), np.concatenate(logits)


def temperature(logits: Floats, wanted: Ints) -> float:
    """Return the temperature to divide logits by, so that the probabilities are calibrated."""

    def loss(heat: float) -> float:
        scaled = logits / heat
        scaled = scaled - scaled.max(1, keepdims=True)
        return float((np.log(np.exp(scaled).sum(1)) - scaled[np.arange(len(wanted)), wanted]).mean())

    return float(min(np.linspace(0.3, 3.0, 271), key=loss))


def report(wanted: Ints, found: Ints, intents: list[str]) -> None:
    """Print accuracy and confusions, by intent and by kind."""
    kinds = [str(kind) for intent in intents for one, kind in KINDS.items() if one == intent]
    for what, names in (("intent", intents), ("kind", kinds)):
        pairs = Counter((names[right], names[said]) for right, said in zip(wanted, found, strict=True))
        right = sum(count for (one, other), count in pairs.items() if one == other)
        print(f"\nby {what}: {right / pairs.total():.3f} of {pairs.total()} held-out wordings")
        for name in sorted(set(names)):
            total = sum(count for (one, _), count in pairs.items() if one == name)
            wrong = Counter({other: count for (one, other), count in pairs.items() if one == name != other})
            print(
                f"  {name:14} {pairs[name, name] / total:.2f} of {total:3}",
                *(f"{k} {n}" for k, n in wrong.most_common(4)),
            )


if __name__ == "__main__":
    main()
