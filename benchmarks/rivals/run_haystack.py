"""Haystack: the RAG pipeline of its tutorials with local weights (haystack.deepset.ai/tutorials).

Passages of 150 words, of which 50 overlap, from "Preprocessing Different File Types". Titles are embedded with each
passage, as in "Embedding Metadata for Improved Retrieval". One call of the model with the 10 nearest (its default) and
the prompt of "Creating Your First QA Pipeline", greedy. Its FAISS store keeps the passages on disk
and needs no server; the tutorials say that their store in memory is for small sets. The pipeline cites nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any

os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"  # haystack reads it when it is imported

import torch
from haystack import Document, Pipeline
from haystack.components.builders import ChatPromptBuilder
from haystack.components.preprocessors import DocumentCleaner, DocumentSplitter
from haystack.components.writers import DocumentWriter
from haystack.dataclasses import ChatMessage, StreamingChunk
from haystack.utils import ComponentDevice
from haystack_integrations.components.embedders.sentence_transformers import (
    SentenceTransformersDocumentEmbedder,
    SentenceTransformersTextEmbedder,
)
from haystack_integrations.components.generators.transformers import TransformersChatGenerator
from haystack_integrations.components.retrievers.faiss import FAISSEmbeddingRetriever
from haystack_integrations.document_stores.faiss import FAISSDocumentStore
from protocol import Article, Counted, Job, main

PROMPT = """
Given the following information, answer the question.

Context:
{% for document in documents %}
    {{ document.content }}
{% endfor %}

Question: {{question}}
Answer:
"""


class Haystack:
    """See the module."""

    def __init__(self, job: Job) -> None:
        self._job = job
        torch.set_num_threads(job.threads)

    def load(self) -> None:
        """Load embedder and language model."""
        job, device = self._job, ComponentDevice.from_str("cpu")
        self._text_embedder = SentenceTransformersTextEmbedder(model=job.embedder, device=device, progress_bar=False)
        self._document_embedder = SentenceTransformersDocumentEmbedder(
            model=job.embedder, device=device, progress_bar=False, meta_fields_to_embed=["title"]
        )
        self._dimensions = len(self._text_embedder.run("Loaded?")["embedding"])
        self._document_embedder.warm_up()
        self._pieces: SimpleQueue[str | None] = SimpleQueue()
        self._llm = TransformersChatGenerator(
            model=job.model,
            task="text-generation",
            device=device,
            generation_kwargs={"max_new_tokens": job.max_tokens, "do_sample": False},
            huggingface_pipeline_kwargs={"dtype": torch.float32},
            streaming_callback=self._stream,
        )
        self._llm.warm_up()
        self._counted = Counted(self._llm.pipeline.model)

    def index(self, articles: Sequence[Article]) -> int:
        """Index the articles, store the index and open it again."""
        stored = Path(self._job.folder) / "passages"
        store = FAISSDocumentStore(embedding_dim=self._dimensions)
        indexing = Pipeline()
        indexing.add_component("cleaner", DocumentCleaner())
        indexing.add_component("splitter", DocumentSplitter(split_by="word", split_length=150, split_overlap=50))
        indexing.add_component("embedder", self._document_embedder)
        indexing.add_component("writer", DocumentWriter(store))
        indexing.connect("cleaner", "splitter")
        indexing.connect("splitter", "embedder")
        indexing.connect("embedder", "writer")
        documents = [Document(content=one.text, meta={"title": one.title, "path": one.path}) for one in articles]
        indexing.run({"cleaner": {"documents": documents}})
        store.save(stored)
        store = FAISSDocumentStore(index_path=str(stored), embedding_dim=self._dimensions)
        self._retriever = FAISSEmbeddingRetriever(document_store=store)
        self._pipeline = Pipeline()
        self._pipeline.add_component("text_embedder", self._text_embedder)
        self._pipeline.add_component("retriever", self._retriever)
        template = [ChatMessage.from_user(PROMPT)]
        self._pipeline.add_component("prompt_builder", ChatPromptBuilder(template=template, required_variables="*"))
        self._pipeline.add_component("llm", self._llm)
        self._pipeline.connect("text_embedder.embedding", "retriever.query_embedding")
        self._pipeline.connect("retriever", "prompt_builder")
        self._pipeline.connect("prompt_builder.prompt", "llm.messages")
        return store.count_documents()

    def retrieve(self, question: str) -> list[str]:
        """Return the articles of the nearest passages."""
        embedding = self._text_embedder.run(question)["embedding"]
        return [document.meta["path"] for document in self._retriever.run(embedding)["documents"]]

    def answer(self, question: str) -> Iterator[str]:
        """Yield what the model writes."""
        self._counted.reset()
        asked = {"text_embedder": {"text": question}, "prompt_builder": {"question": question}}
        with ThreadPoolExecutor(1) as thread:
            running = thread.submit(self._pipeline.run, asked)
            running.add_done_callback(lambda _: self._pieces.put(None))
            yield from iter(self._pieces.get, None)
            self._reply: ChatMessage = running.result()["llm"]["replies"][0]

    def cited(self) -> list[str]:
        """Return nothing."""
        return []

    def tokens(self) -> tuple[int, int]:
        """Return the tokens read and written."""
        return self._counted.tokens()

    def told(self) -> Mapping[str, Any]:
        """Return the reply; the streamed text also has the end mark."""
        return {"text": self._reply.text}

    def _stream(self, piece: StreamingChunk) -> None:
        self._pieces.put(piece.content)


if __name__ == "__main__":
    main(Haystack)
