"""Count the broken files of each format that the readers survive, and time the slowest.

    python benchmarks/fuzz.py [--seconds 30] [--kinds .pdf,.eml] [--keep FOLDER]

Hypothesis makes the files (tests/fuzzed.py says how). Each file goes through the steps of indexing: reading, cutting
into passages, finding dates, copies and language. Each format has its own process, without the limits of the sandbox,
so a crash of a library counts as a crash. A reader is at fault if it raises, ends the process, takes more than
`HANGS` seconds of a core or returns something that cannot be indexed. FOLDER then keeps the file, and the slowest one
if it is slow. Exit code 1 after a fault.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path

HANGS = 30  # seconds of a core
_SLOW = 2  # seconds of a core from which on the slowest file is kept
BATCH = 200  # examples that hypothesis makes with one seed
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))


class _HangError(Exception):
    """A file was read for longer than `HANGS`."""


def _run(kind: str, seconds: float, keep: Path) -> None:
    """Read files of one format for `seconds` of a core; print the counts as a line of JSON."""
    from fuzzed import check, files
    from hypothesis import HealthCheck, Phase, given, seed, settings

    def hang(*_: object) -> None:
        raise _HangError(f"read for more than {HANGS} s")

    signal.signal(signal.SIGPROF, hang)
    check(b"<p>Dam breaks.</p>", ".html")  # does the imports, so that the first file does not wait for them
    keep.mkdir(parents=True, exist_ok=True)
    last = keep / f"last{kind}"
    tried = articles = 0
    slowest = 0.0
    faults: dict[str, str] = {}
    until = time.process_time() + seconds

    def one(data: bytes) -> None:
        nonlocal tried, articles, slowest
        if time.process_time() > until:
            return
        last.write_bytes(data)  # stays there after a crash
        tried += 1
        started = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, HANGS)
        try:
            articles += check(data, kind)
        except Exception as error:  # noqa: BLE001 - every one is a fault of a reader
            where = traceback.extract_tb(error.__traceback__)[-1]
            name = f"{type(error).__name__} in {Path(where.filename).name}:{where.lineno}: {str(error)[:100]}"
            if name not in faults:
                faults[name] = f"{len(faults)}{kind}"
                (keep / faults[name]).write_bytes(data)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            took = time.process_time() - started
            if took > max(slowest, _SLOW):
                (keep / f"slowest{kind}").write_bytes(data)
            slowest = max(slowest, took)

    number = int(time.time())
    while time.process_time() < until:
        number += 1
        made = settings(
            max_examples=BATCH, deadline=None, database=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )(given(files(kind))(one))  # fmt: skip
        seed(number)(made)()
    last.unlink(missing_ok=True)
    print(json.dumps({"tried": tried, "articles": articles, "slowest": round(slowest, 2), "faults": faults}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30.0, help="seconds of a core for each format")
    parser.add_argument("--kinds", default="", help="suffixes, all formats where left out")
    parser.add_argument("--keep", type=Path, default=Path("fuzz"), help="folder for the files that were not survived")
    parser.add_argument("--one", default="", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        _run(given.one, given.seconds, given.keep)
        return
    from fuzzed import KINDS

    failed = False
    print("| format | files | gave articles | slowest, s | faults |\n|---|---|---|---|---|")
    for kind in given.kinds.split(",") if given.kinds else KINDS:
        command = [sys.executable, __file__, "--one", kind, "--seconds", str(given.seconds), "--keep", str(given.keep)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            failed = True
            print(
                f"| {kind} | | | | ended with {done.returncode}: {given.keep}/last{kind} {done.stderr[-300:]!r} |",
                flush=True,
            )
            continue
        told = json.loads(done.stdout.splitlines()[-1])
        failed |= bool(told["faults"])
        faults = "; ".join(f"{name} ({file})" for name, file in told["faults"].items()) or "0"
        print(f"| {kind} | {told['tried']:,} | {told['articles']:,} | {told['slowest']} | {faults} |", flush=True)
    if failed:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
