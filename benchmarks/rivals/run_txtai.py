"""txtai: its RAG pipeline over an embeddings database with local weights (neuml.github.io/txtai/pipeline/llm/rag).

Passages are paragraphs, as in its notebook "Build RAG pipelines with txtai". One call of the model with the 3 nearest
(its default) and the prompt of that notebook and of the pipeline's page; its LLM pipeline over transformers, greedy.
Titles are not part of a passage. A streamed answer cites nothing, so the articles in its prompt count as citations.

txtai stops a streamed answer if the next word takes more than 5 s. A long prompt takes longer on two cores, so this
limit is removed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from protocol import Article, Counted, Job, main
from txtai import LLM, RAG, Embeddings
from txtai.pipeline import Segmentation
from txtai.pipeline.llm import huggingface

PROMPT = """
  Answer the following question using the provided context.

  Question:
  {question}

  Context:
  {context}
"""


class Patient(huggingface.StreamingResponse):
    """A streamed reply without a time limit."""

    def __init__(self, *inputs: Any, **named: Any) -> None:
        super().__init__(*inputs, **named)
        self.stream.timeout = 600


class Txtai:
    """See the module."""

    def __init__(self, job: Job) -> None:
        self._job = job
        torch.set_num_threads(job.threads)
        huggingface.StreamingResponse = Patient

    def load(self) -> None:
        """Load embedder and language model."""
        self._embeddings = Embeddings(path=self._job.embedder, content=True, gpu=False, models={})
        self._llm = LLM(self._job.model, gpu=False, dtype=torch.float32)
        self._counted = Counted(self._llm.generator.llm.pipeline.model)

    def index(self, articles: Sequence[Article]) -> int:
        """Index the articles, store the index and open it again."""
        split = Segmentation(paragraphs=True)
        self._embeddings.index((article.path, passage) for article in articles for passage in split(article.text))
        self._embeddings.save(self._job.folder)
        self._embeddings.load(self._job.folder)
        self._rag = RAG(self._embeddings, self._llm, template=PROMPT)
        return int(self._embeddings.count())

    def retrieve(self, question: str) -> list[str]:
        """Return the articles of the nearest passages."""
        return [found["id"] for found in self._embeddings.search(question, self._rag.context)]

    def answer(self, question: str) -> Iterator[str]:
        """Yield what the model writes."""
        self._counted.reset()
        self._question = question
        yield from self._rag(question, stream=True, max_new_tokens=self._job.max_tokens, do_sample=False)

    def cited(self) -> list[str]:
        """Return the articles in the prompt of the answer."""
        return list(dict.fromkeys(self.retrieve(self._question)))

    def tokens(self) -> tuple[int, int]:
        """Return the tokens read and written."""
        return self._counted.tokens()


if __name__ == "__main__":
    main(Txtai)
