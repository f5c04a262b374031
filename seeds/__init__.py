"""The five articles that come with citewire."""

from __future__ import annotations

from pathlib import Path


def seeds_folder() -> Path:
    """Return the folder of the articles and their metadata.json, also where citewire is installed."""
    return Path(__file__).resolve().parent
