"""Texts to the tokens that the reader's network takes: in training and in use, the same code.

The weights belong to this file: `training/export.py` writes its digest beside them, and a test compares both.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

from citewire.index.embed import default_folder

MAX_TOKENS = 144  # of a question with its window, or of a claim with its quote
QUESTION_TOKENS = 48
CLAIM = "claim: "  # before a claim, which tells the network which of its two tasks it has
CLS, SEP = 101, 102  # in the vocabulary of BERT, uncased

Offsets = list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Input:
    """Two texts as tokens.

    Attributes:
        ids: tokens of both with [CLS] and [SEP].
        types: 1 for the tokens of the sentence that is read, or of the quote; 0 for all others.
        begin: place of the first of these.
        offsets: of each of these, into its text.
    """

    ids: list[int]
    types: list[int]
    begin: int
    offsets: Offsets


class Inputs:
    """The tokenizer of the embedder, whose embeddings the network uses. Safe to share between threads."""

    def __init__(self) -> None:
        self._tokenizer = Tokenizer.from_file(str(default_folder() / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()

    def question(self, question: str, before: str, sentence: str, after: str) -> Input:
        """Return `[CLS] question [SEP] before SENTENCE after [SEP]`.

        The sentence comes first where room is short, then the nearest words around it.
        """
        asked = self._tokens(question)[0][:QUESTION_TOKENS]
        said, offsets = self._tokens(sentence)
        room = MAX_TOKENS - len(asked) - 3
        said, offsets = said[:room], offsets[:room]
        left, right = self._tokens(before)[0], self._tokens(after)[0]
        room -= len(said)
        most = max(room - min(len(right), room // 2), 0)
        ahead = left[-most:] if most else []
        behind = right[: room - len(ahead)]
        begin = len(asked) + 2 + len(ahead)
        return _input([CLS, *asked, SEP, *ahead, *said, *behind, SEP], begin, offsets)

    def claim(self, claim: str, quote: str) -> Input:
        """Return `[CLS] claim: ... [SEP] quote [SEP]`; a quote is cut where it is too long."""
        said = self._tokens(CLAIM + claim)[0][: MAX_TOKENS // 2]
        held, offsets = self._tokens(quote)
        room = MAX_TOKENS - len(said) - 3
        return _input([CLS, *said, SEP, *held[:room], SEP], len(said) + 2, offsets[:room])

    def _tokens(self, text: str) -> tuple[list[int], Offsets]:
        # Half a surrogate pair, which a shell may pass on, is no text.
        encoding = self._tokenizer.encode(text.encode("utf-8", "replace").decode(), add_special_tokens=False)
        return encoding.ids, encoding.offsets


def _input(ids: list[int], begin: int, offsets: Offsets) -> Input:
    end = begin + len(offsets)
    return Input(ids, [int(begin <= place < end) for place in range(len(ids))], begin, offsets)


def digest() -> str:
    """Return the SHA-256 of this file, which the weights belong to."""
    return hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
