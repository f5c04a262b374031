"""Watching with the system's real notifications, and when failed work is repeated."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import watchfiles

from citewire.index.errors import CitewireError, InputError
from citewire.ui import watch

pytestmark = pytest.mark.slow  # processes, servers or real networks


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, milliseconds in {"TICK_MS": 100, "QUIET_MS": 50, "POLL_MS": 100}.items():
        monkeypatch.setattr(watch, name, milliseconds)


@pytest.fixture
def news() -> Path:
    folder = Path("news")
    (folder / "old").mkdir(parents=True)
    (folder / "a.txt").write_text("The harbour opened.")
    (folder / "old" / "b.txt").write_text("The bridge closed.")
    return folder


def started(*sources: Path | str, poll: bool = False) -> Iterator[bool]:
    """The ticks of `sources`, after the first tick and when nothing more happens."""
    ticks = watch.ticks(sources, Path("news/ix"), poll=poll)
    assert next(ticks) is True
    assert quiet(ticks)
    return ticks


def noticed(ticks: Iterator[bool]) -> bool:
    """Whether one of the next values is True; they take ten seconds, far more than needed."""
    return any(islice(ticks, 100))


def quiet(ticks: Iterator[bool]) -> bool:
    return not any(islice(ticks, 4))


class TestTicks:
    @pytest.mark.parametrize("poll", [False, True], ids=["notified", "polling"])
    def test_what_happens_to_articles_is_noticed(self, news: Path, poll: bool) -> None:
        ticks = started(news, poll=poll)
        (news / "new.pdf").write_bytes(b"%PDF")
        assert noticed(ticks)
        assert quiet(ticks)
        (news / "a.txt").write_text("The harbour opened late.")
        assert noticed(ticks)
        (news / "old" / "b.txt").unlink()
        assert noticed(ticks)
        (news / "old" / "metadata.json").write_text("{}")
        assert noticed(ticks)

    def test_new_and_moved_folders_are_noticed_and_watched(self, news: Path) -> None:
        ticks = started(news)
        (news / "sub").mkdir()
        assert noticed(ticks)
        (news / "sub" / "c.txt").write_text("The tower stands.")
        assert noticed(ticks)
        (news / "sub").rename(news / "sub.2024")
        assert noticed(ticks)

    def test_what_is_never_read_is_not_noticed(self, news: Path) -> None:
        (news / "ix").mkdir()
        (news / ".git").mkdir()
        ticks = started(news)
        for name in (".hidden.txt", ".git/c.txt", "server.log", "ix/d.txt"):
            (news / name).write_text("no article")
        (news / "a.txt").read_text()
        assert quiet(ticks)
        (news / "d.txt").write_text("an article")
        assert noticed(ticks)

    @pytest.mark.parametrize("way", ["moved", "deleted"])
    def test_a_folder_that_is_replaced_is_watched_again(self, news: Path, way: str) -> None:
        ticks = started(news)
        if way == "moved":
            news.rename("before")
        else:
            (news / "old" / "b.txt").unlink()
            (news / "old").rmdir()
            (news / "a.txt").unlink()
            news.rmdir()
        assert noticed(ticks)
        while next(ticks):
            pass
        news.mkdir()
        assert noticed(ticks)
        assert quiet(ticks)
        (news / "new.txt").write_text("The bridge opened.")
        assert noticed(ticks)

    def test_a_file_named_itself_alone_and_replaced_by_an_editor(self, news: Path) -> None:
        ticks = started(news / "a.txt")
        (news / "a.txt~").write_text("The harbour opened again.")
        assert quiet(ticks)
        (news / "a.txt~").rename(news / "a.txt")
        assert noticed(ticks)
        (news / "a.txt").unlink()
        assert noticed(ticks)

    def test_files_beside_folders(self, news: Path) -> None:
        Path("other.txt").write_text("The tower stands.")
        ticks = started(news / "old", "other.txt")
        Path("other.txt").write_text("The tower stood.")
        assert noticed(ticks)
        (news / "old" / "b.txt").write_text("The bridge opened.")
        assert noticed(ticks)

    def test_web_address(self, news: Path) -> None:
        with pytest.raises(InputError, match=r"https://example\.org/a is a web address and cannot be watched"):
            watch.ticks([news, "https://example.org/a"], Path("ix"))


class TestWithoutNotifications:
    """The real library refuses only on a machine without free notifications."""

    @pytest.fixture
    def refusing(self, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> list[object]:
        asked: list[object] = []
        real = watchfiles.watch

        def limited(*folders: Path, force_polling: bool | None, **options: Any) -> Iterator[Any]:
            asked.append(force_polling)
            if not force_polling or request.param == "both":
                raise OSError(28, "OS file watch limit reached")
            yield from real(*folders, force_polling=force_polling, **options)

        monkeypatch.setattr(watchfiles, "watch", limited)
        return asked

    @pytest.mark.parametrize("refusing", ["notifications"], indirect=True)
    def test_it_looks_itself(self, news: Path, refusing: list[object]) -> None:
        ticks = started(news)
        (news / "c.txt").write_text("The tower stands.")
        assert noticed(ticks)
        assert refusing == [None, True]

    @pytest.mark.parametrize("refusing", ["both"], indirect=True)
    def test_nothing_can_be_watched(self, news: Path, refusing: list[object]) -> None:
        with pytest.raises(InputError, match=r"does not let .*news be watched: .*watch limit reached"):
            next(watch.ticks([news], Path("ix")))

    def test_network_disks(self, tmp_path: Path) -> None:
        mounts = tmp_path / "mounts"
        mounts.write_text(
            "/dev/sda1 / ext4 rw 0 0\n"
            "server:/export /mnt nfs4 rw 0 0\n"
            "tmpfs /mnt/local tmpfs rw 0 0\n"
            "me@host: /media/old\\040news fuse.sshfs rw 0 0\n"
            "host /srv 9p rw 0 0\n"
        )
        there = {
            name: watch.on_network_disk(Path(name), mounts)
            for name in ("/home/news", "/mnt/news", "/mnt/local/news", "/media/old news", "/srv", "/srvother")
        }
        assert list(there.values()) == [False, True, False, True, True, False]
        assert not watch.on_network_disk(Path("/mnt/news"), tmp_path / "none")


class TestOnChange:
    """Work on a written sequence of ticks."""

    @staticmethod
    def attempts(ticks: str, failing: int) -> tuple[list[int], list[str]]:
        """Return the ticks at which the work ran and the messages; it fails `failing` times; "x" is a change."""
        done: list[int] = []
        said: list[str] = []
        place = -1

        def changes() -> Iterator[bool]:
            nonlocal place
            for place, tick in enumerate(ticks):  # noqa: B007
                yield tick == "x"

        def work() -> None:
            done.append(place)
            if len(done) <= failing:
                raise InputError("half an entry" if len(done) < 3 else "no entry", "Write it")

        def failed(error: CitewireError) -> None:
            said.append(error.problem)

        watch.on_change(changes(), work, failed)
        return done, said

    def test_work_follows_each_change(self) -> None:
        assert self.attempts("..x..xx...", 0) == ([2, 5, 6], [])

    def test_what_fails_is_tried_again_ever_later_and_said_once(self) -> None:
        assert self.attempts("x" + "." * 40, 4) == ([0, 3, 8, 17, 34], ["half an entry", "no entry"])

    def test_a_change_is_an_attempt_at_once(self) -> None:
        assert self.attempts("x.x........", 1) == ([0, 2], ["half an entry"])

    def test_it_never_gives_up(self) -> None:
        done, _ = self.attempts("x" + "." * 400, 1000)
        assert done[-1] - done[-2] == watch.LONGEST_PAUSE + 1
