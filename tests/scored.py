"""Files of examples that are scored as a whole: JSON lines below `tests/data`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

_DATA = Path(__file__).parent / "data"


def records(name: str) -> list[dict[str, Any]]:
    """The records of a file."""
    return [json.loads(line) for line in (_DATA / name).read_text(encoding="utf-8").splitlines()]


def words(text: str) -> list[str]:
    """The words of a text as they are compared: lower case, no punctuation."""
    return re.findall(r"\w+", text.lower())
