"""A scripted language model for fast tests."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from citewire.index.errors import ModelError
from citewire.qa.types import Message

Said = str | type[BaseException]


class ScriptedGenerator:
    """A `citewire.qa.types.Generator` with scripted replies, word by word.

    Args:
        says: the reply to every message; or a mapping, words of the last message -> reply. The first entry whose words
            the message contains is used ("" matches all); an exception is raised; without a match, the reply is empty.
        fails_after: number of words before it raises a model's error; None to never fail.

    Attributes:
        prompts: the messages of each call; limits: the `max_tokens` of each call; written: words said in all calls.
    """

    name = "scripted"

    def __init__(self, says: Said | Mapping[str, Said], fails_after: int | None = None) -> None:
        self.says = says
        self.fails_after = fails_after
        self.prompts: list[Sequence[Message]] = []
        self.limits: list[int] = []
        self.written = 0

    @property
    def asked(self) -> list[str]:
        """The last message of each call."""
        return [messages[-1].content for messages in self.prompts]

    def generate(
        self, messages: Sequence[Message], *, max_tokens: int, stopped: Callable[[], bool] = lambda: False
    ) -> Iterator[str]:
        """Yield the words of the reply, each with the space before it."""
        self.prompts.append(messages)
        self.limits.append(max_tokens)
        said = self._said(messages[-1].content)
        for n, piece in enumerate([*re.findall(r"\s*\S+|\s+$", said)[:max_tokens], None]):
            if n == self.fails_after:
                raise ModelError("the model went away", "Start it again")
            if piece is None or stopped():
                return
            self.written += 1
            yield piece

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Return the number of words."""
        return sum(len(message.content.split()) for message in messages)

    def _said(self, content: str) -> str:
        script = self.says if isinstance(self.says, Mapping) else {"": self.says}
        said = next((said for words, said in script.items() if words in content), "")
        if isinstance(said, str):
            return said
        raise said
