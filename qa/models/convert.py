"""GGUF file -> folder with weights that an engine loads and their tokenizer, made once and kept beside the file.

There are two forms: "float32", safetensors for torch, and "int8" for CTranslate2, which is made from the former.
Dequantising takes half a minute, loading the result a second. A folder is valid only with its `citewire.json`, which is
written last and has the digests of the source and of the folder's files. Knows nothing of catalogues.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

from citewire.index.disk import replace, sync
from citewire.index.errors import ModelError
from citewire.index.types import Progress
from citewire.qa.models.files import WORK, locked, models_folder, quiet, require_room, sha256_of, size_of, sweep

Form = Literal["float32", "int8"]

_MANIFEST = "citewire.json"


@dataclass(frozen=True, slots=True)
class _File:
    """A file of the converted form; `name` is its path in the folder."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class _Manifest:
    """The source and the files of a converted form; the time shows a changed source of the same size without a read."""

    source_sha256: str
    source_bytes: int
    source_mtime_ns: int
    files: tuple[_File, ...]


def converted(
    gguf: Path,
    cache: Path | None,
    progress: Progress = quiet,
    *,
    form: Form = "float32",
    sha256: str = "",
    room: int = 0,
) -> Path:
    """Return the folder of a GGUF file's converted form; makes it if it is missing.

    Args:
        gguf: the file.
        cache: citewire's cache folder: for locks, and for the result if the file's folder is not writable.
        progress: called with (what is being done, bytes done, bytes in all).
        form: the form wanted.
        sha256: the file's expected digest; "" accepts any.
        room: bytes of disk space that the conversion needs, 0 if unknown.

    Raises:
        ModelError: wrong digest, unsupported GGUF file, or too little memory or disk space.
    """
    folder = _folder(gguf, cache, form)
    if is_converted(gguf, cache, form, sha256):
        return folder
    with locked(cache, f"convert-{_key(gguf)}", progress):
        if is_converted(gguf, cache, form, sha256):  # another process did it during the wait
            return folder
        digest = sha256_of(gguf, progress)
        if sha256 and digest != sha256:
            raise ModelError(
                f"The file {gguf} has the sha256 {digest}, not its publisher's {sha256}",
                "Delete it and fetch it again with citewire models fetch.",
            )
        manifest = _whole(folder)
        if manifest and manifest.source_sha256 == digest:  # copied or touched, same content
            _write(folder, _manifest(gguf, digest, manifest.files))
        else:
            exact = _folder(gguf, cache, "float32")
            there = is_converted(gguf, cache, "float32", sha256)
            _convert(gguf, digest, form, exact if form == "int8" and there else None, folder, room, progress)
    return folder


def is_converted(gguf: Path, cache: Path | None, form: Form, sha256: str = "") -> bool:
    """Return whether a converted form of this GGUF file exists with files of the right sizes.

    The source is identified by `sha256`, or by its size and time if that is "".
    """
    manifest = _whole(_folder(gguf, cache, form))
    if manifest is None or not gguf.is_file():
        return False
    if sha256:
        return manifest.source_sha256 == sha256
    stat = gguf.stat()
    return (manifest.source_bytes, manifest.source_mtime_ns) == (stat.st_size, stat.st_mtime_ns)


def converted_files(gguf: Path, cache: Path | None) -> dict[Path, str]:
    """Return the files of all converted forms with their expected sha256; {} if there is no form."""
    found: dict[Path, str] = {}
    for form in get_args(Form):
        folder = _folder(gguf, cache, form)
        manifest = _read(folder)
        found |= {folder / file.name: file.sha256 for file in manifest.files} if manifest else {}
    return found


def _key(gguf: Path) -> str:
    return hashlib.sha256(str(gguf.resolve()).encode()).hexdigest()[:16]


def _folder(gguf: Path, cache: Path | None, form: Form) -> Path:
    """Return the folder of a converted form: beside the file, or in the cache if that is not writable."""
    beside = gguf.with_name(f"{gguf.name}.{form}")
    if beside.is_dir() or os.access(gguf.parent, os.W_OK):
        return beside
    return models_folder(cache) / f"converted-{_key(gguf)}.{form}"


def _convert(
    gguf: Path, digest: str, form: Form, exact: Path | None, folder: Path, room: int, progress: Progress
) -> None:
    """Make `folder` atomically, from the float32 form `exact` if there is one.

    Each step runs in a child process, because it needs several times the file's size in memory: the memory is freed
    afterwards, and if there is too little, only the child dies.
    """
    marker = f"{WORK}converting-{_key(gguf)}-"
    sweep(folder.parent, marker)
    require_room(folder.parent, room, f"the converted form of {gguf.name}")
    progress("converting", 0, 0)
    with tempfile.TemporaryDirectory(prefix=marker, dir=folder.parent, ignore_cleanup_errors=True) as work:
        made = exact or _step(gguf, "local", gguf.resolve(), Path(work) / "float32")
        if form == "int8":
            made = _step(gguf, "int8", made, Path(work) / "int8")
        files = []
        for file in sorted(made.rglob("*")):
            sync(file)
            if file.is_file():
                files.append(_File(file.relative_to(made).as_posix(), size_of(file), sha256_of(file, progress)))
        _write(made, _manifest(gguf, digest, tuple(files)))
        if folder.exists():
            shutil.rmtree(folder)
        made.replace(folder)
        sync(folder.parent)


def _step(gguf: Path, module: str, source: Path, made: Path) -> Path:
    """Run a module of `citewire.qa.generate` as a program that writes `made` from `source`; return `made`."""
    run = subprocess.run(
        # -P: a torch.py in the user's folder must not be taken for torch
        [sys.executable, "-P", "-m", f"citewire.qa.generate.{module}", str(source), str(made)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        check=False,
    )
    if run.returncode:
        raise _failed(gguf, run.returncode, run.stderr)
    return made


def _failed(gguf: Path, code: int, stderr: str) -> ModelError:
    reason = ([line.strip() for line in stderr.splitlines() if line.strip()] or ["no reason given"])[-1]
    if code < 0:
        reason = f"signal {-code} ended it, perhaps because memory ran out"
    return ModelError(
        f"The GGUF file {gguf} cannot be converted: {reason}",
        "Check the file, free memory and disk space, or name a smaller model.",
    )


def _manifest(gguf: Path, digest: str, files: tuple[_File, ...]) -> _Manifest:
    stat = gguf.stat()
    return _Manifest(digest, stat.st_size, stat.st_mtime_ns, files)


def _write(folder: Path, manifest: _Manifest) -> None:
    replace(folder / _MANIFEST, json.dumps(asdict(manifest), indent=1).encode())


def _read(folder: Path) -> _Manifest | None:
    """Return the manifest; None if it is missing or invalid."""
    try:
        read = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        return _Manifest(**{**read, "files": tuple(_File(**file) for file in read["files"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _whole(folder: Path) -> _Manifest | None:
    """Return the manifest if all its files exist with the right sizes, else None."""
    manifest = _read(folder)
    if manifest and all(size_of(folder / file.name) == file.bytes for file in manifest.files):
        return manifest
    return None
