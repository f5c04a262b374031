"""The Articles view's requests: list, read and remove articles, receive files.

    GET  /corpus            ?q= &from= &to= &outlet= (repeated) &sort= &offset= &limit=   -> a `Listing`
    GET  /corpus/article    ?path= &start=                                                -> a `Reading`
    POST /corpus/removal    {"paths": [...], "sure": true}    -> a `Removal`; without "sure" only a preview
    POST /uploads           ?name=, the file as body with the type application/octet-stream -> an `Upload`, status 202;
                            for programs POST /v1/articles, which is the same
    POST /v1/addresses      {"address": "https://..."}, fetched if the web is allowed   -> an `Upload`, status 202
    DELETE /v1/articles/{path}   removes an article -> a `Removal`
    GET  /uploads           -> {"limit": bytes of the largest file, "characters": of the longest article, "formats":
                            [...], "uploads": [...]}; each upload also has "own": whether the client may cancel it
    DELETE /uploads/{id}    cancels a file that waits or is being indexed, for its sender -> an `Upload`

Knows HTTP; `citewire.ui.corpus` and `citewire.ui.uploads` do the work. Errors are problem
details (RFC 9457).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import asdict
from typing import Annotated, Any, ClassVar

from fastapi import APIRouter, Depends, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import ClientDisconnect

from citewire.index.errors import CitewireError, InputError
from citewire.index.formats import FORMATS
from citewire.index.web import Page
from citewire.ui.addresses import WebOffError, file_name, records
from citewire.ui.allowance import BUSY_S, Sender, TooManyError
from citewire.ui.corpus import PAGE_ROWS, ChangingError, Choice, Corpus, GoneError, NoArticleError, Sort
from citewire.ui.keys import Changes
from citewire.ui.uploads import SettledError, TooLargeError, UnknownFormatError, UnknownUploadError
from citewire.ui.visitor import ProblemRoute, asker_of, guest_of, same_origin, sender_of

FILE_TYPE = "application/octet-stream"  # a form on another page cannot send this type
MOST_OUTLETS = 100
IDLE_S = 15.0  # longest wait for the next bytes of a file, in seconds
# Most web addresses fetched at once: in all, for one IP address, for one visitor. Each takes a thread and may be slow.
FETCHED, FETCHED_OF_ADDRESS, FETCHED_OF_VISITOR = 6, 4, 2
LEAST_RATE = 2_000  # least average rate in bytes per second of a file that takes longer than `IDLE_S`


class NoFileError(InputError):
    """The body of the request is not a file."""


class BrokenOffError(InputError):
    """The file arrived incomplete."""


class SlowUploadError(InputError):
    """The file arrives too slowly."""


class _Removal(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    paths: list[str]
    sure: bool = False


class _Address(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    address: str = Field(
        max_length=2_000,
        description="of a web page, a PDF, a feed or another file of a format that is read",
        examples=["https://example.org/news/story.html"],
    )


class _CorpusRoute(ProblemRoute):
    statuses: ClassVar[Mapping[type[CitewireError], int]] = {
        **ProblemRoute.statuses,
        WebOffError: 403,
        NoArticleError: 404,
        UnknownUploadError: 404,
        SlowUploadError: 408,
        ChangingError: 409,
        GoneError: 409,
        SettledError: 409,
        TooLargeError: 413,
        UnknownFormatError: 415,
        NoFileError: 415,
        TooManyError: 429,
    }


def router(corpus: Corpus, changes: Changes, fetch: Callable[[str], Page] | None = None) -> APIRouter:
    """Return the routes over a corpus; each change is logged before it is made.

    Args:
        corpus: the articles.
        changes: the log of changes.
        fetch: downloads a web address, as in `read_articles`.
    """
    routes = APIRouter(route_class=_CorpusRoute, dependencies=[Depends(same_origin)])
    fetching: list[Sender] = []

    @routes.get("/corpus")
    def select(
        q: Annotated[str, Query(max_length=500)] = "",
        published_from: Annotated[str, Query(alias="from", max_length=40)] = "",
        published_to: Annotated[str, Query(alias="to", max_length=40)] = "",
        outlet: Annotated[list[str] | None, Query(max_length=MOST_OUTLETS)] = None,
        sort: Sort = "relevance",
        offset: int = 0,
        limit: int = PAGE_ROWS,
    ) -> JSONResponse:
        choice = Choice(q, published_from, published_to, tuple(outlet or ()), sort, offset, limit)
        return JSONResponse(asdict(corpus.select(choice)))

    @routes.get("/corpus/article")
    def read(path: str, start: int = 0) -> JSONResponse:
        return JSONResponse(asdict(corpus.read(path, start)))

    @routes.post("/corpus/removal")
    def remove(request: Request, asked: _Removal) -> JSONResponse:
        """Take articles out of the index; where not `sure`, only say what that would remove."""
        would = corpus.removal(asked.paths)
        if not asked.sure:
            return JSONResponse(asdict(would))
        _note(changes, request, "remove articles", would.articles)
        return JSONResponse(asdict(corpus.remove(asked.paths)))

    @routes.get("/uploads")
    def uploads(request: Request) -> JSONResponse:
        """Say how far uploaded files have come, and which may be sent."""
        asker, files = asker_of(request), corpus.uploads
        states = [{**asdict(upload), "own": files.is_of(upload.id, asker)} for upload in files.states()]
        limits = {"limit": files.limit, "characters": files.characters, "formats": sorted(FORMATS)}
        return JSONResponse({**limits, "web": files.options.allow_web, "uploads": states})

    @routes.delete("/v1/articles/{path:path}")
    def remove_article(request: Request, path: str) -> JSONResponse:
        """Take an article out of the index, and with it those that came in the same file."""
        _note(changes, request, "remove articles", corpus.removal([path]).articles)
        return JSONResponse(asdict(corpus.remove([path])))

    @routes.post("/v1/articles", status_code=202, openapi_extra={"requestBody": {"content": {FILE_TYPE: {}}}})
    @routes.post("/uploads", status_code=202, include_in_schema=False)
    async def upload(request: Request, name: Annotated[str, Query(max_length=1_000)]) -> JSONResponse:
        """Take a file of articles, which is indexed soon."""
        return JSONResponse(await _received(corpus, changes, request, name), status_code=202)

    @routes.post("/v1/addresses", status_code=202)
    async def fetch_address(request: Request, asked: _Address) -> JSONResponse:
        """Fetch a web address, whose articles are indexed soon; only where citewire runs with --allow-web."""
        address, files, sender = asked.address.strip(), corpus.uploads, sender_of(request)
        with (
            _place(fetching, sender),
            await run_in_threadpool(files.receive, file_name(address), None, sender) as arrival,
        ):
            data, left_out = await run_in_threadpool(records, address, files.options, fetch)
            if await request.is_disconnected():
                raise BrokenOffError(f"{address} was fetched for nobody", "Send it again and wait")
            await run_in_threadpool(arrival.write, data)
            await run_in_threadpool(_note, changes, request, "add address", [address])
            return JSONResponse(asdict(await run_in_threadpool(arrival.finish, left_out)), status_code=202)

    @routes.delete("/uploads/{known}")
    def cancel(request: Request, known: str) -> JSONResponse:
        """Take back a file that waits or is being indexed."""
        taken = corpus.uploads.cancel(known, asker_of(request))
        _note(changes, request, "take back file", [taken.name])
        return JSONResponse(asdict(taken))

    return routes


@contextmanager
def _place(taken: list[Sender], sender: Sender) -> Iterator[None]:
    """Hold one of the places for fetching. Raises: TooManyError, if none is free, or the sender has its share."""
    again = "Send this one when one of them has arrived", BUSY_S
    if len(taken) >= FETCHED:
        raise TooManyError(f"{FETCHED} web addresses are being fetched already", *again)
    if sum(one.visitor == sender.visitor for one in taken) >= FETCHED_OF_VISITOR:
        raise TooManyError(f"{FETCHED_OF_VISITOR} web addresses of yours are being fetched already", *again)
    if sum(one.address == sender.address for one in taken) >= FETCHED_OF_ADDRESS:
        raise TooManyError(f"{FETCHED_OF_ADDRESS} web addresses are being fetched for your address already", *again)
    taken.append(sender)
    try:
        yield
    finally:
        taken.remove(sender)


def _note(changes: Changes, request: Request, what: str, names: Sequence[str]) -> None:
    """Raises: InputError."""
    changes.note(guest_of(request).name, request.client.host if request.client else "", what, names)


async def _received(corpus: Corpus, changes: Changes, request: Request, name: str) -> dict[str, Any]:
    """Store a file as its bytes arrive. It takes space from its first byte on; an incomplete file is deleted."""
    if request.headers.get("content-type") != FILE_TYPE:
        raise NoFileError("the request is not the bytes of a file", f"Send them with Content-Type: {FILE_TYPE}")
    stated = request.headers.get("content-length", "")
    length = int(stated) if stated.isdecimal() else None
    sender = sender_of(request)
    await run_in_threadpool(corpus.uploads.refuse, name, length)
    async with aclosing(_chunks(request, name)) as chunks:
        first = await anext(chunks, b"")
        with await run_in_threadpool(corpus.uploads.receive, name, length, sender) as arrival:
            await run_in_threadpool(arrival.write, first)
            async for chunk in chunks:
                await run_in_threadpool(arrival.write, chunk)
            await run_in_threadpool(_note, changes, request, "add file", [name])
            return asdict(await run_in_threadpool(arrival.finish))


async def _chunks(request: Request, name: str) -> AsyncGenerator[bytes]:
    """Yield the bytes of a request as they arrive.

    Raises:
        BrokenOffError: the client has disconnected.
        SlowUploadError: the next bytes take longer than `IDLE_S`, or all of them are slower than `LEAST_RATE`.
    """
    began, came = time.monotonic(), 0
    stream = aiter(request.stream())
    while True:
        try:
            async with asyncio.timeout(IDLE_S):
                chunk = await anext(stream, None)
        except ClientDisconnect as error:
            raise BrokenOffError(f"{name} did not arrive as a whole", "Upload it again") from error
        except TimeoutError as error:
            raise SlowUploadError(f"{name} stopped arriving for {IDLE_S:g} seconds", "Upload it again") from error
        if chunk is None:
            return
        came += len(chunk)
        taken = time.monotonic() - began
        if taken > IDLE_S and came < LEAST_RATE * taken:
            raise SlowUploadError(f"{name} came with fewer than {LEAST_RATE:,} bytes a second", "Upload it again")
        if chunk:
            yield chunk
