"""haiku.rag: its client and the agent of its chat, a model that searches, runs code and cites by calling tools.

Its defaults are: passages of 256 tokens by docling, LanceDB with a combined search of vectors and words, 5 results with
the text around them, no reranker. Changed are only things that are not available here or need a name: models of type
openai at the server's address, and the embedder's own tokenizer instead of one from a hub. The text is that of the
run's result, which its `ask` returns. The first word is the first that its chat shows, which may come before a tool
call. Cited are the passages that the model registered with the tool for citations. A model of half a billion parameters
seldom calls tools correctly.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from queue import Queue
from typing import Any

import serve
from haiku.rag.capabilities.compaction import create_capability as create_compaction
from haiku.rag.capabilities.rag import STATE_NAMESPACE, RAGState, create_capability
from haiku.rag.client import HaikuRAG
from haiku.rag.config import AppConfig
from haiku.rag.utils.models import get_model
from protocol import Article, Job, main
from pydantic_ai import Agent, AgentRunResultEvent, PartDeltaEvent, PartStartEvent, TextPart, TextPartDelta


@dataclass
class State:
    """The state that the agent's tools share during a run."""

    state: dict[str, Any] = field(default_factory=dict)


class Haiku:
    """See the module."""

    def __init__(self, job: Job) -> None:
        self._job = job
        server = {"provider": "openai", "base_url": f"{job.server}/v1", "api_key": "none"}
        self._config = AppConfig.model_validate(
            {
                "storage": {"data_dir": job.folder},
                "embeddings": {"model": {**server, "name": "all-MiniLM-L6-v2", "vector_dim": 384}},
                "qa": {"model": {**server, "name": "local", "max_tokens": job.max_tokens}},
                "processing": {"chunking_tokenizer": job.embedder},
            }
        )
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    def load(self) -> None:
        """Open an empty database and load the text splitter; both models are in the server."""
        self._client = HaikuRAG(Path(self._job.folder) / "haiku.lancedb", self._config, create=True)
        self._wait(self._client.__aenter__())
        self._wait(self._split("Loaded?"))
        capability = create_capability(config=self._config, rag=self._client)
        self._agent = Agent(
            get_model(self._config.qa.model, self._config),
            deps_type=State,
            capabilities=[capability, create_compaction()],
        )

    def index(self, articles: Sequence[Article]) -> int:
        """Index the articles one by one."""
        for article in articles:
            self._wait(self._client.create_document(article.text, uri=article.path, title=article.title))
        return int(self._wait(self._client.store.chunks_table.count_rows()))

    def retrieve(self, question: str) -> list[str]:
        """Return the articles of the results that the agent's tool would find for the question."""
        return [str(result.document_uri) for result in self._wait(self._found(question))]

    def answer(self, question: str) -> Iterator[str]:
        """Yield what the chat shows."""
        self._before = serve.tokens(self._job.server)
        self._run = State()
        pieces: Queue[str | BaseException | None] = Queue()
        asyncio.run_coroutine_threadsafe(self._answer(question, pieces), self._loop)
        while (piece := pieces.get()) is not None:
            if isinstance(piece, BaseException):
                raise piece
            yield piece

    def cited(self) -> list[str]:
        """Return the articles of the passages that the model registered."""
        state = RAGState.model_validate(self._run.state.get(STATE_NAMESPACE) or {})
        return list(dict.fromkeys(state.citation_index[one].document_uri for one in state.citations))

    def tokens(self) -> tuple[int, int]:
        """Return the tokens of all calls of the run."""
        read, written = serve.tokens(self._job.server)
        return read - self._before[0], written - self._before[1]

    def told(self) -> Mapping[str, Any]:
        """Return the text of the result."""
        return {"text": self._text}

    async def _split(self, text: str) -> None:
        await self._client.chunk(await self._client.convert(text))

    async def _found(self, question: str) -> list[Any]:
        return list(await self._client.expand_context(await self._client.search(question)))

    async def _answer(self, question: str, pieces: Queue[str | BaseException | None]) -> None:
        try:
            async with self._agent.run_stream_events(question, deps=self._run) as events:
                async for event in events:
                    if isinstance(event, PartStartEvent) and isinstance(event.part, TextPart):
                        pieces.put(event.part.content)
                    elif isinstance(event, PartDeltaEvent) and isinstance(event.delta, TextPartDelta):
                        pieces.put(event.delta.content_delta)
                    elif isinstance(event, AgentRunResultEvent):
                        self._text = event.result.output
            pieces.put(None)
        except BaseException as error:  # noqa: BLE001 - the caller's thread raises it
            pieces.put(error)

    def _wait(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


if __name__ == "__main__":
    main(Haiku)
