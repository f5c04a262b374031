"""Logs: one JSON object for each record, without any word of a question unless a setting allows it."""

from __future__ import annotations

import io
import json
import logging
import stat
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from citewire.index.errors import InputError
from citewire.ui import logs

log = logging.getLogger("citewire.qa.made_up")


@pytest.fixture(autouse=True)
def put_back() -> Iterator[None]:
    logger = logging.getLogger(logs.ROOT)
    before = (list(logger.handlers), logger.level, logger.propagate)
    yield
    for handler in logger.handlers:
        handler.close()
    logger.handlers[:], logger.propagate = before[0], before[2]
    logger.setLevel(before[1])


def records(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_record_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("info")
    log.info("answered", extra={"total_s": 2.5, "status": "partial", "name_of": "Žižek\nhere"})

    out, err = capsys.readouterr()
    [record] = records(err)
    when = datetime.fromisoformat(record.pop("time"))
    assert abs(datetime.now(UTC) - when) < timedelta(hours=1)
    assert record == {
        "level": "INFO",
        "logger": "citewire.qa.made_up",
        "event": "answered",
        "total_s": 2.5,
        "status": "partial",
        "name_of": "Žižek\nhere",
    }
    assert out == ""


def test_words_of_the_user_become_lengths(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("info")
    words = {name: f"secret {name}" for name in logs.PRIVATE}
    log.info("asked", extra=dict(words))

    text = capsys.readouterr().err
    assert "secret" not in text
    [record] = records(text)
    assert {name: record[f"{name}_chars"] for name in words} == {n: len(word) for n, word in words.items()}


def test_words_of_the_user_stay_when_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("info", questions=True)
    log.info("asked", extra={"question": "Who won?"})
    assert records(capsys.readouterr().err)[0]["question"] == "Who won?"


def test_level(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("warning")
    log.info("not this")
    log.warning("this")
    assert [record["event"] for record in records(capsys.readouterr().err)] == ["this"]


def test_traceback_is_inside_the_object(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up()
    try:
        raise KeyError("gone")
    except KeyError:
        log.exception("failed")
    [record] = records(capsys.readouterr().err)
    assert record["exception"].startswith("Traceback")
    assert record["exception"].endswith("KeyError: 'gone'")


def test_file_is_appended_to_and_private(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "new" / "log.jsonl"
    for event in ("first", "second"):
        logs.set_up("info", file)
        log.info(event)

    assert [record["event"] for record in records(file.read_text("utf-8"))] == ["first", "second"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert capsys.readouterr() == ("", "")


def test_file_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"log file .* cannot be written: Is a directory"):
        logs.set_up(file=tmp_path)


def test_root_handlers_do_not_see_the_records(monkeypatch: pytest.MonkeyPatch) -> None:
    root = logging.StreamHandler(io.StringIO())
    logging.getLogger().addHandler(root)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    try:
        logs.set_up("info")
        log.info("asked", extra={"question": "Who won?"})
    finally:
        logging.getLogger().removeHandler(root)
    assert root.stream.getvalue() == ""
