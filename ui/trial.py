"""Indexes suspicious files in a separate process, so that a crash or hang does not affect the server.

    python -P -m citewire.ui.trial '{"fields": ..., "limits": ...}' SECONDS FOLDER ...

Everything except the embedder runs as in the server. The index is discarded; only the exit status counts.
"""

from __future__ import annotations

import faulthandler
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import numpy as np

from citewire.index.articles import ReadOptions
from citewire.index.build import build_index
from citewire.index.documents import Limits
from citewire.index.sandbox import KEPT_VARIABLES
from citewire.index.types import Vectors

SECONDS = 120.0  # time limit of a trial; on a loaded machine Python alone takes several seconds to start
LOOK_S = 0.05


class StoppedError(Exception):
    """The trial was stopped without a result."""


def survives(folders: Sequence[Path], options: ReadOptions, stopped: Callable[[], bool], seconds: float) -> bool:
    """Return whether a process can index or reject all files in `folders` without dying or hanging.

    Args:
        folders: folders of files.
        options: how files are read.
        stopped: polled; once it returns True, the process is killed.
        seconds: time limit.

    Raises:
        StoppedError: `stopped()` returned True.
    """
    given = json.dumps({"fields": dict(options.fields), "limits": asdict(options.limits)})
    command = (sys.executable, "-P", "-m", "citewire.ui.trial", given, str(seconds), *map(str, folders))
    environment = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,  # Ctrl-C must reach only the server
    ) as process:
        while process.poll() is None:
            if stopped():
                process.kill()
                raise StoppedError
            time.sleep(LOOK_S)
    return process.returncode == 0


class _Blank:
    """An embedder without a model: all vectors are equal."""

    fingerprint = "0" * 64
    dimension = 4

    def embed(self, texts: Sequence[str]) -> Vectors:
        return np.full((len(texts), self.dimension), 0.5, np.float32)

    def embed_query(self, question: str) -> Vectors:
        vector: Vectors = self.embed([question])[0]
        return vector


def main() -> None:
    """Index the folders given on the command line and discard the index."""
    given, seconds, *folders = sys.argv[1:]
    # Ends this process at the time limit, even if it hangs in native code or the server has died.
    faulthandler.dump_traceback_later(float(seconds), exit=True)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")  # the kernel kills this process first if memory runs out
    asked = json.loads(given)
    options = ReadOptions(asked["fields"], Limits(**asked["limits"]))
    with tempfile.TemporaryDirectory() as temporary, suppress(Exception):  # the server survives exceptions, too
        build_index([Path(folder) for folder in folders], Path(temporary) / "index", _Blank(), options=options)


if __name__ == "__main__":
    main()
