"""Documents of a release: its settings, the licences of its dependencies, and a bill of materials.

    python .ci/release.py settings            the right docs/settings.md
    python .ci/release.py licences            the right docs/licences.md
    python .ci/release.py sbom FILE           the bill of materials, CycloneDX 1.6 as JSON

Reads the environment that it runs in, which must be installed with constraints.txt.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from importlib.metadata import Distribution, distribution
from inspect import get_annotations
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from pydantic.fields import FieldInfo
from typer.main import get_command

from citewire.qa.models.catalogue import CATALOGUE, EMBEDDER
from citewire.ui.cli import app
from citewire.ui.settings import Settings, flag, shown

REPOSITORY = Path(__file__).resolve().parent.parent
NETWORKS = sorted((REPOSITORY / "qa").glob("*.safetensors"))  # made by training/, part of the wheel
NETWORK_LICENCE = "Apache-2.0"


def closure(name: str = "citewire") -> dict[str, Distribution]:
    """Return a distribution and its dependencies on this platform, by canonical name."""
    found: dict[str, Distribution] = {}
    left = [(name, frozenset[str]())]
    seen = set(left)
    while left:
        wanted, extras = left.pop()
        here = found[canonicalize_name(wanted)] = distribution(wanted)
        for line in here.requires or ():
            needed = Requirement(line)
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in (*extras, "")):
                one = (needed.name, frozenset(needed.extras))
                if one not in seen:
                    seen.add(one)
                    left.append(one)
    return found


def licence(of: Distribution) -> str:
    """Return the licence that a distribution states: an SPDX expression, else its classifiers, else its text."""
    stated = of.metadata
    if expression := stated.get("License-Expression"):
        return expression
    classifiers = [one for one in stated.get_all("Classifier", []) if one.startswith("License ::")]
    return (
        "; ".join(one.rpartition(" :: ")[2] for one in classifiers)
        or (stated.get("License") or "not stated").splitlines()[0]
    )


def licences() -> str:
    """Return the contents of docs/licences.md."""
    needed = closure()
    del needed["citewire"]
    models = [
        *((one.title, one.repository, one.licence) for one in CATALOGUE.values()),
        (EMBEDDER.title, EMBEDDER.repository, EMBEDDER.licence),
    ]
    lines = [
        "# Licences",
        "",
        "citewire is under Apache-2.0 ([LICENSE](../LICENSE)). What comes along, as each states it, on Linux with",
        f"Python 3.{sys.version_info.minor}; made by `make licences`, checked by `tests/test_release.py`.",
        "",
        "| model | published as | licence |",
        "|---|---|---|",
        *(f"| {title} | {repository} | {stated} |" for title, repository, stated in models),
        *(f"| `qa/{one.name}` | [this repository]({card(one)}) | {NETWORK_LICENCE} |" for one in NETWORKS),
        "",
        "| package | licence |",
        "|---|---|",
        *(f"| {needed[name].name} | {licence(needed[name])} |" for name in sorted(needed)),
        "",
    ]
    return "\n".join(lines)


def card(network: Path) -> str:
    """Return the path below docs/ of the model card of a network in qa/."""
    return f"{network.stem.partition('_')[0]}.md"


def sbom() -> dict[str, Any]:
    """Return the bill of materials of citewire's installed dependencies and of its models."""
    made = subprocess.run(  # not validated: that takes most of the time, and the result is changed below
        [sys.executable, "-m", "cyclonedx_py", "environment", "--output-format", "JSON", "--spec-version", "1.6",
         "--output-reproducible", "--no-validate", "--pyproject", str(REPOSITORY / "pyproject.toml"), sys.executable],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    told: dict[str, Any] = json.loads(made.stdout)
    needed = closure()
    told["components"] = [one for one in told["components"] if canonicalize_name(one["name"]) in needed]
    for one in told["components"]:  # a licence in free text is left out
        one.setdefault("licenses", [{"license": {"name": licence(needed[canonicalize_name(one["name"])])}}])
    known = {one["bom-ref"] for one in told["components"]} | {told["metadata"]["component"]["bom-ref"]}
    told["dependencies"] = [
        {**one, "dependsOn": [ref for ref in one.get("dependsOn", ()) if ref in known]}
        for one in told.get("dependencies", ())
        if one["ref"] in known
    ]
    told["components"] += [
        {
            "type": "machine-learning-model",
            "bom-ref": f"model {one.name}",
            "name": one.name,
            "version": one.revision,
            "hashes": [{"alg": "SHA-256", "content": one.sha256}],
            "licenses": [{"license": {"id": one.licence}}],
            "externalReferences": [{"type": "distribution", "url": f"https://huggingface.co/{one.repository}"}],
        }
        for one in CATALOGUE.values()
    ]
    own = told["metadata"]["component"]["version"] = needed["citewire"].version  # pyproject.toml has none
    told["components"] += [
        {
            "type": "machine-learning-model",
            "bom-ref": f"network {one.stem}",
            "name": one.name,
            "version": own,
            "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(one.read_bytes()).hexdigest()}],
            "licenses": [{"license": {"id": NETWORK_LICENCE}}],
            "externalReferences": [{"type": "documentation", "url": f"docs/{card(one)}"}],
        }
        for one in NETWORKS
    ]
    return told


def settings() -> str:
    """Return the contents of docs/settings.md."""
    flags = _taken(get_command(app))
    lines = [
        "# Settings",
        "",
        "Each is a line of `citewire.toml` (`port = 7861`), a variable (`CITEWIRE_PORT=7861`) and, where one is named,",
        "a flag of the commands that need it (`--port 7861`). A variable wins over the file, a flag over both.",
        "`citewire config` prints what is in force and where it comes from.",
        "",
        "Made from `ui/settings.py` by `make settings`, checked by `tests/test_release.py`.",
    ]
    for part in reversed(Settings.__mro__):
        names = [name for name in get_annotations(part) if name in Settings.model_fields]
        if names:
            lines += ["", f"## {str(part.__doc__).rstrip('.')}", "", "| setting | flag | default | value |"]
            lines += ["|---|---|---|---|", *(_row(name, Settings.model_fields[name], flags) for name in names)]
    return "\n".join([*lines, ""])


def _row(name: str, field: FieldInfo, flags: set[str]) -> str:
    spelled = f"`{flag(name)}`" if name in flags else ""
    meaning = " ".join(filter(None, (field.description, _limits(field))))
    return f"| `{name}` | {spelled} | {_default(name, field)} | {meaning} |"


def _taken(command: Any) -> set[str]:
    """Return the names of all parameters of a command and its subcommands."""
    below = (_taken(one) for one in getattr(command, "commands", {}).values())
    return {parameter.name for parameter in command.params if parameter.param_type_name == "option"}.union(*below)


def _default(name: str, field: FieldInfo) -> str:
    value = shown(name, "default") or field.get_default(call_default_factory=True)
    if isinstance(value, bool | float):
        return f"`{value:g}`" if isinstance(value, float) else f"`{value}`".lower()
    return f"`{value}`" if value not in ("", None, (), {}) else ""


def _limits(field: FieldInfo) -> str:
    """Describe the limits of a setting's values, "" if it has only a type."""
    if get_origin(field.annotation) is Literal:
        return f"({', '.join(get_args(field.annotation))})"
    found = {name: getattr(one, name) for one in field.metadata for name in ("ge", "gt", "le") if hasattr(one, name)}
    match found:
        case {"ge": least, "le": most}:
            return f"({least:,} to {most:,})"
        case {"ge": least}:
            return f"({least:,} or more)"
        case {"gt": over}:
            return f"(more than {over:,})"
    return ""


def main() -> None:
    """Run the action of the first argument."""
    match sys.argv[1:]:
        case ["settings"]:
            print(settings(), end="")
        case ["licences"]:
            print(licences(), end="")
        case ["sbom", file]:
            Path(file).write_text(json.dumps(sbom(), indent=1))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
