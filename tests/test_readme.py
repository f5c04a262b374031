"""What the README says is run: its commands, and its map against the files that are there."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import REPOSITORY, SEEDS

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


def commands() -> list[str]:
    """The `citewire ...` lines of the README's shell blocks, comments cut off."""
    blocks = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    return [
        line.split("  #")[0].strip() for block in blocks for line in block.splitlines() if line.startswith("citewire ")
    ]


@pytest.mark.real
def test_the_commands_of_the_readme_work_as_written(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "seeds").symlink_to(SEEDS)
    printed = {}
    for command in commands():
        done = subprocess.run(
            [sys.executable, "-m", "citewire.ui", *shlex.split(command)[1:]],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, f"{command}: {done.stderr}"
        printed[command.split()[1] + (" --json" if "--json" in command else "")] = done.stdout
    assert list(printed) == ["models", "index", "ask", "ask --json", "config"]
    assert "March 2022" in printed["ask"]
    assert "[1]" in printed["ask"]
    refusal = json.loads(printed["ask --json"])
    assert (refusal["status"], refusal["claims"]) == ("abstained", [])
    assert len(refusal["hits"]) == 8
    assert "qwen2.5-coder-0.5b" in printed["config"]


def test_the_map_names_every_module() -> None:
    files = [file for folder in ("index", "qa", "ui") for file in (REPOSITORY / folder).rglob("*.*")]
    modules = {file.name for file in files if file.is_file() and file.suffix != ".pyc"}
    modules -= {"__init__.py", "__main__.py", "py.typed", "types.py", "errors.py"}
    shown = set(re.findall(r"\w+\.(?:py|json|js|css|md|txt|safetensors)\b", README))
    assert modules - shown == set()


def test_every_link_of_the_readme_leads_somewhere() -> None:
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if not link.startswith("http")]
    headings = {"#" + title.lower().replace(" ", "-") for title in re.findall(r"^#+ (.+)$", README, re.MULTILINE)}
    assert links
    assert [link for link in links if link not in headings and not (REPOSITORY / link).exists()] == []
