"""A language model in its own process: same output, stops on request, and its death only ends the current call."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest
from conftest import together

from citewire.index.errors import ModelError
from citewire.qa.generate import child
from citewire.qa.generate.child import ChildGenerator
from citewire.qa.types import Generator, Message

ASKED = [Message("system", "Answer in one sentence."), Message("user", "Why is the sky blue?")]


@pytest.fixture(scope="module")
def apart(cache: Path, small_generator: Generator) -> ChildGenerator:
    """smollm2-135m in its own process."""
    return ChildGenerator(model="smollm2-135m", engine="auto", device="cpu", threads=1, cache=str(cache))


def test_it_says_what_the_model_says(apart: ChildGenerator, small_generator: Generator) -> None:
    assert apart.name == small_generator.name
    assert apart.count_tokens(ASKED) == small_generator.count_tokens(ASKED)
    wanted = list(small_generator.generate(ASKED, max_tokens=20))
    assert list(apart.generate(ASKED, max_tokens=20)) == wanted
    assert len(wanted) > 5


def test_stop_is_heard_at_once_and_the_next_call_gets_its_own_words(
    apart: ChildGenerator, small_generator: Generator
) -> None:
    began = time.monotonic()
    assert list(apart.generate(ASKED, max_tokens=2_000, stopped=lambda: time.monotonic() > began + 1))
    assert time.monotonic() - began < 10
    assert list(apart.generate(ASKED, max_tokens=8)) == list(small_generator.generate(ASKED, max_tokens=8))
    for _ in apart.generate(ASKED, max_tokens=2_000):
        break  # the caller abandons the reply
    assert apart.count_tokens(ASKED) == small_generator.count_tokens(ASKED)


def test_calls_of_several_threads_take_turns(apart: ChildGenerator, small_generator: Generator) -> None:
    wanted = list(small_generator.generate(ASKED, max_tokens=12))
    assert together(lambda asked: list(apart.generate(asked, max_tokens=12)), [ASKED] * 3) == [wanted] * 3


def test_a_killed_process_is_told_and_started_anew(apart: ChildGenerator, small_generator: Generator) -> None:
    first, started = apart.pid, apart.started
    words = apart.generate(ASKED, max_tokens=2_000)
    next(words)
    os.kill(first, signal.SIGKILL)
    with pytest.raises(ModelError, match=r"process ended .killed by SIGKILL..* It is started anew: ask again"):
        list(words)
    assert list(apart.generate(ASKED, max_tokens=8)) == list(small_generator.generate(ASKED, max_tokens=8))
    assert (apart.started, apart.pid != first) == (started + 1, True)


def test_a_process_that_dies_between_calls_is_started_anew(apart: ChildGenerator) -> None:
    os.kill(apart.pid, signal.SIGKILL)
    os.waitid(os.P_PID, apart.pid, os.WEXITED | os.WNOWAIT)
    assert apart.count_tokens(ASKED) > 10


def test_a_process_that_hangs_is_replaced(apart: ChildGenerator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "STUCK_S", 0.5)
    hung, asked = apart.pid, time.monotonic()
    words = apart.generate(ASKED, max_tokens=2_000, stopped=lambda: time.monotonic() > asked + 1)
    next(words)
    os.kill(hung, signal.SIGSTOP)
    list(words)  # `stopped` is still polled
    assert list(apart.generate(ASKED, max_tokens=3))
    assert apart.pid != hung
    with pytest.raises(ProcessLookupError):
        os.kill(hung, 0)


@pytest.mark.model
def test_it_ends_with_whom_it_is_for(cache: Path) -> None:
    made = ChildGenerator(model="smollm2-135m", engine="auto", device="cpu", threads=1, cache=str(cache))
    pid = made.pid
    del made
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_what_cannot_be_loaded_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="smollm2-135m is not here yet"):
        ChildGenerator(model="smollm2-135m", cache=str(tmp_path))
    with pytest.raises(ModelError, match=r"process ended .exit code 3."):
        ChildGenerator((sys.executable, "-c", "import sys; sys.exit(3)"), model="m", cache=str(tmp_path))
