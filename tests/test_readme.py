"""The README's commands are run, and its statements are compared with the files."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from commands import citewire
from conftest import REPOSITORY, SEEDS

from citewire.qa.types import Generator
from citewire.ui import engine

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
MAP = (REPOSITORY / "docs" / "architecture.md").read_text(encoding="utf-8")
GUIDE = (REPOSITORY / "docs" / "guide.md").read_text(encoding="utf-8")
PAGES = sorted([REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", *(REPOSITORY / "docs").glob("*.md")])


def commands() -> list[str]:
    """The distinct `citewire ...` lines in shell blocks of the README and the guide, without comments."""
    blocks = re.findall(r"```sh\n(.*?)```", README + GUIDE, re.DOTALL)
    lines = [line.split("  #")[0].strip() for block in blocks for line in block.splitlines()]
    return list(dict.fromkeys(line for line in lines if line.startswith("citewire ")))


@pytest.mark.model
def test_the_commands_of_the_readme_work_as_written(
    generator: Generator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(engine, "load_generator", lambda *_, **__: generator)  # the default model, loaded only once
    Path("seeds").symlink_to(SEEDS)
    printed = {}
    for command in commands():
        done = citewire(*shlex.split(command)[1:])
        assert done.returncode == 0, f"{command}: {done.stderr}"
        printed[command.split()[1] + (" --json" if "--json" in command else "")] = done.stdout
    assert list(printed) == ["models", "index", "ask", "ask --json", "config"]
    assert "March 2022" in printed["ask"]
    assert "[1]" in printed["ask"]
    refusal = json.loads(printed["ask --json"])
    assert (refusal["status"], refusal["claims"]) == ("abstained", [])
    assert len(refusal["hits"]) == 8
    assert "qwen2.5-coder-0.5b" in printed["config"]
    (python,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    exec(python, {})
    assert "March 2022" in capsys.readouterr().out


def test_the_map_names_every_module() -> None:
    files = [file for folder in ("index", "qa", "ui") for file in (REPOSITORY / folder).rglob("*.*")]
    modules = {file.name for file in files if file.is_file() and file.suffix != ".pyc"}
    modules -= {"__init__.py", "__main__.py", "py.typed", "types.py", "errors.py"}
    shown = set(re.findall(r"\w+\.(?:py|json|js|css|md|txt|safetensors)\b", MAP))
    assert modules - shown == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)]+)\)", text):
        if not link.startswith("http"):
            file, _, heading = link.partition("#")
            there = page.parent / file if file else page
            assert there.exists(), link
            titles = re.findall(r"^#+ (.+)$", there.read_text("utf-8"), re.MULTILINE) if heading else []
            assert not heading or heading in {
                re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in titles
            }, link


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 120
