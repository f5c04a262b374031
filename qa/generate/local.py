"""A language model of a local folder, run by torch in this process; the only importer of transformers.

Knows the kept prefix, and greedy decoding that guesses ahead. Does not know where models come from or what the messages
say. Importing it takes seconds: `citewire.qa.generate.load` does so only when a model is loaded.

Run as `python -m citewire.qa.generate.local FILE.gguf FOLDER` it dequantises a GGUF file.
"""

from __future__ import annotations

import logging
import sys
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from threading import Lock
from typing import Any, cast

import torch
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer, DynamicCache, StaticCache
from transformers.cache_utils import DynamicLayer
from transformers.utils import logging as transformers_logging

from citewire.index.cores import usable_cores
from citewire.index.errors import ModelError
from citewire.qa.generate.tokens import ChatTokens
from citewire.qa.models.files import first_line
from citewire.qa.types import Message

_PREFIXES = 3  # system messages whose prompts stay read: those of answers and of opinions
_LOCK_POLL = 0.1  # seconds between two looks at `stopped` while another caller holds the model
_NGRAM = 3  # tokens compared at most to find the place whose continuation is the draft
_SHORTEST = 1024  # tokens of the shortest fixed cache; the next is twice as long, and so on
_AUTO_MODEL: Any = AutoModelForCausalLM  # its declared types do not follow its arguments
_LOAD_ERRORS = (OSError, ValueError, KeyError, TypeError, RuntimeError, ImportError, SafetensorError)

logger = logging.getLogger("citewire.qa.generate.local")


@dataclass(frozen=True, slots=True)
class Decoding:
    """How the tokens of a reply are computed. It changes no reply, but by rounding where two tokens are near a tie.

    Attributes:
        drafts: tokens guessed at a time, then checked in one pass: what followed the reply's last words where they
            stood before (A. Saxena, Prompt Lookup Decoding, 2023), as answers mostly repeat their evidence. 0: none.
        alike: last tokens that must have stood there at least.
        fixed: whether the passes of a reply run in a cache of fixed length, all of one shape.
        backend: what torch.compile makes of such a pass: "inductor" a CUDA graph. None: it is not compiled.
    """

    drafts: int = 15
    alike: int = 2
    fixed: bool = False
    backend: str | None = None


ON_CPU = Decoding()  # a pass of 2 to 16 tokens takes twice as long as one of 1: one word alike is too weak a sign
ON_CUDA = Decoding(alike=1, fixed=True, backend="inductor")  # all passes take as long


class _StoppedError(Exception):
    """`stopped()` was true inside the model."""


class TransformersGenerator:
    """A chat model of a folder with safetensors and a tokenizer; float32 on a CPU, bfloat16 on CUDA.

    Attention is torch's scaled_dot_product_attention for every architecture that transformers has it for. One caller
    at a time runs the model, others wait. The longest prefix that a prompt shares with what the model read last after
    the same system message is not computed again. Decoding is plain argmax: no penalties, whatever the folder's
    generation_config.json says.

    Args:
        folder: holds config.json, safetensors, tokenizer and chat template.
        name: what `name` returns.
        device: "cpu", "cuda", "cuda:1", ... or "auto" for CUDA when there.
        threads: of torch in this process; as many as there are cores for it without.
        decoding: `ON_CUDA` or `ON_CPU` without. Of a model that forgets (sliding windows) only single tokens are
            computed, in a growing cache.

    Raises:
        ModelError: the folder is no such model, or the device is not there.
    """

    def __init__(
        self,
        folder: Path,
        *,
        name: str,
        device: str = "auto",
        threads: int | None = None,
        decoding: Decoding | None = None,
    ) -> None:
        torch.set_num_threads(threads or usable_cores())
        self._name = name
        self._device = _device(device)
        self.tokens = ChatTokens(folder, name=name)
        self._model = _load(folder, self._device)
        wanted = decoding or (ON_CUDA if self._device.type == "cuda" else ON_CPU)
        self._decoding = wanted if _remembers(self._model) else Decoding(drafts=0)
        self._lock = Lock()
        self._kept: OrderedDict[str, _Growing] = OrderedDict()  # by first message, the least used first
        self._fixed: dict[int, _Fixed] = {}  # by length
        self._stopped: Callable[[], bool] = lambda: False
        if self._decoding.backend is None:  # a compiled pass is short, and has no hooks
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
            if count > 0:
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
            self._stopped = lambda: False
            logits = self._cache(messages[0].content).read_on(prompt).float().cpu()
        return torch.softmax(logits[firsts], dim=0).tolist()

    def _reply(self, key: str, prompt: list[int], count: int, stopped: Callable[[], bool]) -> Iterator[int]:
        """Yield at most `count` tokens of the reply, without the one that ends it."""
        self._stopped = stopped
        text = _Text(prompt)
        try:
            growing = self._cache(key)
            found = [int(growing.read_on(prompt).argmax())]
            cache = self._fixed_copy(growing, len(prompt) + count) if self._decoding.fixed else growing
            while True:
                for token in found:
                    if token in self.tokens.ends or stopped():
                        return
                    text.append(token)
                    yield token
                count -= len(found)
                if count <= 0:
                    return
                drafts = text.drafts(min(self._decoding.drafts, count - 1), self._decoding.alike)
                found = _checked(cache, text.ids[-1], drafts)
        except _StoppedError:
            return

    def _cache(self, key: str) -> _Growing:
        """Return what was read last under `key`, which is the same for prompts that begin alike."""
        cache = self._kept.pop(key, None) or _Growing(self._model)
        self._kept[key] = cache
        if len(self._kept) > _PREFIXES:
            self._kept.popitem(last=False)
        return cache

    def _fixed_copy(self, growing: _Growing, tokens: int) -> _Fixed:
        """Return a fixed cache with room for `tokens` that has read what `growing` has."""
        width = 1 + self._decoding.drafts
        length = _SHORTEST
        while length < tokens + width:
            length *= 2
        if length not in self._fixed:
            self._fixed[length] = _Fixed(self._model, length, width, self._decoding.backend)
        self._fixed[length].copy(growing)
        return self._fixed[length]

    def _look_at_stopped(self, module: torch.nn.Module, inputs: tuple[object, ...]) -> None:
        del module, inputs
        if self._stopped():
            raise _StoppedError


class _Growing:
    """Tokens that the model has read and their cache, which grows with them and can be cut back."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._forget()

    def _forget(self) -> None:
        self._tokens: list[int] = []
        self._cache = DynamicCache(config=self._model.config)

    @property
    def layers(self) -> list[Any]:
        """The keys and values of each layer."""
        return list(self._cache.layers)

    @property
    def length(self) -> int:
        """Tokens read."""
        return len(self._tokens)

    def read_on(self, prompt: Sequence[int]) -> torch.Tensor:
        """Read a prompt from where it differs; return the logits of the token after it, shape (vocabulary,)."""
        self.cut(_shared(prompt[:-1], self._tokens))
        return self._logits(prompt[self.length :], 1)[0]

    def next(self, tokens: Sequence[int]) -> list[int]:
        """Read `tokens`; return the most likely token after each."""
        return cast("list[int]", self._logits(tokens, len(tokens)).argmax(-1).tolist())

    def cut(self, length: int) -> None:
        """Forget all but the first `length` tokens; all of them where the cache cannot go back."""
        if length == self.length:
            return
        try:
            self._cache.crop(length - self.length)
            del self._tokens[length:]
        except (RuntimeError, ValueError):  # a sliding window has forgotten what it would need
            self._forget()

    def _logits(self, tokens: Sequence[int], last: int) -> torch.Tensor:
        """Read `tokens`; return the logits after the `last` of them, shape (last, vocabulary)."""
        ids = torch.tensor([tokens], device=self._model.device)
        try:
            with torch.no_grad():
                reply = self._model(input_ids=ids, past_key_values=self._cache, use_cache=True, logits_to_keep=last)
        except BaseException:  # some layers have read more than others
            self._forget()
            raise
        self._tokens += tokens
        return cast(torch.Tensor, reply.logits[0])


class _Fixed:
    """A cache of fixed length, filled from a growing one, that the model reads on in passes of one width.

    All passes have the same shapes and addresses: compiled once, on CUDA one graph, they serve every reply.
    """

    def __init__(self, model: Any, length: int, width: int, backend: str | None) -> None:
        self._model, self._width = model, width
        self._cache = StaticCache(config=model.config, max_cache_len=length)
        self._layers: list[Any] = self._cache.layers
        self._pass = self._uncompiled
        self._refusals: tuple[type[Exception], ...] = ()
        if backend:
            from torch._dynamo.exc import TorchDynamoException  # takes seconds

            self._refusals = (TorchDynamoException,)
            mode = "reduce-overhead" if backend == "inductor" else None
            self._pass = torch.compile(self._uncompiled, backend=backend, mode=mode, fullgraph=True, dynamic=False)
        self.length = 0  # tokens read; the next pass overwrites what lies behind

    def copy(self, growing: _Growing) -> None:
        """Hold what a growing cache holds."""
        self.length = growing.length
        for mine, theirs in zip(self._layers, growing.layers, strict=True):
            if not mine.is_initialized:
                mine.lazy_initialization(theirs.keys, theirs.values)
            mine.keys[:, :, : self.length] = theirs.keys
            mine.values[:, :, : self.length] = theirs.values

    def next(self, tokens: Sequence[int]) -> list[int]:
        """Read `tokens`, at most a pass of them; return the most likely token after each."""
        device = self._model.device
        padded = [*tokens, *[0] * (self._width - len(tokens))]
        given = torch.tensor([padded], device=device), torch.tensor(self.length, device=device)
        with torch.no_grad():
            try:
                found = self._pass(*given)
            except self._refusals as error:  # as where there is a GPU but no C compiler
                logger.warning("the model runs slower, uncompiled", extra={"problem": first_line(error)})
                self._pass = self._uncompiled
                found = self._pass(*given)
        self.length += len(tokens)
        return cast("list[int]", found.tolist()[: len(tokens)])

    def cut(self, length: int) -> None:
        """Forget all but the first `length` tokens."""
        self.length = length

    def _uncompiled(self, ids: torch.Tensor, start: torch.Tensor) -> torch.Tensor:
        """Read `ids`, shape (1, width), after the first `start` tokens; return the most likely token after each."""
        for layer in self._layers:
            layer.cumulative_length.copy_(start)
        logits = self._model(input_ids=ids, past_key_values=self._cache, use_cache=True).logits
        found: torch.Tensor = logits[0].argmax(-1)
        return found


class _Text:
    """The tokens of prompt and reply, with the places where their last few stood before."""

    def __init__(self, tokens: Sequence[int]) -> None:
        self.ids: list[int] = []
        self._after: dict[tuple[int, ...], int] = {}  # tokens in a row -> the place after the last such row
        for token in tokens:
            self.append(token)

    def append(self, token: int) -> None:
        """Add a token."""
        for length in range(1, min(_NGRAM, len(self.ids)) + 1):
            self._after[tuple(self.ids[-length:])] = len(self.ids)
        self.ids.append(token)

    def drafts(self, most: int, alike: int) -> list[int]:
        """Return `most` tokens of what followed the last tokens where most of them stood before.

        [] where not even `alike` of them did.
        """
        for length in range(min(_NGRAM, len(self.ids)), alike - 1, -1):
            place = self._after.get(tuple(self.ids[-length:]))
            if place is not None:
                return self.ids[place : place + most]
        return []


def _checked(cache: _Growing | _Fixed, last: int, drafts: Sequence[int]) -> list[int]:
    """Read the reply's last token; return those of the drafts that the model says as well, and its own next one."""
    found = cache.next([last, *drafts])
    right = _shared(drafts, found)
    cache.cut(cache.length - len(drafts) + right)
    return found[: right + 1]


def _shared(one: Sequence[int], other: Sequence[int]) -> int:
    """Return how many tokens two sequences begin with alike."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _remembers(model: Any) -> bool:
    """Say whether all layers keep all that they read."""
    return all(type(layer) is DynamicLayer for layer in DynamicCache(config=model.config).layers)


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
