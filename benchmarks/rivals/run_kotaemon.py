"""Kotaemon without its page: the app's own file index and its default pipeline ("Simple QA", FullQAPipeline).

Its defaults are: passages of 1024 tokens, of which 256 overlap; Chroma and LanceDB searched together, the 10 best; no
reranker, because that needs a key of Cohere's; a second call of the model that lists quotes. The quotes found in a
passage are the citations; the app waits for them for 5 s after the answer's last word. Two settings follow its
documentation for local models: a model of type OpenAI at the server's address, and no scoring of each passage by the
model, which would be 10 more calls. A third is the length of the context, so that a prompt fits the server's. An
article is a text file.

Retrieval is a part of each answer. Tokens are those of both calls, even if the app no longer waited for the second.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import serve
from protocol import Article, Job, main

INSTRUCTIONS = 600  # most tokens of a prompt around its evidence; Kotaemon counts evidence with the tokens of gpt-3.5
SETTINGS = "rival_settings"


class Kotaemon:
    """See the module."""

    def __init__(self, job: Job) -> None:
        self._job = job
        os.environ |= {
            "THEFLOW_SETTINGS_MODULE": SETTINGS,
            "ANONYMIZED_TELEMETRY": "False",
            "GRADIO_ANALYTICS_ENABLED": "False",
            "TIKTOKEN_CACHE_DIR": str(_tokens_of_gpt()),
            "OMP_NUM_THREADS": str(job.threads),
        }
        sys.modules[SETTINGS] = _settings(job)

    def load(self) -> None:
        """Start the app; both models are in the server."""
        import nltk

        nltk.download = lambda *_, **__: False  # llama-index would download sentence rules, which are not used here
        from ktem.app import BaseApp

        app = BaseApp()
        self._index = app.index_manager.indices[0]
        self._index._selector_ui = _Selected()
        mine = f"index.options.{self._index.id}"
        self._settings = app.default_settings.flatten() | {
            f"{mine}.use_llm_reranking": False,
            "reasoning.max_context_length": serve.CONTEXT - self._job.max_tokens - INSTRUCTIONS,
        }

    def index(self, articles: Sequence[Article]) -> int:
        """Write the articles as files and index them."""
        folder = Path(self._job.folder) / "articles"
        folder.mkdir()
        self._paths = {}
        for article in articles:
            name = article.path.replace("/", "_").removesuffix(".txt") + ".txt"
            self._paths[name] = article.path
            (folder / name).write_text(article.titled, encoding="utf-8")
        pipeline = self._index.get_indexing_pipeline(self._settings, "default")
        files, errors, _ = _returned(pipeline.stream([folder / name for name in self._paths]))
        if any(errors):
            raise RuntimeError(f"{sum(map(bool, errors))} articles not indexed: {next(filter(None, errors))}")
        retrievers = self._index.get_retriever_pipelines(self._settings, "default", files)
        from ktem.reasoning.simple import FullQAPipeline

        self._pipeline = FullQAPipeline.get_pipeline(self._settings, {}, retrievers)
        return int(retrievers[0].VS._collection.count())

    def retrieve(self, question: str) -> list[str]:
        """Return the articles of the passages."""
        return [self._path(document) for document in self._pipeline.retrieve(question, [])[0]]

    def answer(self, question: str) -> Iterator[str]:
        """Yield the text that the app's chat shows, up to the pipeline's end."""
        self._question = question
        self._before = serve.tokens(self._job.server)
        pieces = self._pipeline.stream(question, "conversation", [])
        while True:
            try:
                piece = next(pieces)
            except StopIteration as end:
                self._answer = end.value
                return
            if piece.channel == "chat" and piece.content is not None:
                yield piece.content

    def cited(self) -> list[str]:
        """Return the articles of the passages that the app highlights."""
        documents, _ = self._pipeline.retrieve(self._question, [])
        spans = self._pipeline.answering_pipeline.match_evidence_with_context(self._answer, documents)
        return list(dict.fromkeys(self._path(document) for document in documents if spans.get(document.doc_id)))

    def tokens(self) -> tuple[int, int]:
        """Return the tokens of all calls, including a call that the app no longer waited for."""
        read, written = serve.tokens(self._job.server)
        return read - self._before[0], written - self._before[1]

    def _path(self, document: Any) -> str:
        return self._paths[document.metadata["file_name"]]


class _Selected:
    """Replaces the page's list of files: the given files are selected, as with "search all"."""

    def get_selected_ids(self, selected: list[str]) -> list[str]:
        return selected


def _settings(job: Job) -> ModuleType:
    """Return the app's settings; they replace its file flowsettings.py, which its packages lack."""
    folder = Path(job.folder)
    server = {"base_url": f"{job.server}/v1/", "api_key": "none", "model": "local"}
    chat = {"__type__": "kotaemon.llms.ChatOpenAI", **server, "max_tokens": job.max_tokens}
    embedder = {"__type__": "kotaemon.embeddings.OpenAIEmbeddings", **server}
    reranker = {"__type__": "kotaemon.rerankings.CohereReranking", "cohere_api_key": ""}
    files = {"supported_file_types": ".txt", "private": True}
    module = ModuleType(SETTINGS)
    steps = ("TrackProgressMiddleware", "CachingMiddleware", "SkipComponentMiddleware")
    module.__dict__.update(
        CONTEXT={"__type__": "theflow.context.Context"},
        CACHE={"__type__": "theflow.cache.FileCache", "path": str(folder / "cache")},
        STORAGE={"__type__": "theflow.storage.LocalStorage", "prefix": str(folder / "flow")},
        MIDDLEWARE={"default": [f"theflow.middleware.{step}" for step in steps]},
        BASE_BACKEND={"__type__": "theflow.backends.Backend"},
        KH_DATABASE=f"sqlite:///{folder / 'sql.db'}",
        KH_FILESTORAGE_PATH=str(folder / "files"),
        KH_DOCSTORE={"__type__": "kotaemon.storages.LanceDBDocumentStore", "path": str(folder / "docstore")},
        KH_VECTORSTORE={"__type__": "kotaemon.storages.ChromaVectorStore", "path": str(folder / "vectorstore")},
        KH_LLMS={"local": {"spec": chat, "default": True}},
        KH_EMBEDDINGS={"local": {"spec": embedder, "default": True}},
        KH_RERANKINGS={"cohere": {"spec": reranker, "default": True}},
        KH_REASONINGS=["ktem.reasoning.simple.FullQAPipeline"],
        KH_REASONINGS_USE_MULTIMODAL=False,
        KH_INDEX_TYPES=["ktem.index.file.FileIndex"],
        KH_INDICES=[{"name": "File Collection", "config": files, "index_type": "ktem.index.file.FileIndex"}],
        SETTINGS_APP={},
        SETTINGS_REASONING={
            "use": {"name": "Reasoning options", "value": None, "choices": [], "component": "radio"},
            "lang": {"name": "Language", "value": "en", "choices": [("English", "en")], "component": "dropdown"},
            "max_context_length": {"name": "Max context length (LLM)", "value": 32000, "component": "number"},
        },
    )
    return module


def _tokens_of_gpt() -> Path:
    """Return the folder of the token list for Kotaemon's counts; llama-index contains it, so nothing is downloaded."""
    found = find_spec("llama_index.core")
    assert found
    assert found.origin
    return Path(found.origin).parent / "_static" / "tiktoken_cache"


def _returned(steps: Any) -> Any:
    """Run a generator to its end and return its value."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


if __name__ == "__main__":
    main(Kotaemon)
