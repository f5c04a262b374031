"""A language model with 8-bit weights on the CPU, run by CTranslate2 in this process.

Knows the cached prompt prefix and greedy decoding, not where models come from. Twice as fast as float32 in torch, with
a quarter of its memory (docs/quality.md).

Run as `python -m citewire.qa.generate.int8 FOLDER NEW` it writes the 8-bit form of a folder with float32 weights.
"""

from __future__ import annotations

import queue
import shutil
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path

import ctranslate2
import numpy as np

from citewire.index.cores import usable_cores
from citewire.index.errors import ModelError
from citewire.qa.generate.tokens import ChatTokens
from citewire.qa.models.files import first_line
from citewire.qa.types import Message

TOKENS = "tokens"  # folder of the tokenizer in the 8-bit form; CTranslate2 has a config.json of its own
_POLL = 0.05  # seconds between polls of `stopped` while the model reads the prompt or serves another caller
_PREFIXES = 8  # most prompt prefixes in the cache: those of answers, suggestions and so on


class Int8Generator:
    """A chat model in its 8-bit form.

    Callers in several threads wait for each other inside CTranslate2. The prompt before its last message's content is
    read once and cached. Decoding is plain argmax.

    Args:
        folder: written by this module, run as a program.
        name: the value of `name`.
        threads: CPU threads; None for one per core of this process.

    Raises:
        ModelError: the folder is not such a model.
    """

    def __init__(self, folder: Path, *, name: str, threads: int | None = None) -> None:
        self.name = name
        self.tokens = ChatTokens(folder / TOKENS, name=name)
        try:
            self._model = ctranslate2.Generator(
                str(folder), device="cpu", compute_type="int8", intra_threads=threads or usable_cores(), inter_threads=1
            )
        except (RuntimeError, ValueError) as error:
            raise ModelError(
                f"The folder {folder} cannot be loaded as a language model: {first_line(error)}",
                "Delete it: it is made again from the model's own file.",
            ) from error
        self._ends = sorted(self.tokens.ends)
        self._prefixes: set[tuple[int, ...]] = set()

    def generate(
        self, messages: Sequence[Message], *, max_tokens: int, stopped: Callable[[], bool] = lambda: False
    ) -> Generator[str, None, None]:
        """Yield the reply in pieces of whole characters; see `citewire.qa.types.Generator`.

        The reply also ends with the context window. After a stop, a prompt is still read to its end, and other callers
        wait for that.

        Raises:
            ModelError: the prompt fills the context window.
        """
        prompt = self.tokens.prompt_with_room(messages)
        count = min(max_tokens, self.tokens.limit - len(prompt))
        if count > 0:
            yield from self.tokens.text(self._reply(prompt, self._prefix(messages, prompt), count, stopped))

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Return the number of tokens of the prompt that `generate` would read."""
        return len(self.tokens.prompt(messages))

    def choose(self, messages: Sequence[Message], options: Sequence[str]) -> list[float]:
        """Return the softmax over the options' first tokens as the reply's first token; used by training/."""
        firsts = [self.tokens.plain(option)[0] for option in options]
        prompt = self.tokens.prompt_with_room(messages)
        asked = self._asked(prompt, self._prefix(messages, prompt))
        (found,) = self._model.generate_batch(**asked, max_length=1, return_logits_vocab=True)
        logits = np.asarray(found.logits[0][0], np.float64).ravel()[firsts]
        odds = np.exp(logits - logits.max())
        return [float(one) for one in odds / odds.sum()]

    def _prefix(self, messages: Sequence[Message], prompt: Sequence[int]) -> int:
        """Return how many tokens of the prompt come before the last message's content."""
        last = messages[-1]
        empty = self.tokens.prompt([*messages[:-1], Message(last.role, "")])
        pairs = zip(prompt[:-1], empty, strict=False)
        return next((n for n, (one, other) in enumerate(pairs) if one != other), min(len(prompt) - 1, len(empty)))

    def _asked(self, prompt: Sequence[int], prefix: int) -> dict[str, object]:
        """Return the CTranslate2 arguments that all calls share."""
        kept = tuple(prompt[:prefix])
        if len(self._prefixes) < _PREFIXES:
            self._prefixes.add(kept)
        written = [self.tokens.written(number) for number in prompt]
        return {
            "start_tokens": [written[prefix:]],
            "static_prompt": written[:prefix] or None,
            "cache_static_prompt": kept in self._prefixes,
            "include_prompt_in_result": False,
            "end_token": self._ends,
            "sampling_topk": 1,
            "beam_size": 1,
        }

    def _reply(self, prompt: Sequence[int], prefix: int, count: int, stopped: Callable[[], bool]) -> Iterator[int]:
        """Yield at most `count` tokens of the reply, without the end token."""
        steps: queue.SimpleQueue[int] = queue.SimpleQueue()
        left = False  # whether the caller has closed the iterator

        def arrived(step: ctranslate2.GenerationStepResult) -> bool:
            steps.put(step.token_id)
            return left or stopped()

        (running,) = self._model.generate_batch(
            **self._asked(prompt, prefix), max_length=count, asynchronous=True, callback=arrived
        )
        try:
            while not stopped():
                done = running.done()
                try:
                    token = steps.get(timeout=0 if done else _POLL)
                except queue.Empty:
                    if done:
                        running.result()  # raises the error, if any
                        return
                    continue
                if token in self.tokens.ends:
                    return
                yield token
        finally:
            left = True


def has_gpu() -> bool:
    """Return whether there is a CUDA device, without importing torch."""
    return bool(ctranslate2.get_cuda_device_count())


def quantise(folder: Path, new: Path) -> None:
    """Write the 8-bit form of a folder with float32 weights: about 10 s, and memory for twice the weights."""
    from ctranslate2.converters import TransformersConverter  # imports torch and transformers

    TransformersConverter(str(folder)).convert(str(new), quantization="int8")
    (new / TOKENS).mkdir()
    for file in sorted(folder.iterdir()):
        if file.suffix in (".json", ".jinja") and file.name != "citewire.json":
            shutil.copyfile(file, new / TOKENS / file.name)


if __name__ == "__main__":
    quantise(Path(sys.argv[1]), Path(sys.argv[2]))
