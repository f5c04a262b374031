"""Count the faults that an index survives: kills, power cuts, full and broken disks, damage, readers and writers.

    python benchmarks/faults.py [--power 300] [--damage 100] [--json FILE]

Every fault is real, or looks to the program as the system would show it; tests/faults.py says how each one is made and
what counts as survived. Kills and failing calls strike at every call. The last rows of the table each remove one
safeguard of publishing; there the faults that break the index are counted, because a test that finds none would prove
nothing. "Tiny disk" mounts a disk, which only root may do. 15 minutes on two cores.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

FAULTS = Path(__file__).resolve().parent.parent / "tests" / "faults.py"
SCENARIOS = ("first", "extend", "merge", "remove", "build")
FILES = ("CURRENT", "manifest", "segment.json", "vectors.faiss", "passages.db")
MUTATIONS = ("no sync", "no sync of files", "no sync of folders", "replaced in place", "CURRENT first")


def runs(power: int, damage: int) -> list[list[str]]:
    """Return the arguments of every run of tests/faults.py."""
    counted = {"power cut": power, "file size": damage, "tiny disk": damage}
    every = [
        [kind, "--scenario", scenario, "--count", str(counted.get(kind, 1))]
        for kind in ("kill", "power cut", "full disk", "broken disk", "file size", "tiny disk")
        for scenario in SCENARIOS
    ]
    every += [["damage", "--scenario", file, "--count", str(damage)] for file in FILES]
    every += [["kill repair"], ["interrupt"], ["kill and resume"]]
    every += [["second writer", "--count", "50"], ["readers", "--count", "100"]]
    every += [["power cut", "--mutation", mutation, "--count", str(power)] for mutation in MUTATIONS]
    return every + [["kill", "--mutation", mutation] for mutation in MUTATIONS[3:]]


def tally(arguments: Sequence[str]) -> dict[str, Any]:
    done = subprocess.run([sys.executable, str(FAULTS), *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout)
    kind, *options = arguments
    named = dict(zip(options[::2], options[1::2], strict=True))
    found["kind"] = kind
    found["what"] = f"without: {named['--mutation']}" if "--mutation" in named else named.get("--scenario", "")
    print(f"{found['kind']:16} {found['what']:28} {found['tried']:6} {found['survived']:6}", flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--power", type=int, default=300, help="power cuts a scenario")
    parser.add_argument("--damage", type=int, default=100, help="damaged files of each kind, and sizes of files")
    parser.add_argument("--json", type=Path, help="write all of it here, with what was not survived and how")
    options = parser.parse_args()
    print(f"{'fault':16} {'of':28} {'tried':>6} {'survived':>6}")
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(tally, runs(options.power, options.damage)))
    print()
    for kind in dict.fromkeys(one["kind"] for one in found):
        same = [one for one in found if one["kind"] == kind and not one["what"].startswith("without")]
        print(f"{kind:16} {sum(o['survived'] for o in same):6} of {sum(o['tried'] for o in same)}")
        for broken in (text for one in same for text in one["broken"]):
            print(f"    {broken[:500]}")
    if options.json:
        options.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
