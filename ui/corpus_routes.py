"""The Articles view's requests: list, read and remove articles, take files.

    GET  /corpus            ?q= &from= &to= &outlet= (repeated) &sort= &offset= &limit=   -> a `Listing`
    GET  /corpus/article    ?path= &start=                                                -> a `Reading`
    POST /corpus/removal    {"paths": [...], "sure": true}    -> a `Removal`; only what it would be where not sure
    POST /uploads           ?name=, the file as body, of the type application/octet-stream -> an `Upload`, status 202
    GET  /uploads           -> {"limit": bytes of the largest file, "formats": [...], "uploads": [...]}

Knows HTTP; what is done is in `citewire.ui.corpus` and `citewire.ui.uploads`. Refusals are {"problem", "fix"}.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any, ClassVar

from fastapi import APIRouter, Body, Depends, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from citewire.index.errors import CitewireError, InputError
from citewire.index.formats import FORMATS
from citewire.ui.corpus import PAGE_ROWS, ChangingError, Choice, Corpus, NoArticleError, Sort
from citewire.ui.uploads import TooLargeError, UnknownFormatError
from citewire.ui.visitor import ProblemRoute, same_origin

FILE_TYPE = "application/octet-stream"  # which a form of another page cannot send
MOST_OUTLETS = 100


class NoFileError(InputError):
    """A request whose body is not the bytes of a file."""


class BrokenOffError(InputError):
    """A file of which not all bytes came."""


class _Route(ProblemRoute):
    statuses: ClassVar[Mapping[type[CitewireError], int]] = {
        **ProblemRoute.statuses,
        NoArticleError: 404,
        ChangingError: 409,
        TooLargeError: 413,
        UnknownFormatError: 415,
        NoFileError: 415,
    }


def router(corpus: Corpus) -> APIRouter:
    """Return the routes over a corpus."""
    routes = APIRouter(route_class=_Route, dependencies=[Depends(same_origin)])

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
    def remove(paths: Annotated[list[str], Body()], sure: Annotated[bool, Body()] = False) -> JSONResponse:
        return JSONResponse(asdict(corpus.remove(paths) if sure else corpus.removal(paths)))

    @routes.get("/uploads")
    def uploads() -> JSONResponse:
        states = [asdict(upload) for upload in corpus.uploads.states()]
        return JSONResponse({"limit": corpus.uploads.limit, "formats": sorted(FORMATS), "uploads": states})

    @routes.post("/uploads")
    async def upload(request: Request, name: Annotated[str, Query(max_length=1_000)]) -> JSONResponse:
        return JSONResponse(await _received(corpus, request, name), status_code=202)

    return routes


async def _received(corpus: Corpus, request: Request, name: str) -> dict[str, Any]:
    """Take a file as its bytes come; one that breaks off leaves nothing."""
    if request.headers.get("content-type") != FILE_TYPE:
        raise NoFileError("the request is not the bytes of a file", f"Send them with Content-Type: {FILE_TYPE}")
    length = request.headers.get("content-length", "")
    with await run_in_threadpool(corpus.uploads.receive, name, int(length) if length.isdecimal() else None) as arrival:
        try:
            async for chunk in request.stream():
                arrival.write(chunk)
        except ClientDisconnect as error:
            raise BrokenOffError(f"{name} did not arrive as a whole", "Upload it again") from error
        return asdict(await run_in_threadpool(arrival.finish))
