"""The network of the reader and the verifier: all-MiniLM-L6-v2 with three small heads.

Knows torch, the shape of the encoder and the form of its inputs; does not know where examples come from. At run
time `citewire.qa.reader` computes the same function with CTranslate2 and NumPy; `export.py` writes the weights for it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import AttentionInterface, AttentionMaskInterface, AutoModel
from transformers.masking_utils import sdpa_mask

from citewire.index.embed import default_folder

SUPPORTED, REFUTED, NOT_SAID, UNSUPPORTED = range(4)  # UNSUPPORTED: refuted or not said; the data does not tell which
FAR = -1e4  # logit of a token outside the sentence that is read
ATTENTION = "products"
DROPPED = 1 << 24  # random numbers drawn once for dropout


@dataclass(frozen=True, slots=True)
class Example:
    """One input as tokens.

    Attributes:
        ids: tokens of both texts with [CLS] and [SEP].
        types: 1 for tokens of the sentence that is read, or of the quote; 0 for all others.
        answers: 1.0 if the sentence answers, 0.0 if not; None for a claim.
        first, last: first and last token of the answer; -1 without a span.
        label: SUPPORTED, REFUTED, NOT_SAID or UNSUPPORTED for a claim; None for a question.
        source: name of the data set, for measures by source.
        list: number of its list; a list has the sentences for one question, and the first one answers. -1 without a
            list.
    """

    ids: tuple[int, ...]
    types: tuple[int, ...]
    answers: float | None
    first: int = -1
    last: int = -1
    label: int | None = None
    source: str = ""
    list: int = -1


def _attention(_: nn.Module, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, **_more: Any) -> Any:
    """Attention as plain products: torch's fused attention takes six times as long in bfloat16 on a CPU.

    The attention probabilities get no dropout, because it took as long as a third of all products.
    """
    batch, heads, tokens, width = query.shape
    flat = (batch * heads, tokens, width)
    scores = (query.reshape(flat) * width**-0.5) @ key.reshape(flat).transpose(1, 2)
    scores = scores.view(batch, heads, tokens, tokens)
    if mask is not None:
        scores = scores.masked_fill(~mask, FAR)
    with torch.autocast(query.device.type, enabled=False):
        shares = scores.softmax(-1)
    return (shares.view(-1, tokens, tokens) @ value.reshape(flat)).view(query.shape).transpose(1, 2), None


AttentionInterface.register(ATTENTION, _attention)
AttentionMaskInterface.register(ATTENTION, sdpa_mask)


class Dropout(nn.Module):
    """Dropout that draws its random numbers once and reads them from a random offset: drawing took 10% of the time."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p  # transformers reads this attribute, as in nn.Dropout

    def forward(self, states: Tensor) -> Tensor:
        """Return the states; in training a share of them is dropped."""
        if not self.training:
            return states
        at = int(torch.randint(DROPPED - states.numel(), ()))
        kept = _kept(self.p, states.device, states.dtype)[at : at + states.numel()]
        return states * kept.view(states.shape)


@cache
def _kept(share: float, device: torch.device, dtype: torch.dtype) -> Tensor:
    """The factor of each state: 0 if it is dropped, else the value that keeps the mean."""
    drawn = torch.rand(DROPPED, generator=torch.Generator().manual_seed(0))
    return ((drawn >= share) / (1 - share)).to(device, dtype)


class Network(nn.Module):
    """Encoder and heads. The word and position embeddings stay as published, so they need not be shipped.

    Args:
        dropout: share of the states that training drops.
        null: whether the span head may also point at [CLS], for "nothing answers" (Devlin et al. 2019,
            arXiv:1810.04805, for SQuAD 2.0); the log odds of all other spans are added to the answer head's logit.
        encoder: an encoder with the same call signature, in the place of all-MiniLM-L6-v2.
    """

    def __init__(self, dropout: float = 0.1, null: bool = False, encoder: nn.Module | None = None) -> None:
        super().__init__()
        self.null = null
        self.encoder = encoder or _small(dropout)
        hidden = self.encoder.config.hidden_size
        self.answers = _head(hidden, 1, dropout)
        self.entails = _head(hidden, 3, dropout)
        self.span = nn.Linear(hidden, 2)

    def forward(self, ids: Tensor, types: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return logits: answers (batch,), first and last token (batch, tokens, 2), verdict (batch, 3)."""
        states = self.encoder(input_ids=ids, token_type_ids=types, attention_mask=mask).last_hidden_state
        first = states[:, 0]
        inside = types == 1
        if self.null:
            inside[:, 0] = True
        span = self.span(states).masked_fill(~inside[..., None], FAR)
        answers = self.answers(first).squeeze(-1)
        if self.null:
            answers = answers + (span[:, 1:].logsumexp(1) - span[:, 0]).sum(-1)
        return answers, span, self.entails(first)

    def trained(self) -> dict[str, Tensor]:
        """Return the weights that training changes, by name."""
        wanted = {name for name, weight in self.named_parameters() if weight.requires_grad}
        return {name: weight for name, weight in self.state_dict().items() if name in wanted}


def _small(dropout: float) -> Any:
    encoder = AutoModel.from_pretrained(str(default_folder()), add_pooling_layer=False, attn_implementation=ATTENTION)
    for module in list(encoder.modules()):
        for name, part in module.named_children():
            if isinstance(part, nn.Dropout):
                setattr(module, name, Dropout(dropout))
    for name, weight in encoder.embeddings.named_parameters():
        weight.requires_grad_("token_type" in name)
    return encoder


def _head(hidden: int, outputs: int, dropout: float) -> nn.Sequential:
    middle = hidden // 2
    return nn.Sequential(nn.Linear(hidden, middle), nn.Tanh(), nn.Dropout(dropout), nn.Linear(middle, outputs))


def collate(batch: Sequence[Example]) -> tuple[Tensor, Tensor, Tensor]:
    """Return ids, types and mask, each (batch, longest), padded with 0."""
    longest = max(len(example.ids) for example in batch)

    def padded(rows: Sequence[tuple[int, ...]]) -> Tensor:
        return torch.tensor([[*row, *[0] * (longest - len(row))] for row in rows])

    lengths = torch.tensor([len(example.ids) for example in batch])
    mask = (torch.arange(longest)[None] < lengths[:, None]).long()
    return padded([example.ids for example in batch]), padded([example.types for example in batch]), mask


def loss(network: Network, batch: Sequence[Example], spans: bool = True) -> dict[str, Tensor]:
    """Return the losses of a batch by head, each the mean over the examples with such a label."""
    device = network.span.weight.device
    ids, types, mask = (part.to(device) for part in collate(batch))
    answers, span, verdict = network(ids, types, mask)
    found: dict[str, Tensor] = {}
    read = [row for row, example in enumerate(batch) if example.answers is not None]
    if read:
        wanted = torch.tensor([batch[row].answers for row in read], device=device)
        found["answers"] = functional.binary_cross_entropy_with_logits(answers[read], wanted)
    if lists := _lists(batch):
        found["ranking"] = -torch.stack([functional.log_softmax(answers[rows], 0)[0] for rows in lists]).mean()
    ends_of = {row: (batch[row].first, batch[row].last) for row in read if spans and batch[row].first >= 0}
    if network.null:
        ends_of |= {row: (0, 0) for row in read if not batch[row].answers}
    marked = sorted(ends_of)
    if marked:
        ends = torch.tensor([ends_of[row] for row in marked], device=device)
        found["span"] = functional.cross_entropy(span[marked].transpose(1, 2).flatten(0, 1), ends.flatten())
    claims = [row for row, example in enumerate(batch) if example.label is not None]
    if claims:
        found["entails"] = _verdict_loss(verdict[claims], torch.tensor([batch[row].label for row in claims]).to(device))
    return found


def _lists(batch: Sequence[Example]) -> list[list[int]]:
    """Return the rows of each list, the sentence that answers first."""
    rows: dict[int, list[int]] = defaultdict(list)
    for row, example in enumerate(batch):
        if example.list >= 0:
            rows[example.list].append(row)
    return [sorted(one, key=lambda row: -(batch[row].answers or 0.0)) for one in rows.values() if len(one) > 1]


def _verdict_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy; if only "not supported" is known, with the sum of the two other probabilities."""
    logs = functional.log_softmax(logits, -1)
    told = labels != UNSUPPORTED
    exact = logs.gather(1, labels.clamp(max=NOT_SAID)[:, None]).squeeze(1)
    either = torch.logsumexp(logs[:, [REFUTED, NOT_SAID]], -1)
    return -torch.where(told, exact, either).mean()
