"""Deployment: only published files are installed; the bundle's script, the image and the systemd unit.

That a bundle installs and answers offline takes minutes to test: `make bundle && sh deploy/offline.sh`.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import REPOSITORY
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

HASHED = REPOSITORY / ".ci" / "hashed.py"
DEPLOY = REPOSITORY / "deploy"


def hashed(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(HASHED), *arguments], capture_output=True, text=True, check=False)


def report(folder: Path, version: str, sha256: str) -> str:
    """Write pip's report of installing this repository and one file of numpy; return its path."""
    numpy = {
        "metadata": {"name": "numpy", "version": version},
        "download_info": {"url": "https://mirror.invalid/numpy.whl", "archive_info": {"hashes": {"sha256": sha256}}},
    }
    own = {
        "metadata": {"name": "citewire", "version": "1"},
        "download_info": {"url": "file:///x", "dir_info": {}},
    }
    (folder / "report.json").write_text(json.dumps({"install": [own, numpy]}))
    return str(folder / "report.json")


def pins(file: str) -> dict[str, str]:
    lines = (REPOSITORY / file).read_text("utf-8").splitlines()
    wanted = [Requirement(line.rstrip(" \\")) for line in lines if line[:1].isalnum()]
    return {canonicalize_name(one.name): str(one.specifier) for one in wanted if "+" not in str(one.specifier)}


def test_every_version_that_is_pinned_has_hashes_and_no_other() -> None:
    assert pins("hashes.txt") == pins("constraints.txt")
    text = (REPOSITORY / "hashes.txt").read_text("utf-8")
    stanzas = [part for part in re.split(r"\n(?=\w|#)", text.strip()) if not part.startswith("#")]
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}$", part) for part in stanzas)
    assert "://" not in text


def test_what_pip_has_chosen_is_let_in_with_its_hashes(tmp_path: Path) -> None:
    version = pins("hashes.txt")["numpy"].removeprefix("==")
    (line,) = hashed("numpy", "yes").stdout.splitlines()
    known = re.findall(r"--hash=sha256:(\w{64})", line)
    assert len(known) > 10
    assert hashed(report(tmp_path, version, known[0]), "yes").stdout == f"{line}\n"
    assert hashed(report(tmp_path, version, ""), "yes").stdout == f"{line}\n"  # pip checks the file itself
    for version_, sha256 in ((version, "0" * 64), ("1.0", known[0])):
        refused = hashed(report(tmp_path, version_, sha256), "yes")
        assert (refused.returncode, refused.stdout) == (1, "")
        said = f"citewire: numpy {version_} from https://mirror.invalid/numpy.whl is none of the files in hashes.txt\n"
        assert refused.stderr == said
        assert hashed(report(tmp_path, version_, sha256), "no").stdout == f"numpy=={version_}\n"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A bundle with the files that the script reads before it installs."""
    folder = tmp_path / "bundle"
    (folder / "files").mkdir(parents=True)
    shutil.copy(DEPLOY / "install.sh", folder)
    here = (".".join(map(str, sys.version_info[:2])), platform.system(), platform.machine())
    (folder / "python").write_text(" ".join(here) + "\n")
    (folder / "files" / "a.whl").write_text("a file\n")
    sums = subprocess.run(["sha256sum", "files/a.whl"], cwd=folder, capture_output=True, text=True, check=True)
    (folder / "SHA256SUMS").write_text(sums.stdout)
    return folder


def install(bundle: Path, *arguments: str, python: str = sys.executable) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", str(bundle / "install.sh"), *arguments], env=os.environ | {"PYTHON": python}, cwd=bundle.parent,
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_bundle_says_what_is_wrong_before_it_installs(bundle: Path) -> None:
    def refused(said: str, *arguments: str, python: str = sys.executable) -> None:
        done = install(bundle, *arguments, python=python)
        assert done.returncode == 2
        assert said in done.stderr
        assert not (bundle.parent / "new").exists()

    refused("the folder to install to is missing. Name one: sh install.sh /opt/citewire")
    refused("/nowhere does not start. Install the one this was made for", "new", python="/nowhere")
    (bundle.parent / "old" / "venv").mkdir(parents=True)
    refused("old/venv is there already. Name another folder, or remove that one", "old")
    (bundle / "files" / "a.whl").write_text("another file\n")
    refused("the bundle is damaged. Copy it again", "new")
    (bundle / "python").write_text("2.7 Linux vax\n")
    refused("this was made for Python 2.7 Linux vax, and ", "new")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_the_unit_is_one(tmp_path: Path) -> None:
    unit = (DEPLOY / "citewire.service").read_text("utf-8")
    (tmp_path / "citewire.service").write_text(unit.replace("/opt/citewire/citewire", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", str(tmp_path / "citewire.service")], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.skipif(sys.platform == "win32", reason="hadolint is published for Linux and macOS")
def test_the_image_is_one() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, str(DEPLOY / "Dockerfile")], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
