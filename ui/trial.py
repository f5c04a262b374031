"""Indexes files on trial, in a process of its own: where one of them ends or hangs that, the server lives on.

    python -P -m citewire.ui.trial '{"fields": ..., "limits": ...}' SECONDS FOLDER ...

Everything but the model runs as in the server. The result is thrown away; what counts is how the process ends.
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

SECONDS = 120.0  # a file on trial may take; a loaded machine needs several of them to start Python
LOOK_S = 0.05


class StoppedError(Exception):
    """The trial was broken off, and says nothing."""


def survives(folders: Sequence[Path], options: ReadOptions, stopped: Callable[[], bool], seconds: float) -> bool:
    """Return whether all that lies in `folders` can be indexed, or refused, by a process that lives on.

    Raises:
        StoppedError: `stopped()` has become true.
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
        start_new_session=True,  # Ctrl-C is for the server
    ) as process:
        while process.poll() is None:
            if stopped():
                process.kill()
                raise StoppedError
            time.sleep(LOOK_S)
    return process.returncode == 0


class _Blank:
    """An embedder that needs no model: all vectors are equal."""

    fingerprint = "0" * 64
    dimension = 4

    def embed(self, texts: Sequence[str]) -> Vectors:
        return np.full((len(texts), self.dimension), 0.5, np.float32)

    def embed_query(self, question: str) -> Vectors:
        vector: Vectors = self.embed([question])[0]
        return vector


def main() -> None:
    """Index the folders that the command line names, and forget the index."""
    given, seconds, *folders = sys.argv[1:]
    # Ends this process, even if it hangs in native code or the server that started it has died.
    faulthandler.dump_traceback_later(float(seconds), exit=True)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")  # the kernel kills this process first if memory runs out
    asked = json.loads(given)
    options = ReadOptions(asked["fields"], Limits(**asked["limits"]))
    with tempfile.TemporaryDirectory() as temporary, suppress(Exception):  # which a server survives
        build_index([Path(folder) for folder in folders], Path(temporary) / "index", _Blank(), options=options)


if __name__ == "__main__":
    main()
