"""A language model of a local folder, run in this process; the only importer of transformers.

Knows prompts as tokens, the kept prefix and greedy decoding. Does not know where models come from or what the
messages say. Importing it takes seconds: `citewire.qa.generate` does so only when a model is loaded.

Run as `python -m citewire.qa.generate_local FILE.gguf FOLDER` it dequantises a GGUF file.
"""

from __future__ import annotations

import re
import sys
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from threading import Lock
from typing import Any

import jinja2
import torch
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer, DynamicCache
from transformers.utils import logging as transformers_logging

from citewire.index.errors import ModelError
from citewire.qa.files import first_line
from citewire.qa.types import Message

_PREFIXES = 3  # system messages whose prompts stay read: those of answers and of opinions
_LOCK_POLL = 0.1  # seconds between two looks at `stopped` while another caller holds the model
_HALF_A_CHARACTER = "\N{REPLACEMENT CHARACTER}"  # what a decoder makes of bytes that are not yet a character
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
        self._model, self._tokenizer = _load(folder, self._device)
        self._limit = _context_window(self._model, self._tokenizer)
        self._ends = _end_tokens(self._model, self._tokenizer)
        added = self._tokenizer.added_tokens_decoder.values()
        self._control = _any_of(token.content for token in added)
        self._markup = _any_of(
            token.content for token in added if not token.special and re.fullmatch(r"<.+>|\[.+\]", token.content)
        )
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
        prompt = self._prompt(messages)
        while not self._lock.acquire(timeout=_LOCK_POLL):
            if stopped():
                return
        try:
            tokens = self._tokens(messages[0].content, prompt, min(max_tokens, self._limit - len(prompt)), stopped)
            yield from whole_characters(tokens, self._text)
        finally:
            self._lock.release()

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Return the length of the prompt that `generate` would read."""
        return len(self.prompt_ids(messages))

    def choose(self, messages: Sequence[Message], options: Sequence[str]) -> list[float]:
        """Return the softmax over the options' first tokens, at the place of the reply's first token.

        Raises:
            ModelError: the prompt fills the context window, or two options begin with the same token.
        """
        firsts = [self._plain_ids(option)[:1] for option in options]
        if [] in firsts or len({tuple(first) for first in firsts}) < len(options):
            raise ModelError(
                f"The model {self._name} cannot tell the options {list(options)} apart by their first token",
                "Choose options that begin differently.",
            )
        prompt = self._prompt(messages)
        with self._lock:
            logits = self._next(messages[0].content, prompt, lambda: False)
        return torch.softmax(logits[[first[0] for first in firsts]], dim=0).tolist()

    def _prompt(self, messages: Sequence[Message]) -> list[int]:
        """Return the prompt's tokens; ModelError if there is no room for a reply."""
        prompt = self.prompt_ids(messages)
        if len(prompt) >= self._limit:
            raise ModelError(
                f"The prompt has {len(prompt)} tokens, and {self._name} reads at most {self._limit - 1}",
                "Ask with fewer passages or a shorter question, or name a model that reads more.",
            )
        return prompt

    def prompt_ids(self, messages: Sequence[Message]) -> list[int]:
        """Return the tokens of the chat template around the messages.

        The template is filled with placeholders instead of the contents. Control tokens are then looked for
        in the template's own text only; a content joins the text around it and is tokenised as plain text.
        """
        marks = [f"\ue000{i}\ue001" for i in range(len(messages))]
        chat = [{"role": message.role, "content": mark} for message, mark in zip(messages, marks, strict=True)]
        try:
            template = str(self._tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True))
        except (jinja2.TemplateError, ValueError) as error:
            roles = ", ".join(message.role for message in messages)
            raise ModelError(
                f"The chat template of {self._name} cannot write messages of {roles}: {error}",
                "Name an instruct model that takes system, user and assistant messages.",
            ) from error
        contents = {mark: message.content for mark, message in zip(marks, messages, strict=True)}
        ids: list[int] = []
        plain = ""
        for piece in re.split("(\ue000[0-9]+\ue001)", template):
            if piece in contents:
                plain += contents[piece]
                continue
            for i, text in enumerate(self._control.split(piece)):
                if i % 2 == 0:
                    plain += text
                else:
                    ids += self._plain_ids(plain)
                    ids.append(self._tokenizer.added_tokens_encoder[text])
                    plain = ""
        return ids + self._plain_ids(plain)

    def _plain_ids(self, text: str) -> list[int]:
        """Return the tokens of a text in which nothing is a control token."""
        # The tokenizer splits special tokens; others that steer a model, as <tool_call>, are cut in two.
        cuts = [0, *(found.start() + 1 for found in self._markup.finditer(text)), len(text)]
        ids: list[int] = []
        for start, end in pairwise(cuts):
            if start < end:
                piece = self._tokenizer(text[start:end], add_special_tokens=False, split_special_tokens=True)
                ids += piece.input_ids
        return ids

    def _tokens(self, key: str, prompt: list[int], count: int, stopped: Callable[[], bool]) -> Iterator[int]:
        """Yield at most `count` tokens of the reply, without the one that ends it."""
        ids = list(prompt)
        for _ in range(count):
            try:
                token = int(self._next(key, ids, stopped).argmax())
            except _StoppedError:
                return
            if token in self._ends:
                return
            ids.append(token)
            yield token

    def _text(self, ids: list[int]) -> str:
        return str(self._tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False))

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


def whole_characters(tokens: Iterable[int], decode: Callable[[list[int]], str]) -> Iterator[str]:
    """Yield the text of the tokens piece by piece; a character whose bytes are split waits for the last one."""
    # A token's text depends on the one before it (blanks), so the window starts one token behind.
    window: list[int] = []
    shown = 0  # characters of the window's text that were yielded
    for token in tokens:
        window.append(token)
        text = decode(window)
        if text.endswith(_HALF_A_CHARACTER):
            continue
        if len(text) > shown:
            yield text[shown:]
        window = window[-1:]
        shown = len(decode(window))
    rest = decode(window)[shown:].rstrip(_HALF_A_CHARACTER)
    if rest:
        yield rest


def _any_of(texts: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern with one group that finds the longest of some texts; never, if there are none."""
    longest_first = sorted(texts, key=len, reverse=True)
    return re.compile("(" + "|".join(map(re.escape, longest_first)) + ")" if longest_first else "((?!))")


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


def _load(folder: Path, device: torch.device) -> tuple[Any, Any]:
    """Return model and tokenizer of a folder; safetensors only, no code of the folder, no network."""
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
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
    if not tokenizer.chat_template:
        raise ModelError(f"The model in {folder} has no chat template", "Name an instruct model.")
    return model, tokenizer


def _context_window(model: Any, tokenizer: Any) -> int:
    """Return how many tokens prompt and reply may have together."""
    limits = (
        getattr(model.config.get_text_config(), "max_position_embeddings", None),
        tokenizer.model_max_length,
    )
    return int(min((limit for limit in limits if limit), default=sys.maxsize))


def _end_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    """Return the tokens that end a reply: those the model names, and any other control token."""
    named = model.generation_config.eos_token_id
    ends = {tokenizer.eos_token_id, *(named if isinstance(named, list) else [named])}
    ends |= {number for number, token in tokenizer.added_tokens_decoder.items() if token.special}
    return frozenset(ends - {None})


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
