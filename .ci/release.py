"""What a release tells of what comes along: licences and a bill of materials.

    python .ci/release.py licences            docs/licences.md, as it should be
    python .ci/release.py sbom FILE           the bill of materials, CycloneDX 1.6 as JSON

Looks at the environment that it runs in, which has to be installed by constraints.txt.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from citewire.qa.models.catalogue import CATALOGUE, EMBEDDER

REPOSITORY = Path(__file__).resolve().parent.parent
NETWORKS = sorted((REPOSITORY / "qa").glob("*.safetensors"))  # made by training/, part of the wheel
NETWORK_LICENCE = "Apache-2.0"


def closure(name: str = "citewire") -> dict[str, Distribution]:
    """Return what a distribution needs on this platform, itself too, by canonical name."""
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
    """Return a licence as the distribution states it: an SPDX expression, else its classifiers, else its words."""
    stated = of.metadata
    if expression := stated.get("License-Expression"):
        return expression
    classifiers = [one for one in stated.get_all("Classifier", []) if one.startswith("License ::")]
    return (
        "; ".join(one.rpartition(" :: ")[2] for one in classifiers)
        or (stated.get("License") or "not stated").splitlines()[0]
    )


def licences() -> str:
    """Return docs/licences.md."""
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
    """Return the model card of a network of qa/, below docs/."""
    return f"{network.stem.partition('_')[0]}.md"


def sbom() -> dict[str, Any]:
    """Return the bill of materials of what is installed for citewire, and of its models."""
    made = subprocess.run(  # unvalidated, as that takes most of the time and it is changed below
        [sys.executable, "-m", "cyclonedx_py", "environment", "--output-format", "JSON", "--spec-version", "1.6",
         "--output-reproducible", "--no-validate", "--pyproject", str(REPOSITORY / "pyproject.toml"), sys.executable],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    told: dict[str, Any] = json.loads(made.stdout)
    needed = closure()
    told["components"] = [one for one in told["components"] if canonicalize_name(one["name"]) in needed]
    for one in told["components"]:  # a licence in free words is left out
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
    own = told["metadata"]["component"]["version"]
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


def main() -> None:
    """Do what the first argument names."""
    match sys.argv[1:]:
        case ["licences"]:
            print(licences(), end="")
        case ["sbom", file]:
            Path(file).write_text(json.dumps(sbom(), indent=1))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
