"""The encoder of the second reader: all-mpnet-base-v2 with frozen published weights and low-rank changes.

Training and the package have only the changes, a few megabytes (LoRA: Hu et al. 2021, arXiv:2106.09685). The published
weights, 438 MB, are downloaded like a language model. The top layers are left out ("Poor man's BERT": Sajjad et al.
2020, arXiv:2004.03844): this loses little and saves a quarter of the time. The published weights are kept in bfloat16,
so their products are in bfloat16 without autocast.
"""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from citewire.qa.inputs import CLS, SEP
from citewire.qa.network import EPSILON, FARTHEST, FIRST_POSITION, SCALE

LAYERS, HEADS, HIDDEN = 9, 12, 768  # of 12 layers
RANK = 16  # rank of the changes; query, key and value share one change of twice the rank
BUCKETS = 32  # number of classes of distances between tokens
MASKED = -1e4

Weights = dict[str, Tensor]


class Changed(nn.Module):
    """A linear layer as published, with a low-rank change."""

    def __init__(self, weight: Tensor, bias: Tensor, rank: int, kind: torch.dtype) -> None:
        super().__init__()
        out, into = weight.shape
        self.register_buffer("weight", weight.to(kind), persistent=False)
        self.register_buffer("bias", bias.to(kind), persistent=False)
        self.down = nn.Parameter(torch.randn(rank, into) / math.sqrt(into))
        self.up = nn.Parameter(torch.zeros(out, rank))

    def forward(self, states: Tensor) -> Tensor:
        """Return the output of the layer, in the type of `states`."""
        low = functional.linear(states, self.down.to(states.dtype))
        change = functional.linear(low, (self.up * SCALE).to(states.dtype))
        return functional.linear(states, self.weight, self.bias) + change


class Layer(nn.Module):
    """A transformer layer: attention, then the feed-forward part, each followed by a normalisation."""

    def __init__(self, weights: Weights, number: int, kind: torch.dtype) -> None:
        super().__init__()
        name = f"encoder.layer.{number}"

        def changed(rank: int, *sources: str) -> Changed:
            parts = ([weights[f"{name}.{source}.{what}"] for source in sources] for what in ("weight", "bias"))
            return Changed(*(torch.cat(part) for part in parts), rank, kind)

        self.kind = kind
        self.attend = changed(2 * RANK, *(f"attention.attn.{part}" for part in "qkv"))
        self.mix = changed(RANK, "attention.attn.o")
        self.widen = changed(RANK, "intermediate.dense")
        self.narrow = changed(RANK, "output.dense")
        self.attended = _norm(weights, f"{name}.attention.LayerNorm")
        self.fed = _norm(weights, f"{name}.output.LayerNorm")

    def forward(self, states: Tensor, bias: Tensor) -> Tensor:
        """Return the output of the layer; `bias` is added to the scores of attention."""
        batch, tokens, _ = states.shape
        taken = self.attend(states.to(self.kind)).view(batch, tokens, 3, HEADS, -1).permute(2, 0, 3, 1, 4)
        query, key, value = taken.reshape(3, batch * HEADS, tokens, -1)
        scores = (query * query.shape[-1] ** -0.5) @ key.transpose(1, 2)
        shares = (scores.view(batch, HEADS, tokens, tokens).float() + bias).softmax(-1).to(self.kind)
        mixed = (shares.view(-1, tokens, tokens) @ value).view(batch, HEADS, tokens, -1).transpose(1, 2)
        states = self.attended(states + self.mix(mixed.reshape(batch, tokens, -1)))
        return self.fed(states + self.narrow(functional.gelu(self.widen(states.to(self.kind)))))


class LargeEncoder(nn.Module):
    """The encoder, with the call signature of a transformers encoder and the token ids of BERT's vocabulary.

    Args:
        file: model.safetensors as published.
        half: whether products are in bfloat16.
    """

    def __init__(self, file: Path, half: bool) -> None:
        super().__init__()
        weights = {name.removeprefix("mpnet."): weight.float() for name, weight in load_file(file).items()}
        self.config = SimpleNamespace(hidden_size=HIDDEN)
        for name, source in (
            ("words", "embeddings.word_embeddings"),
            ("positions", "embeddings.position_embeddings"),
            ("distances", "encoder.relative_attention_bias"),
        ):
            self.register_buffer(name, weights[f"{source}.weight"], persistent=False)
        self.types = nn.Parameter(torch.randn(2, HIDDEN) * 0.02)
        self.norm = _norm(weights, "embeddings.LayerNorm")
        kind = torch.bfloat16 if half else torch.float32
        self.layers = nn.ModuleList(Layer(weights, number, kind) for number in range(LAYERS))

    def forward(self, input_ids: Tensor, token_type_ids: Tensor, attention_mask: Tensor) -> SimpleNamespace:
        """Return the states of the last layer, (batch, tokens, hidden)."""
        tokens = input_ids.shape[1]
        positions = self.positions[FIRST_POSITION : FIRST_POSITION + tokens]
        states = self.norm(self.words[words(input_ids)] + positions + self.types[token_type_ids])
        far = self.distances[buckets(tokens).to(input_ids.device)].permute(2, 0, 1)
        bias = far[None] + (1 - attention_mask[:, None, None].float()) * MASKED
        for layer in self.layers:
            states = layer(states, bias)
        return SimpleNamespace(last_hidden_state=states)


def words(ids: Tensor) -> Tensor:
    """Return the rows of MPNet's vocabulary: four tokens of its own (two begin and end a text), then BERT's."""
    return torch.where(ids == CLS, 0, torch.where(ids == SEP, 2, ids + 4))


def buckets(tokens: int) -> Tensor:
    """Return the row of the distance table for each pair of tokens, with T5's distance classes (arXiv:1910.10683)."""
    at = torch.arange(tokens)
    ahead = at[None] - at[:, None]
    far, half = ahead.abs(), BUCKETS // 2
    exact = half // 2
    steps = torch.log(far.clamp(min=1) / exact) / math.log(FARTHEST / exact) * (half - exact)
    return (ahead > 0) * half + torch.where(far < exact, far, (exact + steps.long()).clamp(max=half - 1))


def _norm(weights: Weights, name: str) -> nn.LayerNorm:
    norm = nn.LayerNorm(HIDDEN, eps=EPSILON)
    norm.load_state_dict({kind: weights[f"{name}.{kind}"] for kind in ("weight", "bias")})
    return norm
