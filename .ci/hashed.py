"""Print the requirements that pip may install: the versions that it chose, with the sha256 of their files.

    pip install --dry-run --report REPORT ...
    python .ci/hashed.py REPORT yes > FILE
    pip install --no-deps -r FILE

pip chooses by constraints.txt among the versions for this machine, its Python and its mirror. With the sha256 of all
files of a version, from hashes.txt, it installs only published files. If one requirement has a hash, pip requires
hashes for all. `no` prints only the versions. If REPORT is a name, its version in hashes.txt is used. Needs only
Python, because nothing is installed yet.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

HASHES = Path(__file__).resolve().parent.parent / "hashes.txt"


def canonical(name: str) -> str:
    """Return a name in PyPI's normal form."""
    return re.sub(r"[-_.]+", "-", name).lower()


def known(text: str) -> dict[tuple[str, str], list[str]]:
    """Return the sha256 of all files by name and version, from requirements in pip's format."""
    found: dict[tuple[str, str], list[str]] = {}
    for line in text.splitlines():
        if line[:1].isalnum():
            name, _, version = line.split(";")[0].rstrip(" \\").partition("==")
            hashes = found[canonical(name), version.strip()] = []
        elif "--hash=sha256:" in line:
            hashes.append(line.strip(" \\").partition("--hash=sha256:")[2])
    return found


def chosen(report: str) -> list[tuple[str, str, str, str]]:
    """Return name, version, address and sha256 ("" if the index states none) of each file that pip would install."""
    return [
        (
            canonical(one["metadata"]["name"]), one["metadata"]["version"], one["download_info"]["url"],
            one["download_info"].get("archive_info", {}).get("hashes", {}).get("sha256", ""),
        )
        for one in json.loads(report)["install"]
        if "dir_info" not in one["download_info"]  # this repository
    ]  # fmt: skip


def main() -> None:
    """Print the requirements for the first argument."""
    files = known(HASHES.read_text("utf-8"))
    given, checked = sys.argv[1:]
    if Path(given).is_file():
        wanted = chosen(Path(given).read_text("utf-8"))
    else:
        wanted = [(name, version, "", "") for name, version in files if name == given]
    for name, version, address, sha256 in wanted:
        hashes = files.get((name, version), []) if checked != "no" else []
        if checked != "no" and (not hashes or (sha256 and sha256 not in hashes)):
            sys.exit(f"citewire: {name} {version} from {address} is none of the files in hashes.txt")
        print(" ".join([f"{name}=={version}", *(f"--hash=sha256:{one}" for one in hashes)]))


if __name__ == "__main__":
    main()
