"""`make` on machines that lack something: its messages, and that it leaves nothing unfinished.

Each test runs the real Makefile in a copy of the files that it reads, with a fake for the missing part. That `make`
works on a complete machine is shown by every `make test`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from conftest import REPOSITORY, untraced

pytestmark = pytest.mark.slow

BASE_PYTHON = Path(sys.base_prefix) / "bin" / "python3"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    folder = tmp_path / "clone"
    folder.mkdir()
    for name in ("Makefile", "pyproject.toml", "constraints.txt", "hashes.txt", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, folder)
    for name in (".ci", "index", "qa", "seeds", "ui"):
        shutil.copytree(REPOSITORY / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def make(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        ["make", *arguments],
        cwd=folder,
        env=kept | {"CITEWIRE_CACHE": str(folder / "cache")} | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def stand_in(folder: Path, script: str) -> str:
    """Write an executable shell script and return its path."""
    file = folder / "stand-in"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return str(file)


def test_help_is_the_default_and_names_the_two_commands(clone: Path) -> None:
    done = make(clone)
    assert done.returncode == 0
    assert done.stdout == make(clone, "help").stdout
    assert "make run " in done.stdout
    assert "make test " in done.stdout


def test_python_that_is_missing(clone: Path) -> None:
    done = make(clone, "run", "PYTHON=/nowhere/python3")
    assert done.returncode == 2
    assert "citewire: /nowhere/python3 does not start. Install Python 3.11 or newer" in done.stderr
    assert not (clone / ".venv").exists()


@pytest.mark.parametrize(
    ("does", "said"),
    [
        ("*version_info*) exit 1;; -V) echo Python 3.9.2", "Python 3.9.2 is too old. Install Python 3.11 or newer"),
        ("*ensurepip*) exit 1", "has no venv. Install it: apt-get install python3-venv"),
    ],
)
def test_python_that_is_too_old_or_without_venv(does: str, said: str, clone: Path) -> None:
    lacking = stand_in(clone, f'case "$*" in {does};; esac')
    done = make(clone, "run", f"PYTHON={lacking}")
    assert done.returncode == 2
    assert said in done.stderr
    assert not (clone / ".venv").exists()


@pytest.mark.parametrize(("variable", "where"), [("VENV_GB", "Python environment"), ("CACHE_GB", "model")])
def test_disk_that_is_too_small(variable: str, where: str, clone: Path) -> None:
    done = make(clone, "run", f"PYTHON={BASE_PYTHON}", f"{variable}=1000000")
    assert done.returncode == 2
    assert "GB are free in" in done.stderr
    assert f"the {where} needs 1000000 GB. Free some" in done.stderr
    assert not (clone / ".venv").exists()


def test_a_network_that_is_away_and_then_a_file_with_other_bytes(clone: Path) -> None:
    # Nothing listens on port 9 of this machine.
    away = {"PIP_NO_CACHE_DIR": "1", "PIP_RETRIES": "0", "PIP_CONFIG_FILE": os.devnull}
    done = make(clone, "run", f"PYTHON={BASE_PYTHON}", PIP_INDEX_URL="http://127.0.0.1:9/simple", **away)
    assert done.returncode == 2
    assert "citewire: pip could not install citewire." in done.stderr
    assert "If the network is away, connect and run the same command again" in done.stderr
    assert not (clone / ".venv" / "installed").exists()

    (clone / "mirror").mkdir()
    pinned = next(line for line in (clone / "constraints.txt").read_text().split() if line.startswith("setuptools=="))
    forged = clone / "mirror" / f"{pinned.replace('==', '-')}-py3-none-any.whl"
    with zipfile.ZipFile(forged, "w") as wheel:
        wheel.writestr("setuptools/__init__.py", "raise SystemExit('run')")
    alone = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(clone / "mirror"), "PIP_CONFIG_FILE": os.devnull}
    done = make(clone, "run", f"PYTHON={BASE_PYTHON}", **alone)
    assert done.returncode == 2
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in done.stderr
    assert "If your mirror has files that PyPI has not, HASHES=no takes them by their version" in done.stderr
    (packages,) = (clone / ".venv").glob("lib/python*/site-packages/setuptools/__init__.py")
    assert "SystemExit" not in packages.read_text()  # still the one from Python's own installation


def test_files_that_come_and_go_make_a_new_install(clone: Path) -> None:
    """A strict editable install links single files, so `make` must notice new and removed ones."""
    packaged = ".venv/packaged"
    (clone / ".venv" / "bin").mkdir(parents=True)
    (clone / ".venv" / "bin" / "pip").touch()
    make(clone, packaged)
    first = (clone / packaged).read_text().split()
    assert "ui/cli.py" in first
    stamp = (clone / packaged).stat().st_mtime_ns

    make(clone, packaged)
    assert (clone / packaged).stat().st_mtime_ns == stamp

    (clone / "ui" / "new.py").touch()
    (clone / "index" / "types.py").unlink()
    make(clone, packaged)
    assert set((clone / packaged).read_text().split()) == {*first, "ui/new.py"} - {"index/types.py"}


NOWHERE = "SBIN=/nowhere"  # servers of this machine are not found


class TestPrograms:
    @staticmethod
    def tools(folder: Path, *names: str) -> str:
        """Return a PATH with only the named tools of this machine."""
        path = folder / "tools"
        path.mkdir()
        for name in names:
            found = shutil.which(name)
            assert found, name
            (path / name).symlink_to(found)
        return str(path)

    @pytest.mark.parametrize(
        ("target", "package", "then"),
        [
            ("chromium", "chromium-headless-shell", []),
            ("firefox", "firefox-esr", []),
            ("nginx", "nginx-light openssl", ["disable -q --now nginx"]),
        ],
    )
    def test_is_installed_where_apt_can(self, clone: Path, target: str, package: str, then: list[str]) -> None:
        path = Path(self.tools(clone, "id", "env", "make"))
        for name in ("apt-get", "systemctl"):
            (path / name).write_text(f"#!/bin/sh\necho \"$@\" >> '{clone}/asked'\n")
        (path / "sudo").write_text('#!/bin/sh\nexec "$@"\n')
        for name in ("apt-get", "systemctl", "sudo"):
            (path / name).chmod(0o755)
        done = make(clone, target, NOWHERE, PATH=str(path))
        assert done.returncode == 0, done.stderr
        assert (clone / "asked").read_text().splitlines() == ["update -qq", f"install -y -qq {package}", *then]

    @pytest.mark.parametrize(
        ("target", "said"),
        [
            ("chromium", "the tests of the page need Chromium and none is on the PATH. Install it"),
            ("firefox", "Firefox cannot be installed here. Install it in another way"),
            ("nginx", "the tests behind a proxy need nginx and none is here. Install it: apt-get install nginx-light"),
        ],
    )
    def test_is_asked_for_where_apt_is_missing(self, clone: Path, target: str, said: str) -> None:
        done = make(clone, target, NOWHERE, PATH=self.tools(clone, "id", "env", "make"))
        assert done.returncode == 2
        assert said in done.stderr

    @pytest.mark.parametrize(
        ("target", "name"),
        [
            ("chromium", "chromium-headless-shell"), ("chromium", "chromium"), ("firefox", "firefox-esr"),
            ("firefox", "firefox"), ("nginx", "nginx"),
        ],
    )  # fmt: skip
    def test_is_taken_where_it_is_there(self, clone: Path, target: str, name: str) -> None:
        path = Path(self.tools(clone, "id", "env", "make"))
        (path / name).write_text("#!/bin/sh\n")
        (path / name).chmod(0o755)
        done = make(clone, target, NOWHERE, PATH=str(path))
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


WITHOUT_PLAYWRIGHT = """
import sys
sys.modules.update(playwright=None, axe_playwright_python=None)
import pytest
sys.exit(pytest.main(sys.argv[1:]))
"""


def test_tests_are_collected_where_playwright_is_missing(tmp_path: Path) -> None:
    tests = (REPOSITORY / "tests").rglob("test_*.py")
    named = [str(file) for file in tests if "playwright" in file.read_text("utf-8")]
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_PLAYWRIGHT, "--collect-only", "-qq", "-p", "no:cacheprovider",
         "-m", "not browser", *named],
        cwd=REPOSITORY, env=untraced() | {"CITEWIRE_CACHE": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert "tests/ui/test_corpus_routes.py: " in done.stdout
