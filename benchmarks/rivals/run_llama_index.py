"""LlamaIndex: CitationQueryEngine over a VectorStoreIndex that is kept on disk, HuggingFaceLLM, HuggingFaceEmbedding.

All sizes and prompts are its defaults: passages of 1024 tokens, the 2 nearest, cut into sources of 512 tokens; the
model's own chat template, greedy. Titles are metadata: they are embedded with the text and hidden from the model.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import torch
from llama_index.core import Document, Settings, StorageContext, VectorStoreIndex, load_index_from_storage
from llama_index.core.query_engine import CitationQueryEngine
from llama_index.embeddings.huggingface import HuggingFaceEmbedding
from llama_index.llms.huggingface import HuggingFaceLLM
from protocol import Article, Counted, Job, main


class LlamaIndex:
    """See the module."""

    def __init__(self, job: Job) -> None:
        self._job = job
        torch.set_num_threads(job.threads)

    def load(self) -> None:
        """Load embedder and language model."""
        job = self._job
        Settings.embed_model = HuggingFaceEmbedding(model_name=job.embedder, device="cpu")
        Settings.llm = HuggingFaceLLM(
            model_name=job.model,
            tokenizer_name=job.model,
            device_map="cpu",
            max_new_tokens=job.max_tokens,
            generate_kwargs={"do_sample": False},
            model_kwargs={"dtype": torch.float32},
            is_chat_model=True,
        )
        self._counted = Counted(Settings.llm._model)  # the only way to count: streaming reports no tokens

    def index(self, articles: Sequence[Article]) -> int:
        """Index the articles, store the index and open it again."""
        documents = [
            Document(
                text=article.text,
                metadata={"title": article.title, "path": article.path},
                excluded_embed_metadata_keys=["path"],
                excluded_llm_metadata_keys=["path"],
            )
            for article in articles
        ]
        VectorStoreIndex.from_documents(documents).storage_context.persist(self._job.folder)
        index = load_index_from_storage(StorageContext.from_defaults(persist_dir=self._job.folder))
        assert isinstance(index, VectorStoreIndex)
        self._engine = CitationQueryEngine.from_args(index, streaming=True)
        return len(index.docstore.docs)

    def retrieve(self, question: str) -> list[str]:
        """Return the articles of the nearest passages."""
        return [found.node.metadata["path"] for found in self._engine.retriever.retrieve(question)]

    def answer(self, question: str) -> Iterator[str]:
        """Yield what the model writes."""
        self._counted.reset()
        self._said = ""
        response = self._engine.query(question)
        self._sources = [source.node.metadata["path"] for source in response.source_nodes]
        for piece in response.response_gen:
            self._said += piece
            yield piece

    def cited(self) -> list[str]:
        """Return the articles of the sources whose numbers stand in the answer."""
        numbers = [int(number) for number in re.findall(r"\[(\d{1,3})\]", self._said)]
        return list(dict.fromkeys(self._sources[n - 1] for n in numbers if 0 < n <= len(self._sources)))

    def tokens(self) -> tuple[int, int]:
        """Return the tokens read and written."""
        return self._counted.tokens()


if __name__ == "__main__":
    main(LlamaIndex)
