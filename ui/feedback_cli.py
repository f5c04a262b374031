"""The `citewire feedback` command: ratings of answers -> a file for `citewire eval`.

Knows how a rating becomes records of `citewire.qa.evaluate.records`:

    an answer rated right       the question with this answer and its sources; a refusal: as unanswerable
    an answer rated wrong       the question with text that must not recur; a refusal: as answerable
    a claim rated right, wrong  the claim and its quotes, as supported or not
    a quote rated               each claim that cites it, with this quote alone; a mismatch: as not supported

    Ratings that give no record, such as of a claim without quotes, are skipped and counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from citewire.index.errors import InputError
from citewire.qa.types import Answer, Claim
from citewire.ui import console
from citewire.ui.conversations import Conversations, Rated
from citewire.ui.options import takes
from citewire.ui.settings import Settings

SHORTEST = 3  # least length of a forbidden short answer; shorter ones occur in almost any sentence
_RATE_FIRST = "Rate answers on the page, or name another file with --conversations."

Record = dict[str, Any]


@takes("conversations")
def feedback(
    chosen: Settings,
    file: Annotated[
        Path | None, typer.Argument(help="file to write; by default the output", show_default=False)
    ] = None,
) -> None:
    """Write what readers thought of answers as a file of questions and claims for `citewire eval`."""
    found = _rated(chosen.conversations)
    written = [list(records(one)) for one in found]
    lines = [console.to_json(record, indent=None) for one in written for record in one]
    if file is None:
        for line in lines:
            typer.echo(line)
    else:
        _write(file, lines)
    without = sum(not one for one in written)
    note = f"; {without} ratings say nothing to an evaluation and are left out" if without else ""
    console.note(f"{len(found)} ratings, {len(lines)} records{note}")


def _rated(file: Path) -> tuple[Rated, ...]:
    if not file.exists():
        raise InputError(f"There is no feedback: {file} does not exist", _RATE_FIRST)
    with Conversations(file) as conversations:
        found = conversations.rated()
    if not found:
        raise InputError(f"There is no feedback in {file}", _RATE_FIRST)
    return found


def _write(file: Path, lines: list[str]) -> None:
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.writelines(f"{line}\n" for line in lines)
    except FileExistsError:
        raise InputError(f"{file} is there already", "Name a new file, or move that one away.") from None
    except OSError as error:
        raise InputError(f"{file} cannot be written: {error.strerror}", "Name another file.") from error


def records(rated: Rated) -> Iterator[Record]:
    """Yield the records of a rating; see the module's docstring."""
    rating, answer = rated.rating, rated.answer
    if rating.claim is None and rating.quote is None:
        expected = _right(answer) if rating.value == "right" else _wrong(answer)
        if expected:
            history = [[turn.question, turn.answer] for turn in rated.history]
            said = {"history": history} if history else {}
            yield {"id": rating.exchange, "question": rated.question, **said, **expected, **_note(rating.note)}
        return
    label = "supported" if rating.value == "right" else "not_supported"
    for place, claim in enumerate(answer.claims):
        evidence = [quote.text for quote in claim.quotes if rating.quote in (None, quote.n)]
        if evidence and rating.claim in (None, place):
            quoted = "" if rating.quote is None else f".{rating.quote}"
            id_ = f"{rating.exchange}.{place}{quoted}"
            yield {"id": id_, "claim": claim.text, "evidence": evidence, "label": label, **_note(rating.note)}


def _note(note: str) -> Record:
    return {"note": note} if note else {}


def _right(answer: Answer) -> Record:
    if answer.status == "abstained":
        return {"unanswerable": True}
    text = answer.short or " ".join(claim.text for claim in _told(answer))
    if answer.status not in ("answered", "partial") or not text:
        return {}
    kind = {"kind": "conflict"} if answer.conflicts else {}
    sources = dict.fromkeys(quote.article for claim in _told(answer) for quote in claim.quotes)
    return {**kind, "answer": text, "sources": list(sources)}


def _wrong(answer: Answer) -> Record:
    if answer.status == "abstained":
        return {"answerable": True}
    short = [answer.short] if len(answer.short) >= SHORTEST else []
    said = short or [claim.text for claim in _told(answer)]
    return {"must_not_include": said} if said and answer.status in ("answered", "partial") else {}


def _told(answer: Answer) -> list[Claim]:
    return [claim for claim in answer.claims if claim.shown and claim.verdict == "supported"]
