"""A language model of a local folder, run by torch in this process; the only importer of transformers.

Knows the cached prompt prefix and greedy decoding with prompt lookup, not where models come from. Importing it takes
seconds: `citewire.qa.generate.load` does so only if it loads a model.

Run as `python -m citewire.qa.generate.local FILE.gguf FOLDER` it dequantises a GGUF file.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from functools import cache
from itertools import takewhile
from pathlib import Path
from threading import Lock
from typing import Any, cast

import torch
from cachetools import LRUCache
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer, DynamicCache
from transformers.cache_utils import DynamicLayer
from transformers.utils import logging as transformers_logging

from citewire.index.cores import usable_cores
from citewire.index.errors import ModelError
from citewire.qa.generate.tokens import ChatTokens
from citewire.qa.models.files import first_line
from citewire.qa.types import Message

_PREFIXES = 3  # most prompts in the cache, one per system message
_LOCK_POLL = 0.1  # seconds between polls of `stopped` while another caller uses the model
_GUESSES = 15  # most tokens that are guessed at once
_ALIKE, _NGRAM = 2, 3  # shortest and longest n-gram at the end that is looked up for a guess
_AUTO_MODEL: Any = AutoModelForCausalLM  # its declared types do not follow its arguments
_LOAD_ERRORS = (OSError, ValueError, KeyError, TypeError, RuntimeError, ImportError, SafetensorError)


class _StoppedError(Exception):
    """`stopped()` was true inside the model."""


class TransformersGenerator:
    """A chat model in a folder with safetensors and a tokenizer; float32 on a CPU, bfloat16 on CUDA.

    Attention is torch's scaled_dot_product_attention if transformers has it for the architecture. One caller at a time
    runs the model, others wait. The longest prefix shared with the last prompt of the same system message is not
    computed again. Decoding is plain argmax without penalties, whatever generation_config.json says. Answers mostly
    repeat their evidence, so the tokens after an earlier occurrence of the last n-gram are guessed and verified in one
    pass (A. Saxena, Prompt Lookup Decoding, 2023). A reply can change only by rounding, if two tokens nearly tie.

    Args:
        folder: contains config.json, safetensors, tokenizer and chat template.
        name: the value of `name`.
        device: "cpu", "cuda", "cuda:1", ... or "auto" for CUDA if available.
        threads: torch threads in this process; None for one per core of this process.
        guesses: most tokens that are guessed at once; 0 is used for models with sliding windows.

    Raises:
        ModelError: the folder is not such a model, or the device does not exist.
    """

    def __init__(
        self, folder: Path, *, name: str, device: str = "auto", threads: int | None = None, guesses: int = _GUESSES
    ) -> None:
        torch.set_num_threads(threads or usable_cores())
        self.name = name
        self._device = _device(device)
        self.tokens = ChatTokens(folder, name=name)
        self._model = _load(folder, self._device)
        self._guesses = guesses if _remembers(self._model) else 0
        self._lock = Lock()
        self._kept: LRUCache[str, _Read] = LRUCache(_PREFIXES)  # by first message
        self._stopped: Callable[[], bool] = lambda: False
        for module in self._model.modules():
            if isinstance(module, torch.nn.Linear):  # several per layer: a stop works inside a long prompt
                module.register_forward_pre_hook(self._look_at_stopped)

    def generate(
        self, messages: Sequence[Message], *, max_tokens: int, stopped: Callable[[], bool] = lambda: False
    ) -> Generator[str, None, None]:
        """Yield the reply in pieces of whole characters; see `citewire.qa.types.Generator`.

        The reply also ends with the context window. Other callers wait until the iterator is exhausted or closed.

        Raises:
            ModelError: the prompt fills the context window.
        """
        prompt = self.tokens.prompt_with_room(messages)
        while not self._lock.acquire(timeout=_LOCK_POLL):
            if stopped():
                return
        try:
            count = min(max_tokens, self.tokens.limit - len(prompt))
            if count > 0:
                yield from self.tokens.text(self._reply(messages[0].content, prompt, count, stopped))
        finally:
            self._lock.release()

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Return the number of tokens of the prompt that `generate` would read."""
        return len(self.tokens.prompt(messages))

    def _reply(self, key: str, prompt: list[int], count: int, stopped: Callable[[], bool]) -> Iterator[int]:
        """Yield at most `count` tokens of the reply, without the end token."""
        self._stopped = stopped
        text = list(prompt)
        try:
            cache = self._kept.setdefault(key, _Read(self._model))
            cache.cut(_shared(prompt[:-1], cache.tokens))
            found = cache.next(prompt[len(cache.tokens) :], 1)
            while True:
                for token in found:
                    if token in self.tokens.ends or stopped():
                        return
                    text.append(token)
                    yield token
                count -= len(found)
                if count <= 0:
                    return
                guesses = _guessed(text, min(self._guesses, count - 1))
                found = cache.next([text[-1], *guesses], 1 + len(guesses))
                right = _shared(guesses, found)
                cache.cut(len(cache.tokens) - len(guesses) + right)
                found = found[: right + 1]
        except _StoppedError:
            return

    def _look_at_stopped(self, module: torch.nn.Module, inputs: tuple[object, ...]) -> None:
        del module, inputs
        if self._stopped():
            raise _StoppedError


class _Read:
    """Tokens that the model has read and their key-value cache, which can be cut back."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._forget()

    def _forget(self) -> None:
        self.tokens: list[int] = []
        self._cache = DynamicCache(config=self._model.config)

    def next(self, tokens: Sequence[int], last: int) -> list[int]:
        """Read `tokens`; return the most likely next token after each of the last `last` ones."""
        ids = torch.tensor([tokens], device=self._model.device)
        try:
            with torch.no_grad():
                reply = self._model(input_ids=ids, past_key_values=self._cache, use_cache=True, logits_to_keep=last)
        except BaseException:  # some layers have read more than others
            self._forget()
            raise
        self.tokens += tokens
        return cast("list[int]", reply.logits[0].argmax(-1).tolist())

    def cut(self, length: int) -> None:
        """Forget all but the first `length` tokens, or all if the cache cannot be cut back."""
        if length == len(self.tokens):
            return
        try:
            self._cache.crop(length - len(self.tokens))
            del self.tokens[length:]
        except (RuntimeError, ValueError):  # a sliding window lacks the earlier tokens
            self._forget()


def _guessed(tokens: list[int], most: int) -> list[int]:
    """Return up to `most` tokens after the latest earlier occurrence of the last n-gram; [] if there is none."""
    for length in range(min(_NGRAM, len(tokens) - 1), _ALIKE - 1, -1):
        last = tokens[-length:]
        for place in range(len(tokens) - length - 1, -1, -1):
            if tokens[place : place + length] == last:
                return tokens[place + length : place + length + most]
    return []


def _shared(one: Sequence[int], other: Sequence[int]) -> int:
    """Return the length of the common prefix."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _remembers(model: Any) -> bool:
    """Return whether all layers cache every token (no sliding window)."""
    return all(type(layer) is DynamicLayer for layer in DynamicCache(config=model.config).layers)


def _device(wanted: str) -> torch.device:
    """Return the torch device of a setting. Raises: ModelError, it does not exist."""
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(wanted)
    except RuntimeError as error:
        raise ModelError(f"There is no device {wanted!r}", "Set the device to auto, cpu or cuda.") from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ModelError(f"The device {wanted!r} is not in this machine", "Set the device to auto or cpu.")
    return device


def _load(folder: Path, device: torch.device) -> Any:
    """Return the model of a folder; safetensors only, no code of the folder, no network."""
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        model, report = _AUTO_MODEL.from_pretrained(
            folder,
            dtype=dtype,
            device_map=device,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            output_loading_info=True,
        )
        model.eval()
    except _LOAD_ERRORS as error:
        raise ModelError(
            f"The folder {folder} cannot be loaded as a language model: {first_line(error)}",
            "Name another model, or get this one's files again.",
        ) from error
    if report["missing_keys"]:
        raise ModelError(
            f"The folder {folder} lacks weights, such as {sorted(report['missing_keys'])[0]}",
            "Get the model's files again.",
        )
    return model


def dequantise(file: Path, folder: Path) -> None:
    """Write the float32 form of a GGUF file into a new folder: config, safetensors, tokenizer, chat template.

    Takes 10 to 60 s and memory of up to 1.6 times the result's size on disk.
    """
    import gguf  # needed for nothing else

    reading: Any = gguf
    for name in ("GGUFReader", "get_tensor_name_map"):  # transformers calls them 3 and 400 times, half of all time
        setattr(reading, name, cache(getattr(reading, name)))
    where = {"gguf_file": file.name, "local_files_only": True}
    model = _AUTO_MODEL.from_pretrained(file.parent, dtype=torch.float32, **where)
    tokenizer = AutoTokenizer.from_pretrained(file.parent, **where)
    # The weights are plain float32 now, but transformers still treats them as quantised and refuses to save them.
    model.hf_quantizer = None
    model.is_quantized = False
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


if __name__ == "__main__":
    dequantise(Path(sys.argv[1]), Path(sys.argv[2]))
