"""Train the reader and the verifier.

    python training/train.py DATA RUN [--examples 80000] [--recipe whole] [--threads 2] [--device cpu]

DATA holds reader.jsonl.gz and verifier.jsonl.gz. RUN gets settings.json, log.jsonl (a line every 50 steps),
checkpoint.pt (every 200 steps; the same command continues from it, also after Ctrl-C) and, at the end, weights.pt and
figures.json, measured on the documents held out. `export.py` puts the weights into the package.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import news
import torch
from examples import (
    PLAIN,
    Mix,
    Record,
    claims,
    composed,
    corrupted,
    is_held,
    listed,
    padded,
    pools,
    readings,
    records,
    shuffled,
    times,
    truth,
)
from export import weights_in
from large import LargeEncoder
from measure import figures
from mined import mined, mined_news
from network import Example, Network, loss
from news import News, Sentence, articles
from safetensors.torch import load_file

from citewire.qa.reader import WEIGHTS

BATCH = 32
BUCKET = 40  # batches whose examples are sorted by length together, to reduce padding
WARM_UP = 0.06  # share of all steps
LOG_STEPS, SAVE_STEPS = 50, 200
MIX = Mix()


@dataclass(frozen=True, slots=True)
class Recipe:
    """What to train: which examples and which heads.

    Attributes:
        mix: examples made in addition to the records.
        verifier: share of claims among the batches.
        lists: share of lists (sentences for one question) among the other batches.
        spans: whether the span head is trained.
        reading: whether the answer head is trained.
        news: share of the news articles of this project among the questions and among the claims.
        null: whether the span head may point at "nothing answers", which also counts for the answer head.
    """

    mix: Mix = MIX
    verifier: float = 0.3
    lists: float = 0.6
    news: float = 0.0
    spans: bool = True
    reading: bool = True
    null: bool = False


HARD = replace(PLAIN, neighbours=0.5, swapped=0.5, exchanged=0.5, corrupted=0.25, composed=0.25)
BASE = replace(MIX, mined=0.0, exchanged=0.0, composed=0.0, padded=0.0, listed=0.0)
RECIPES = {
    "whole": Recipe(),
    "large": Recipe(lists=0.3, null=True),
    "news": Recipe(mix=replace(MIX, mined=0.0), lists=0.3, news=0.65),
    "large-news": Recipe(mix=replace(MIX, mined=0.0), verifier=0.2, lists=0.3, news=0.8, null=True),
    "no-lists": Recipe(mix=replace(MIX, listed=0.0)),
    "base": Recipe(mix=BASE),  # the recipe that the others of the table start from
    "plain": Recipe(mix=PLAIN),  # without synthetic negatives
    "reader": Recipe(mix=BASE, verifier=0.0),
    "span": Recipe(mix=BASE, verifier=0.0, reading=False, null=True),
    "no-neighbours": Recipe(mix=replace(BASE, neighbours=0.0)),
    "no-swaps": Recipe(mix=replace(BASE, swapped=0.0, corrupted=0.0, echoed=0.0)),
    "no-titles": Recipe(mix=replace(BASE, titled=0.0)),
    "mined": Recipe(mix=replace(BASE, mined=MIX.mined)),
    "exchanged": Recipe(mix=replace(BASE, exchanged=MIX.exchanged)),
    "composed": Recipe(mix=replace(BASE, composed=MIX.composed, padded=MIX.padded)),
}


@dataclass(frozen=True, slots=True)
class Data:
    """Examples for training and for measuring.

    Attributes:
        questions, claims: for training.
        lists: for training: the sentence that answers, with others that do not.
        news, told: for training: lists of the questions of news articles, and their claims.
        held: records of documents held out, unchanged.
        hard: examples that `HARD` makes of these, the same for every recipe.
    """

    questions: list[Example]
    claims: list[Example]
    lists: list[tuple[Example, ...]]
    news: list[tuple[Example, ...]]
    told: list[Example]
    held: list[Example]
    hard: list[Example]


def load(
    folder: Path,
    recipe: Recipe,
    seed: int,
    mined: Callable[[Sequence[Record]], Sequence[Record]],
    mined_news: Callable[[Sequence[News]], Mapping[str, Sequence[Sentence]]],
) -> Data:
    """Read the records and make examples of them; records of documents held out stay unchanged.

    `mined` returns negatives for the records of questions, `mined_news` for the questions of news articles.
    """
    asked, told = list(records(folder / "reader.jsonl.gz")), list(records(folder / "verifier.jsonl.gz"))
    read = [one for one in asked if times(one, seed)]
    said = [one for one in told if times(one, seed)] if recipe.verifier or (recipe.null and recipe.reading) else []
    kept, stated = ([one for one in ones if not is_held(one)] for ones in (read, said))
    put = pools(kept, stated, seed)
    found = list(mined(asked)) if recipe.mix.mined else []
    questions = [example for one in kept for example in readings(one, recipe.mix, seed, put)]
    again = [(one, seed + n) for one in found for n in range(times(one, seed))]
    questions += [example for one, other in again for example in readings(one, recipe.mix, other, put)]
    questions += [example for one in stated for example in truth(one, recipe.mix, seed)]
    claimed = [example for one in stated for example in (*claims(one), *padded(one, recipe.mix, seed, put))]
    if recipe.verifier:
        for make in (corrupted, composed):
            claimed += [example for one in kept for example in make(one, recipe.mix, seed, put)]
    held = [example for one in read if is_held(one) for example in readings(one, PLAIN, seed)]
    held += [example for one in said if is_held(one) for example in claims(one)]
    tested = [one for one in read if is_held(one)]
    hard = [example for one in tested for example in readings(one, HARD, seed, put)]
    if recipe.verifier:
        hard += [example for make in (corrupted, composed) for one in tested for example in make(one, HARD, seed, put)]
    lists = list(listed(kept, found, recipe.mix, seed))
    written = articles() if recipe.news else ()
    kept_news = [one for one in written if not one.held]
    wrong = mined_news(kept_news) if kept_news else {}
    asked_news = [one for article in kept_news for one in news.lists(article, wrong, seed)]
    told_news = [one for article in kept_news for one in news.claims(article, seed)]
    held += [example for article in written if article.held for example in news.every(article)]
    return Data(
        shuffled(questions, seed), shuffled(claimed, seed + 1), shuffled(lists, seed + 2),
        shuffled(asked_news, seed + 3), shuffled(told_news, seed + 4), held, hard,
    )  # fmt: skip


def batches(data: Data, recipe: Recipe, steps: int, seed: int, skip: int = 0) -> Iterator[list[Example]]:
    """Yield `steps` batches, each of questions, claims or lists, without the first `skip`; the same for a seed."""
    dice = random.Random(seed)
    alone = [_stream([(one,) for one in source], seed + n) for n, source in enumerate((data.questions, data.claims))]
    lists = _stream(data.lists, seed + 2) if data.lists else alone[0]
    asked, told = _stream(data.news, seed + 3), _stream([(one,) for one in data.told], seed + 4)
    for step in range(steps):
        claimed, ranked = dice.random() < recipe.verifier, dice.random() < recipe.lists
        if recipe.news and dice.random() < recipe.news:
            batch = next(told if claimed else asked)
        else:
            batch = next(alone[1] if claimed else lists if ranked else alone[0])
        if step >= skip:
            yield batch


def _stream(source: Sequence[tuple[Example, ...]], seed: int) -> Iterator[list[Example]]:
    """Yield batches of whole lists, each of about `BATCH` examples of similar length."""
    bucket = BATCH * BUCKET * len(source) // sum(map(len, source))
    for epoch in range(1 << 30):
        order = shuffled(source, seed + 100 * epoch)
        for begin in range(0, len(order), bucket):
            near = sorted(order[begin : begin + bucket], key=lambda one: max(len(example.ids) for example in one))
            cut: list[list[Example]] = [[]]
            for one in near:
                if len(cut[-1]) + len(one) > BATCH:
                    cut.append([])
                cut[-1].extend(one)
            random.Random(f"{seed}|{epoch}|{begin}").shuffle(cut)
            yield from cut


def rate(step: int, steps: int, highest: float) -> float:
    """Return the learning rate of a step: a linear rise, then a linear fall."""
    done = step / steps
    return highest * min(done / WARM_UP + 0.01, (1 - done) / (1 - WARM_UP) + 0.005, 1.0)


def main() -> None:
    """Train with the options of the command line."""
    options = _options()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    recipe, steps = RECIPES[options.recipe], math.ceil(options.examples / BATCH)
    options.run.mkdir(parents=True, exist_ok=True)
    (options.run / "settings.json").write_text(json.dumps({**vars(options), "recipe_is": asdict(recipe)}, default=str))
    mining = WEIGHTS if options.large else options.start or WEIGHTS
    find = partial(mined, weights=mining, file=options.run / "mined.jsonl.gz", threads=options.threads)
    find_news = partial(mined_news, weights=mining, file=options.run / "mined_news.jsonl.gz", threads=options.threads)
    data = load(options.data, recipe, options.seed, find, find_news)
    print(f"{len(data.questions):,} readings, {len(data.claims):,} claims, {len(data.held):,} held out")
    print(f"of news {len(data.news):,} lists and {len(data.told):,} claims")
    print(Counter(example.source for example in (*data.questions, *data.claims)).most_common(), flush=True)
    large = LargeEncoder(options.large, options.half) if options.large else None
    network = Network(null=recipe.null, encoder=large).to(options.device)
    cast = options.half and not large  # the large encoder casts by itself
    changing = [weight for weight in network.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(changing, lr=options.rate, weight_decay=0.01, fused=True)
    saved = options.run / "checkpoint.pt"
    begun = 0
    if options.start and not saved.exists():
        first = load_file(options.start) if large else weights_in(options.start)
        network.load_state_dict(first, strict=False)
    if saved.exists():
        state = torch.load(saved, weights_only=True)
        network.load_state_dict(state["network"], strict=False)
        optimizer.load_state_dict(state["optimizer"])
        begun = state["step"]
        print(f"going on from step {begun:,} of {steps:,}", flush=True)
    try:
        _train(network, optimizer, data, recipe, steps, begun, cast, options)
    except KeyboardInterrupt:
        sys.exit(f"stopped; the same command goes on from the last checkpoint in {options.run}")
    if options.average:
        first = weights_in(options.start)
        network.load_state_dict(
            {name: (first[name] + one) / 2 for name, one in network.trained().items()}, strict=False
        )
    torch.save(network.trained(), options.run / "weights.pt")
    with torch.autocast(options.device, torch.bfloat16, enabled=cast):
        found = figures(network, data.held) | {"hard": figures(network, data.hard)}
    (options.run / "figures.json").write_text(json.dumps(found, indent=1))
    print(json.dumps(found, indent=1))


def _train(
    network: Network,
    optimizer: torch.optim.Optimizer,
    data: Data,
    recipe: Recipe,
    steps: int,
    begun: int,
    cast: bool,
    options: argparse.Namespace,
) -> None:
    network.train()
    start, seen, mean = time.monotonic(), 0, dict[str, float]()
    with (options.run / "log.jsonl").open("a") as log:
        for step, batch in enumerate(batches(data, recipe, steps, options.seed, begun), begun):
            torch.manual_seed(options.seed + step)  # seeded by step: a continued training equals one without a stop
            for group in optimizer.param_groups:
                group["lr"] = rate(step, steps, options.rate)
            with torch.autocast(options.device, torch.bfloat16, enabled=cast):
                found = loss(network, batch, recipe.spans)
            parts = [value for name, value in found.items() if recipe.reading or name != "answers"]
            if not parts:
                continue
            torch.stack(parts).sum().backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            seen += len(batch)
            for name, value in found.items():
                mean[name] = value.item() if name not in mean else 0.98 * mean[name] + 0.02 * value.item()
            if (step + 1) % LOG_STEPS == 0:
                speed = seen / (time.monotonic() - start)
                log.write(json.dumps({"step": step + 1, "of": steps, "examples_per_s": round(speed, 1), **mean}) + "\n")
                log.flush()
            if (step + 1) % SAVE_STEPS == 0:
                state = {"network": network.trained(), "optimizer": optimizer.state_dict(), "step": step + 1}
                torch.save(state, options.run / "new.pt")
                (options.run / "new.pt").replace(options.run / "checkpoint.pt")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path, help="folder of reader.jsonl.gz and verifier.jsonl.gz")
    parser.add_argument("run", type=Path, help="folder of this run; made, or gone on with")
    parser.add_argument("--examples", type=int, default=80_000, help="examples to train on, repeated as needed")
    parser.add_argument("--recipe", choices=RECIPES, default="whole")
    parser.add_argument("--large", type=Path, help="the second reader, on this model.safetensors of all-mpnet-base-v2")
    parser.add_argument("--start", type=Path, help="train on from weights that export.py wrote")
    parser.add_argument(
        "--average", action="store_true", help="end with the mean of these weights and the trained ones"
    )
    parser.add_argument("--rate", type=float, default=2.5e-4, help="highest learning rate")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--half", action="store_true", help="bfloat16 products, for a GPU or a CPU with avx512_bf16")
    options = parser.parse_args()
    if options.average and not options.start:
        parser.error("--average needs --start")
    return options


if __name__ == "__main__":
    main()
