"""A language model of a local folder, run by torch in this process; the only importer of transformers.

Knows the kept prefix and greedy decoding. Does not know where models come from or what the messages say. Importing it
takes seconds: `citewire.qa.generate` does so only when a model is loaded.

Run as `python -m citewire.qa.generate_local FILE.gguf FOLDER` it dequantises a GGUF file.
"""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer, DynamicCache
from transformers.utils import logging as transformers_logging

from citewire.index.errors import ModelError
from citewire.qa.chat_tokens import ChatTokens
from citewire.qa.files import first_line
from citewire.qa.types import Message

_PREFIXES = 3  # system messages whose prompts stay read: those of answers and of opinions
_LOCK_POLL = 0.1  # seconds between two looks at `stopped` while another caller holds the model
_AUTO_MODEL: Any = AutoModelForCausalLM  # its declared types do not follow its arguments
_LOAD_ERRORS = (OSError, ValueError, KeyError, TypeError, RuntimeError, ImportError, SafetensorError)


class _StoppedError(Exception):
    """`stopped()` was true inside the model."""


@dataclass(slots=True)
class _Read:
    """What the model has read: tokens and their cache."""

    tokens: list[int]
    cache: Any


class TransformersGenerator:
    """A chat model of a folder with safetensors and a tokenizer; float32 on a CPU, bfloat16 on CUDA.

    One caller at a time runs the model, others wait. The longest prefix that a prompt shares with what the
    model read last after the same system message is not computed again. Decoding is plain argmax: no penalties,
    whatever the folder's generation_config.json says.

    Args:
        folder: holds config.json, safetensors, tokenizer and chat template.
        name: what `name` returns.
        device: "cpu", "cuda", "cuda:1", ... or "auto" for CUDA when there.
        threads: of torch in this process; its own default without.

    Raises:
        ModelError: the folder is no such model, or the device is not there.
    """

    def __init__(self, folder: Path, *, name: str, device: str = "auto", threads: int | None = None) -> None:
        if threads is not None:
            torch.set_num_threads(threads)
        self._name = name
        self._device = _device(device)
        self.tokens = ChatTokens(folder, name=name)
        self._model = _load(folder, self._device)
        self._lock = Lock()
        self._read: OrderedDict[str, _Read] = OrderedDict()  # by first message, the least used first
        self._stopped: Callable[[], bool] = lambda: False
        for module in self._model.modules():
            if isinstance(module, torch.nn.Linear):  # several a layer: Stop is heard inside a long prompt
                module.register_forward_pre_hook(self._look_at_stopped)

    @property
    def name(self) -> str:
        """What the answer object reports as its model."""
        return self._name

    def generate(
        self, messages: Sequence[Message], *, max_tokens: int, stopped: Callable[[], bool] = lambda: False
    ) -> Generator[str, None, None]:
        """Yield the reply piece by piece, in whole characters, until its end, `max_tokens` or `stopped()`.

        The reply also ends where the context window does. The model is free for others once the iterator is
        exhausted or closed.

        Raises:
            ModelError: the prompt fills the context window.
        """
        prompt = self.tokens.prompt_with_room(messages)
        while not self._lock.acquire(timeout=_LOCK_POLL):
            if stopped():
                return
        try:
            count = min(max_tokens, self.tokens.limit - len(prompt))
            yield from self.tokens.text(self._reply(messages[0].content, prompt, count, stopped))
        finally:
            self._lock.release()

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Return the length of the prompt that `generate` would read."""
        return len(self.tokens.prompt(messages))

    def choose(self, messages: Sequence[Message], options: Sequence[str]) -> list[float]:
        """Return the softmax over the options' first tokens, at the place of the reply's first token.

        Raises:
            ModelError: the prompt fills the context window, or two options begin with the same token.
        """
        firsts = self.tokens.firsts(options)
        prompt = self.tokens.prompt_with_room(messages)
        with self._lock:
            logits = self._next(messages[0].content, prompt, lambda: False)
        return torch.softmax(logits[firsts], dim=0).tolist()

    def _reply(self, key: str, prompt: list[int], count: int, stopped: Callable[[], bool]) -> Iterator[int]:
        """Yield at most `count` tokens of the reply, without the one that ends it."""
        ids = list(prompt)
        for _ in range(count):
            try:
                token = int(self._next(key, ids, stopped).argmax())
            except _StoppedError:
                return
            if token in self.tokens.ends:
                return
            ids.append(token)
            yield token

    def _next(self, key: str, ids: list[int], stopped: Callable[[], bool]) -> torch.Tensor:
        """Return the logits of the token after `ids`, shape (vocabulary,), float32, on the CPU.

        `key` is the same for prompts that begin alike.

        Raises:
            _StoppedError: what was read in this call is forgotten.
        """
        cache = self._kept(key, ids)
        self._stopped = stopped
        with torch.inference_mode():
            new = torch.tensor([ids[cache.get_seq_length() :]], device=self._device)
            reply = self._model(input_ids=new, past_key_values=cache, use_cache=True, logits_to_keep=1)
        self._read[key] = _Read(list(ids), cache)
        if len(self._read) > _PREFIXES:
            self._read.popitem(last=False)
        logits: torch.Tensor = reply.logits[0, -1].float().cpu()
        return logits

    def _kept(self, key: str, ids: list[int]) -> Any:
        """Take out the cache of what `ids` share with the prompt last read under `key`; an empty one for nothing."""
        read = self._read.pop(key, None)  # one that is interrupted is not used again
        if read is None:
            return DynamicCache(config=self._model.config)
        keep = 0
        while keep < min(len(ids) - 1, len(read.tokens)) and ids[keep] == read.tokens[keep]:
            keep += 1
        if keep == 0:
            return DynamicCache(config=self._model.config)
        if keep < len(read.tokens):
            try:
                read.cache.crop(keep - len(read.tokens))
            except (RuntimeError, ValueError):  # a sliding window has forgotten what it would need
                return DynamicCache(config=self._model.config)
        return read.cache

    def _look_at_stopped(self, module: torch.nn.Module, inputs: tuple[object, ...]) -> None:
        del module, inputs
        if self._stopped():
            raise _StoppedError


def _device(wanted: str) -> torch.device:
    """Return the torch device of a setting; ModelError if it is not there."""
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
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            output_loading_info=True,
        )
        model = model.to(device).eval()
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


def dequantise(gguf: Path, folder: Path) -> None:
    """Write the float32 form of a GGUF file into a new folder: config, safetensors, tokenizer, chat template.

    Takes 20 to 120 s and up to 1.6 times the memory that the result takes on disk.
    """
    where = {"gguf_file": gguf.name, "local_files_only": True}
    model = _AUTO_MODEL.from_pretrained(gguf.parent, dtype=torch.float32, **where)
    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, **where)
    # The weights are plain float32 now, but transformers refuses to save what it still takes for quantised.
    model.hf_quantizer = None
    model.is_quantized = False
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


if __name__ == "__main__":
    dequantise(Path(sys.argv[1]), Path(sys.argv[2]))
