"""HTTP routes of conversations and ratings: list, read, rename, delete, export, share, rate.

Knows HTTP. A visitor sees only their own conversations; those of others are answered with 404.

    GET    /conversations
    GET    /conversations/{id}              its exchanges with their answer objects, and its ratings
    PATCH  /conversations/{id}              {"title": "..."}
    DELETE /conversations/{id}
    GET    /conversations/{id}/export.md    also export.html and export.json; a download
    POST   /conversations/{id}/link         -> {"link"}; invalidates an earlier link
    DELETE /conversations/{id}/link
    GET    /shared/{link}                   the conversation, read-only, for anyone with the link; needs no password
    POST   /feedback                        {"exchange": id, "value": "right|wrong|mismatch", "claim", "quote", "note"}
    DELETE /feedback                        {"exchange": id, "claim", "quote"}
"""

from __future__ import annotations

import dataclasses
import re
from typing import Annotated, Any, ClassVar

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from citewire.ui import export
from citewire.ui.access import opens_page
from citewire.ui.conversations import LONGEST_NOTE, LONGEST_TITLE, Conversations, UnknownIdError, Value
from citewire.ui.labels import Labelled
from citewire.ui.tree import document, el
from citewire.ui.visitor import ProblemRoute, same_origin, visitor_of

MOST_BYTES = 64 * 1024  # largest request body
_SLUG_CHARS = 60
_KINDS = {  # suffix of an export -> media type and function that writes it
    "md": ("text/markdown", export.as_markdown),
    "html": ("text/html", export.as_html),
    "json": ("application/json", export.as_json),
}
_PRIVATE = {"Cache-Control": "no-store"}
_UNLISTED = {"X-Robots-Tag": "noindex, nofollow"}

_Number = Annotated[int, Field(ge=0, le=10_000)]


class _Renamed(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    title: str = Field(max_length=10 * LONGEST_TITLE)


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    exchange: str = Field(max_length=100)
    claim: _Number | None = None
    quote: _Number | None = None


class _Feedback(_Part):
    value: Value
    note: str = Field(default="", max_length=LONGEST_NOTE)


class _ConversationRoute(ProblemRoute):
    statuses: ClassVar = {**ProblemRoute.statuses, UnknownIdError: 404}


def router(conversations: Conversations, articles: Labelled) -> APIRouter:
    """Return the routes.

    Args:
        conversations: the store.
        articles: looks up the articles of an export; if it raises CitewireError, only the path is exported.
    """
    routes = APIRouter(route_class=_ConversationRoute, dependencies=[Depends(same_origin)], max_body_size=MOST_BYTES)

    @routes.get("/conversations")
    def listed(request: Request) -> Response:
        found = conversations.list(visitor_of(request))
        return _answer([dataclasses.asdict(one) for one in found])

    @routes.get("/conversations/{conversation}")
    def read(request: Request, conversation: str) -> Response:
        visitor = visitor_of(request)
        found = dataclasses.asdict(conversations.get(visitor, conversation))
        ratings = [dataclasses.asdict(one) for one in conversations.ratings(visitor, conversation)]
        return _answer({**found, "ratings": ratings})

    @routes.patch("/conversations/{conversation}")
    def rename(request: Request, conversation: str, renamed: _Renamed) -> Response:
        title = conversations.rename(visitor_of(request), conversation, renamed.title)
        return _answer({"id": conversation, "title": title})

    @routes.delete("/conversations/{conversation}")
    def delete(request: Request, conversation: str) -> Response:
        conversations.delete(visitor_of(request), conversation)
        return Response(status_code=204)

    @routes.get("/conversations/{conversation}/export.{kind}")
    def exported(request: Request, conversation: str, kind: str) -> Response:
        if kind not in _KINDS:
            raise UnknownIdError(f"There is no export {kind!r}", f"Choose one of {', '.join(_KINDS)}.")
        found = conversations.get(visitor_of(request), conversation)
        media_type, write = _KINDS[kind]
        headers = {**_PRIVATE, "Content-Disposition": f'attachment; filename="{_slug(found.title)}.{kind}"'}
        return Response(write(found, articles), media_type=media_type, headers=headers)

    @routes.post("/conversations/{conversation}/link", status_code=201)
    def link(request: Request, conversation: str) -> Response:
        made = conversations.link(visitor_of(request), conversation)
        return JSONResponse({"link": made}, status_code=201, headers=_PRIVATE)

    @routes.delete("/conversations/{conversation}/link")
    def unlink(request: Request, conversation: str) -> Response:
        conversations.unlink(visitor_of(request), conversation)
        return Response(status_code=204)

    @routes.get("/shared/{link}")
    def shared(request: Request, link: str) -> Response:
        return _shared(conversations, articles, request, link)

    @routes.post("/feedback")
    def rate(request: Request, feedback: _Feedback) -> Response:
        rating = conversations.rate(
            visitor_of(request), feedback.exchange, feedback.value,
            claim=feedback.claim, quote=feedback.quote, note=feedback.note,
        )  # fmt: skip
        return _answer(dataclasses.asdict(rating))

    @routes.delete("/feedback")
    def unrate(request: Request, part: _Part) -> Response:
        conversations.unrate(visitor_of(request), part.exchange, claim=part.claim, quote=part.quote)
        return Response(status_code=204)

    return routes


def _shared(conversations: Conversations, articles: Labelled, request: Request, link: str) -> Response:
    """Return a shared conversation as a page; people read in one, too, that the link leads nowhere.

    Raises:
        UnknownIdError: the link leads to no conversation, and a program asked.
    """
    status = 200
    try:
        page = export.as_html(conversations.linked(link), articles)
    except UnknownIdError as error:
        if not opens_page(request):
            raise
        status = 404
        page = document(error.problem, "export.css", [el("main", el("h1", error.problem), el("p", f"{error.fix}."))])
    return Response(page, status, media_type="text/html", headers={**_PRIVATE, **_UNLISTED})


def _answer(value: Any) -> Response:
    return JSONResponse(value, headers=_PRIVATE)


def _slug(title: str) -> str:
    """Return a file name for a title, in ASCII letters, digits and hyphens: "citewire-who-won-the-vote"."""
    words = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:_SLUG_CHARS].strip("-")
    return f"citewire-{words or 'conversation'}"
