"""HTTP client that asks a running page instead of loading the models again.

Knows the requests and events of `citewire.ui.ask_routes`, not models or the index.
"""

from __future__ import annotations

import json
import logging
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any
from urllib.parse import urlsplit

from citewire.index.address import Address, Location
from citewire.index.errors import CitewireError
from citewire.qa.types import Event, Turn
from citewire.ui import running
from citewire.ui.answer_json import event_from_values
from citewire.ui.exchange import Exchange
from citewire.ui.labels import Card
from citewire.ui.running import PER_QUESTION, Running
from citewire.ui.settings import Settings

log = logging.getLogger("citewire.ui.ask_client")

CONNECT_S = 2.0
LOAD_POLL_S = 0.2
STOP_POLL_S = 0.05
TURNS_SENT = 20  # newest turns that are sent; a follow-up refers to recent ones


class PageUnavailableError(CitewireError):
    """The page does not accept the question: it has ended, its queue is full, or the request is too large."""


class RunningPage:
    """A running page that answers questions."""

    def __init__(self, found: Running, chosen: Settings) -> None:
        self._found, self._headers = found, _headers(chosen)
        self._search = chosen.model_dump(mode="json", include=set(PER_QUESTION))
        self._cards: dict[str, Card] = {}

    def card(self, path: str) -> Card:
        """Return the card of an article that the last answer names."""
        return self._cards[path]

    def stream(
        self, text: str, history: Sequence[Turn] = (), *, stopped: Callable[[], bool] = lambda: False
    ) -> Iterator[Event]:
        """Yield the events of the page's `Answerer.stream`, without most drafts.

        Args:
            text: the question.
            history: earlier turns, oldest first.
            stopped: polled; once it returns True, the last event is an answer with the status "stopped".

        Raises:
            PageUnavailableError: before the first event, if the page does not accept the question.
            CitewireError: the question cannot be answered, or the page ended meanwhile.
        """
        turns = [[turn.question, turn.answer] for turn in history[-TURNS_SENT:]]
        body = {"question": text, "history": turns, "search": self._search, "stream": True}
        exchange = Exchange("page", text)
        with _EventStream(self._found.url, body, self._headers) as reply:
            while not exchange.done:
                said = reply.next()
                if stopped():
                    yield exchange.cut()
                    return
                if said is None:
                    continue
                if said["event"] == "error":
                    raise CitewireError(said["problem"], said["fix"])
                if said["event"] != "waiting":
                    labels = said.pop("articles", {}).items()  # JSON turns tuples into lists
                    self._cards = {path: Card(**{**label, "pages": tuple(label["pages"])}) for path, label in labels}
                    event = event_from_values(said)
                    exchange.apply(event)
                    yield event


def find(chosen: Settings) -> RunningPage | None:
    """Return a running page that answers as these settings would, None if there is none; wait while it loads."""
    found = running.find(chosen)
    if found is None or not _is_there(chosen.index):  # index deleted; the page would not notice
        return None
    try:
        while (told := _status(found.url, _headers(chosen)))["state"] == "loading":
            time.sleep(LOAD_POLL_S)
    except (OSError, HTTPException, ValueError, LookupError):
        return None
    if told["state"] != "ready" or told["fingerprint"] != found.fingerprint:
        return None
    log.info("a running page answers", extra={"url": found.url, "page_pid": found.pid})
    return RunningPage(found, chosen)


def _is_there(index: Location) -> bool:
    return isinstance(index, Address) or (index / "CURRENT").is_file()


def _headers(chosen: Settings) -> dict[str, bytes]:
    """Return the header with the password, which a page without one ignores; {} if none is set."""
    return {"Authorization": b"Bearer " + chosen.password.get_secret_value().encode()} if chosen.password else {}


def _status(url: str, headers: Mapping[str, bytes]) -> dict[str, Any]:
    with closing(_connection(url)) as connection:
        connection.request("GET", "/v1/status", headers=headers)
        told: dict[str, Any] = json.loads(connection.getresponse().read())
        return told


def _connection(url: str) -> HTTPConnection:
    parts = urlsplit(url)
    return HTTPConnection(parts.hostname or "", parts.port, timeout=CONNECT_S)


class _EventStream:
    """The events of a question, read in a thread so that the caller can poll with a timeout."""

    def __init__(self, url: str, body: dict[str, Any], headers: Mapping[str, bytes]) -> None:
        self._url, self._body = url, body
        self._sent: dict[str, str | bytes] = {"Content-Type": "application/json", **headers}
        self._connection = _connection(url)
        self._arrived: queue.SimpleQueue[dict[str, Any] | CitewireError] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._read, name="citewire-reply", daemon=True)

    def __enter__(self) -> _EventStream:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection, which stops an unfinished answer."""
        with suppress(OSError, AttributeError):  # it is closed already
            self._connection.sock.shutdown(socket.SHUT_RDWR)
        self._thread.join(CONNECT_S)

    def next(self) -> dict[str, Any] | None:
        """Return the next event, None after `STOP_POLL_S` without one. Raises: CitewireError."""
        try:
            arrived = self._arrived.get(timeout=STOP_POLL_S)
        except queue.Empty:
            return None
        if isinstance(arrived, CitewireError):
            raise arrived
        return arrived

    def _read(self) -> None:
        begun = False
        try:
            self._connection.request("POST", "/v1/ask", json.dumps(self._body), self._sent)
            self._connection.sock.settimeout(None)  # an answer has no time limit here
            with self._connection.getresponse() as response:
                if response.status != HTTPStatus.OK:
                    self._arrived.put(_refusal(response))
                    return
                for line in response:
                    self._arrived.put(json.loads(line))
                    begun = True
        except (OSError, HTTPException, ValueError, AttributeError):  # AttributeError: http.client on a closed socket
            pass
        finally:
            self._connection.close()
        kind = CitewireError if begun else PageUnavailableError
        self._arrived.put(kind(f"The page at {self._url} ended before the answer was whole", "Ask again."))


def _refusal(response: HTTPResponse) -> CitewireError:
    """Return the error of a status other than 200: 400 is about the question, others mean the page is unavailable."""
    told = json.loads(response.read())
    kind = CitewireError if response.status == HTTPStatus.BAD_REQUEST else PageUnavailableError
    return kind(told["problem"], told["fix"])
