"""The HTTP API for passages and articles; uses no language model.

    POST /v1/search           {"question", "k", "search": {...}}    -> a `Found`
    GET  /v1/articles         ?q= &published_from= &published_to= &outlets= (repeated) &sort= &offset= &limit=
                              -> an `ArticleList`
    GET  /v1/articles/{path}  -> a `WholeArticle`

"search" is as in `POST /v1/ask`, and the server's filters always apply to it; the article routes cover the whole index.
Errors are problem details (RFC 9457). Knows HTTP; `citewire.index.search` ranks passages, `citewire.ui.corpus` lists
articles, `citewire.ui.corpus_routes` adds and removes them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, ClassVar

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from citewire.index.errors import CitewireError
from citewire.index.options import SearchOptions
from citewire.index.store import Index
from citewire.index.types import Hit
from citewire.qa.types import AnswerHit
from citewire.ui.ask_routes import AskRoute, Narrowing, QuestionText
from citewire.ui.chat import LINE_LENGTH, FullError
from citewire.ui.corpus import MOST_ROWS, PAGE_ROWS, Choice, Corpus, NoArticleError, Sort
from citewire.ui.labels import card
from citewire.ui.settings import Passages
from citewire.ui.visitor import guest_of, same_origin

MOST_OUTLETS = 100


class Wanted(BaseModel):
    """The body of POST /v1/search."""

    model_config = ConfigDict(extra="forbid", strict=True)

    question: QuestionText
    k: Annotated[
        Passages | None, Field(description="how many passages, null for as many as an answer is made from")
    ] = None
    search: Narrowing = Narrowing()


class Listed(BaseModel):
    """The query of GET /v1/articles."""

    model_config = ConfigDict(extra="forbid")

    q: Annotated[str, Field(max_length=500, description="words of the text, or of title, outlet, author and path")] = ""
    published_from: Annotated[str, Field(max_length=40, description="first day, YYYY-MM-DD")] = ""
    published_to: Annotated[str, Field(max_length=40, description="last day, YYYY-MM-DD")] = ""
    outlets: Annotated[list[str], Field(max_length=MOST_OUTLETS, description="any of these, in any case")] = []
    sort: Sort = "relevance"
    offset: int = 0
    limit: Annotated[int, Field(description=f"1 to {MOST_ROWS}")] = PAGE_ROWS

    def choice(self) -> Choice:
        """Return the query as a `Choice`. Raises: InputError."""
        days = self.published_from, self.published_to
        return Choice(self.q, *days, tuple(self.outlets), self.sort, self.offset, self.limit)


@dataclass(frozen=True, slots=True)
class Found:
    """The passages that fit a question best, best first.

    Attributes:
        index_generation: of the index that was searched.
        passages: `text` is `[start:end]` of the article's text, in code points; scores compare within one search only.
    """

    question: str
    index_generation: int
    passages: tuple[AnswerHit, ...]


@dataclass(frozen=True, slots=True)
class ListedArticle:
    """An article in a list.

    Attributes:
        title: its title, or its opening words.
        outlet, author, published: what its source states, "" where it states nothing; an ISO 8601 day.
        words: length of its text.
        copies: how many other articles are copies of it.
    """

    path: str
    title: str
    outlet: str
    author: str
    published: str
    words: int
    copies: int


@dataclass(frozen=True, slots=True)
class ArticleList:
    """A part of the articles that were asked for.

    Attributes:
        index_generation: of the index.
        found: how many were found in all.
        next: the offset of the next part, None after the last.
    """

    index_generation: int
    found: int
    offset: int
    next: int | None
    articles: tuple[ListedArticle, ...]


@dataclass(frozen=True, slots=True)
class WholeArticle:
    """An article with all that is known of it.

    Attributes:
        title, outlet, author, published: as in `ListedArticle`.
        url: of its page on the web, http or https, "" without one.
        metadata: what else its source states.
        pages: the offset at which each page of a PDF begins.
        copies: the paths of other articles that are copies of it.
        text: what the offsets of passages and quotes count in, in code points.
    """

    path: str
    title: str
    outlet: str
    author: str
    published: str
    url: str
    metadata: Mapping[str, str]
    pages: tuple[int, ...]
    copies: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Library:
    """Search and articles for the HTTP API and MCP.

    Attributes:
        corpus: the index, which may change.
        options: default search options.
        find: searches a generation of the index.
        check: raises InputError if an index cannot be searched with these options.
        check_text: raises InputError if a question is empty or too long.
    """

    corpus: Corpus
    options: SearchOptions
    find: Callable[[Index, str, SearchOptions], Sequence[Hit]]
    check: Callable[[Any, SearchOptions], None]
    check_text: Callable[[str], None]
    _one: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(1))

    async def search(self, wanted: Wanted, articles: tuple[str, ...] = ()) -> Found:
        """Return the passages for a question. One search runs at a time, so that answers keep their share of the cores.

        Args:
            wanted: the question and its search options.
            articles: the only articles that the client may see, as in `Index.within`; () for all.

        Raises:
            InputError: the question or its search options are invalid.
            FullError: too many searches wait.
        """
        self.check_text(wanted.question)
        if self._one.statistics().tasks_waiting >= LINE_LENGTH:
            raise FullError(f"{LINE_LENGTH} searches are waiting already", "Search again in a moment.")
        return await to_thread.run_sync(self._search, wanted, articles, limiter=self._one)

    def _search(self, wanted: Wanted, articles: tuple[str, ...]) -> Found:
        index = self.corpus.within(articles).index
        options = wanted.search.options(self.options, wanted.k)
        self.check(index, options)
        hits = self.find(index, wanted.question, options)
        places = ((hit.passage, hit.score) for hit in hits)
        passages = tuple(AnswerHit(one.article, one.start, one.end, score, one.text) for one, score in places)
        return Found(wanted.question, index.generation, passages)

    def listed(self, choice: Choice, articles: tuple[str, ...] = ()) -> ArticleList:
        """Return one page of the list of articles, without their texts.

        Args:
            choice: filters, order, and which page.
            articles: as in `search`.
        """
        listing = self.corpus.within(articles).select(choice)
        shown = ListedArticle.__slots__
        rows = tuple(ListedArticle(**{name: getattr(row, name) for name in shown}) for row in listing.rows)
        end = choice.offset + len(rows)
        return ArticleList(listing.generation, listing.found, choice.offset, end if end < listing.found else None, rows)

    def article(self, path: str, articles: tuple[str, ...] = ()) -> WholeArticle:
        """Return one article with its text.

        Args:
            path: the article.
            articles: as in `search`.

        Raises:
            NoArticleError: it does not exist, or the client may not see it.
        """
        catalogue = self.corpus.within(articles)
        article = catalogue.article(path)
        label = card(article)
        return WholeArticle(
            path, label.title, article.outlet, article.author, article.published, label.url, dict(article.metadata),
            article.pages, tuple(catalogue.copies(path)), article.text,
        )  # fmt: skip


class _SearchRoute(AskRoute):
    statuses: ClassVar[Mapping[type[CitewireError], int]] = {**AskRoute.statuses, NoArticleError: 404}


def router(library: Library) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(route_class=_SearchRoute, dependencies=[Depends(same_origin)])

    @routes.post("/v1/search", response_model=Found)
    async def search(request: Request, wanted: Wanted) -> JSONResponse:
        """Find the passages that fit a question best, without a language model."""
        return JSONResponse(asdict(await library.search(wanted, guest_of(request).articles)))

    @routes.get("/v1/articles", response_model=ArticleList)
    def list_articles(request: Request, listed: Annotated[Listed, Query()]) -> JSONResponse:
        """List the articles, a part at a time."""
        return JSONResponse(asdict(library.listed(listed.choice(), guest_of(request).articles)))

    @routes.get("/v1/articles/{path:path}", response_model=WholeArticle)
    def get_article(request: Request, path: str) -> JSONResponse:
        """Read a whole article."""
        return JSONResponse(asdict(library.article(path, guest_of(request).articles)))

    return routes
