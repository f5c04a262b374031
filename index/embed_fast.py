"""BERT-like encoders on the CPU: text -> tokens -> CTranslate2 -> pooled unit vectors, without torch.

Knows the architectures that CTranslate2 can run, the names of their weights, and quantisation; the only importer in
index/ of ctranslate2 and tokenizers. The model is converted in memory each time it is loaded, so no converted files
are stored. Does not know fingerprints, prompts or the default weights.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from citewire.index.types import Vectors

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Precision = Literal["int8", "float32"]

TOKENS = 512  # tokens per batch: their activations fit into a core's cache; 4096 took a fifth longer
# A CPU without VNNI adds two products of activation (0 to 255) and weight in 16 bits with saturation.
_PAIR = (2**15 - 1) // 255  # largest sum of two weights of the same sign that cannot saturate
_ACTIVATIONS = {"relu": 0, "gelu_new": 1, "gelu_pytorch_tanh": 1, "gelu": 3}  # CTranslate2's ActivationType
_TYPES = {"float32": 0, "int8": 1, "int16": 2}  # CTranslate2's DataType
_EMBEDDINGS = "embeddings.word_embeddings.weight"
_ROWS = "encoder/embeddings_0/weight"

Tensors = dict[str, NDArray[np.float32]]
Variables = dict[str, NDArray[np.float32] | NDArray[np.int8] | NDArray[np.int16]]


@dataclass(frozen=True, slots=True)
class Plan:
    """How to run the model of a folder.

    Attributes:
        weights: the .safetensors file.
        prefix: beginning of the names of its tensors.
        layers, heads, hidden: numbers of layers, attention heads and columns of the hidden states.
        activation: CTranslate2's number of the activation function.
        epsilon: of the layer normalisation.
        first_position: row of the position embeddings for the first token.
        max_tokens: longer texts are truncated to this length, special tokens included.
        pooling: how the last layer becomes a vector: the mean over the tokens, or the first token ("cls").
    """

    weights: Path
    prefix: str
    layers: int
    heads: int
    hidden: int
    activation: int
    epsilon: float
    first_position: int
    max_tokens: int
    pooling: Literal["mean", "cls"]


def plan(folder: Path) -> Plan | None:
    """Return how to run the sentence-transformers model of `folder`, None if this module cannot run it.

    It runs BERT, RoBERTa and XLM-RoBERTa with float weights in one file, a fast tokenizer, mean or first-token
    pooling, and at most a normalisation after it. Only the JSON files and the names and types of the weights are read.
    """
    modules = _modules(folder)
    if modules is None:
        return None
    transformer, pooling_folder = modules
    config = _object(transformer / "config.json")
    pooling = _pooling(_object(pooling_folder / "config.json"))
    prefix = _prefix(transformer / "model.safetensors")
    if pooling is None or prefix is None or not _runs(config) or not _reads_plainly(transformer):
        return None
    first_position = 0 if config["model_type"] == "bert" else int(config.get("pad_token_id", 1)) + 1
    positions = int(config["max_position_embeddings"]) - first_position
    return Plan(
        weights=transformer / "model.safetensors",
        prefix=prefix,
        layers=int(config["num_hidden_layers"]),
        heads=int(config["num_attention_heads"]),
        hidden=int(config["hidden_size"]),
        activation=_ACTIVATIONS[config["hidden_act"]],
        epsilon=float(config.get("layer_norm_eps", 1e-12)),
        first_position=first_position,
        max_tokens=min(_stated_length(transformer), positions),
        pooling=pooling,
    )


def cuda_is_there() -> bool:
    """Return whether this machine has a CUDA device and its driver; faster than importing torch."""
    import ctranslate2

    return bool(ctranslate2.get_cuda_device_count() > 0)


class Encoder:
    """A transformer that CTranslate2 runs: token ids -> hidden states of the last layer. Thread-safe.

    Args:
        variables: named as in ctranslate2.specs.TransformerEncoderModelSpec; two embedding tables if tokens have types.
        epsilon: of the layer normalisation.
        threads: number of batches computed at the same time, each by one thread.

    Raises:
        ValueError, RuntimeError: the variables do not make a model.
    """

    def __init__(self, variables: Variables, *, epsilon: float, threads: int) -> None:
        import ctranslate2

        self.hidden = variables[_ROWS].shape[1]
        # CTranslate2 requires a vocabulary; it is a dummy, as only token ids are passed in.
        numbers = [str(row) for row in range(len(variables[_ROWS]))]
        config = {"layer_norm_epsilon": epsilon, "bos_token": "0", "eos_token": "0", "unk_token": "0"}
        files = {
            "model.bin": _serialised(variables),
            "config.json": json.dumps(config).encode(),
            "vocabulary.json": json.dumps(numbers).encode(),
        }
        self._storage = ctranslate2.StorageView
        self._encoder = ctranslate2.Encoder(
            "memory", files=files, compute_type="default", inter_threads=threads, intra_threads=1
        )
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="encode")

    def states(
        self,
        rows: Sequence[Sequence[int]],
        types: Sequence[Sequence[int]] | None = None,
        *,
        keep: Callable[[int, NDArray[np.float32]], None],
    ) -> None:
        """Compute the hidden states of each row, shape (tokens, hidden), float32.

        Args:
            rows: token ids of each text, at most as many as the model has positions.
            types: type of each token, if the model has types.
            keep: called with the row's number and its states, from several threads and in any order; it must copy what
                it keeps.
        """
        batches = list(_batches([len(ids) for ids in rows]))

        def run(batch: list[int]) -> None:
            lengths = np.array([len(rows[row]) for row in batch], np.int32)
            words = _padded([rows[row] for row in batch])
            kinds = _padded([types[row] for row in batch]).tolist() if types else None
            output = self._encoder.forward_batch(
                self._storage.from_array(words), self._storage.from_array(lengths), kinds
            )
            states: NDArray[np.float32] = np.array(output.last_hidden_state)
            for place, row in enumerate(batch):
                keep(row, states[place, : lengths[place]])

        for _ in self._pool.map(run, batches) if len(batches) > 1 else map(run, batches):
            pass


def _padded(rows: Sequence[Sequence[int]]) -> NDArray[np.int32]:
    padded = np.zeros((len(rows), max(len(ids) for ids in rows)), np.int32)
    for row, ids in enumerate(rows):
        padded[row, : len(ids)] = ids
    return padded


class FastEncoder:
    """A loaded model: texts -> unit vectors. Thread-safe.

    Args:
        chosen: how to run it, from `plan`.
        threads: number of batches computed at the same time, each by one thread.
        precision: "float32", or "int8" for about 1.7 times the speed. Activations are quantised per row, so a vector
            does not depend on the other texts of its batch. Only the last of 8 bits may differ, as the batch size
            changes the order in which the CPU sums floats.

    Raises:
        SafetensorError, OSError, ValueError, RuntimeError: the files do not hold the model that `plan` expects.
    """

    def __init__(self, chosen: Plan, *, threads: int, precision: Precision) -> None:
        self._plan = chosen
        self._tokenizer = _tokenizer(chosen)
        self._encoder = Encoder(variables(chosen, precision), epsilon=chosen.epsilon, threads=threads)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one unit vector per text, shape (len(texts), hidden), float32."""
        tokens = [encoding.ids for encoding in self._tokenizer.encode_batch_fast(list(texts))]
        vectors = np.empty((len(tokens), self._plan.hidden), np.float32)

        def keep(row: int, states: NDArray[np.float32]) -> None:
            vectors[row] = states[0] if self._plan.pooling == "cls" else states.mean(axis=0)

        self._encoder.states(tokens, keep=keep)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True).clip(min=1e-12)
        return vectors


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Yield batches of row numbers, longest rows first, each of at most `TOKENS` tokens with padding."""
    batch: list[int] = []
    for row in sorted(range(len(lengths)), key=lambda row: -lengths[row]):
        if batch and (len(batch) + 1) * lengths[batch[0]] > TOKENS:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


# -- What a folder holds ------------------------------------------------------------------------------------


def _modules(folder: Path) -> tuple[Path, Path] | None:
    """Return the folders of the transformer and the pooling module, None if the model has other modules."""
    try:
        stated = json.loads((folder / "modules.json").read_bytes())
        names = [str(module["type"]).rpartition(".")[2] for module in stated]
        paths = [folder / str(module["path"]) for module in stated]
    except (OSError, ValueError, TypeError, KeyError):
        return None
    known = names in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"])
    return (paths[0], paths[1]) if known else None


def _pooling(config: dict[str, Any]) -> Literal["mean", "cls"] | None:
    modes = config.get("pooling_mode")
    if modes is None:  # written before sentence-transformers 6
        old = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls"}
        asked = [key for key, value in config.items() if key.startswith("pooling_mode_") and value is True]
        modes = old.get(asked[0]) if len(asked) == 1 else None
    if modes == "mean" and config.get("include_prompt", True) is True:
        return "mean"
    return "cls" if modes == "cls" else None


def _prefix(weights: Path) -> str | None:
    """Return the prefix of the tensors' names, None if they are not those of one BERT or not all float."""
    try:
        with safe_open(weights, framework="numpy") as file:
            names = [name for name in file.keys() if name.endswith(_EMBEDDINGS)]  # noqa: SIM118 (it is no dict)
            prefix = names[0].removesuffix(_EMBEDDINGS) if len(names) == 1 else None
            types = {file.get_slice(name).get_dtype() for name in file.keys() if "position_ids" not in name}  # noqa: SIM118
    except (OSError, SafetensorError):
        return None
    return prefix if types <= {"F32", "F16"} else None


def _runs(config: dict[str, Any]) -> bool:
    """Whether CTranslate2 computes this transformer as the transformers library does."""
    return (
        config.get("model_type") in ("bert", "roberta", "xlm-roberta")
        and config.get("hidden_act") in _ACTIVATIONS
        and config.get("position_embedding_type", "absolute") == "absolute"
        and not config.get("is_decoder")
        and all(
            isinstance(config.get(key), int)
            for key in ("num_hidden_layers", "num_attention_heads", "hidden_size", "max_position_embeddings")
        )
    )


def _reads_plainly(transformer: Path) -> bool:
    """Whether the model's input is exactly the output of tokenizer.json for the unchanged text."""
    stated = _object(transformer / "sentence_bert_config.json")
    plain: dict[str, object] = {
        "do_lower_case": False,
        "transformer_task": "feature-extraction",
        "modality_config": {"text": {"method": "forward", "method_output_name": "last_hidden_state"}},
        "module_output_name": "token_embeddings",
        "unpad_inputs": None,
    }
    if any(key != "max_seq_length" and value != plain.get(key) for key, value in stated.items()):
        return False
    normalizer = _object(transformer / "tokenizer.json").get("normalizer")
    if not (transformer / "tokenizer.json").is_file():
        return False
    if isinstance(normalizer, dict) and normalizer.get("type") == "BertNormalizer":
        # transformers overrides the normalizer of tokenizer.json with these keys
        asked = _object(transformer / "tokenizer_config.json")
        keys = {"lowercase": "do_lower_case", "strip_accents": "strip_accents"}
        keys["handle_chinese_chars"] = "tokenize_chinese_chars"
        return all(asked.get(theirs, normalizer.get(ours)) == normalizer.get(ours) for ours, theirs in keys.items())
    return True


def _stated_length(transformer: Path) -> int:
    """Return the maximum length in tokens that the folder states, a very large number if it states none."""
    stated = _object(transformer / "sentence_bert_config.json").get("max_seq_length")
    stated = stated or _object(transformer / "tokenizer_config.json").get("model_max_length")
    return int(stated) if isinstance(stated, (int, float)) else 1 << 30


def _object(file: Path) -> dict[str, Any]:
    """Return the object in a JSON file, {} if there is none."""
    try:
        content = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _tokenizer(chosen: Plan) -> Tokenizer:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_buffer((chosen.weights.parent / "tokenizer.json").read_bytes())
    tokenizer.no_padding()
    tokenizer.enable_truncation(chosen.max_tokens)
    return tokenizer


# -- CTranslate2's form of the weights ----------------------------------------------------------------------


def variables(chosen: Plan, precision: Precision, *, typed: bool = False) -> Variables:
    """Return the model's variables, named as in ctranslate2.specs.TransformerEncoderModelSpec.

    Args:
        chosen: how to run the model.
        precision: of the linear layers.
        typed: whether token types are passed in; otherwise every token has type 0.

    Raises:
        SafetensorError, OSError, ValueError: the file does not hold the model that `plan` expects.
    """
    with safe_open(chosen.weights, framework="numpy") as file:
        names = [name for name in file.keys() if name.startswith(chosen.prefix)]  # noqa: SIM118
        weights = {name.removeprefix(chosen.prefix): file.get_tensor(name).astype(np.float32) for name in names}
    try:
        return variables_of(weights, chosen, precision, typed=typed)
    except KeyError as error:
        raise ValueError(f"it has no weights {error.args[0]}") from error


def variables_of(weights: Tensors, chosen: Plan, precision: Precision, *, typed: bool = False) -> Variables:
    """Return what `variables` returns, from weights that were read already.

    Args:
        weights: named as in transformers, without the plan's prefix; float32.
        chosen: how to run the model.
        precision: of the linear layers.
        typed: as in `variables`.

    Raises:
        KeyError: a weight is missing.
    """
    positions, types = (weights[f"embeddings.{kind}_embeddings.weight"] for kind in ("position", "token_type"))
    positions = positions if typed else positions + types[0]
    found: Variables = {
        "encoder/activation": np.array(chosen.activation, np.int8),
        _ROWS: weights[_EMBEDDINGS],
        "encoder/embeddings_merge": np.array(1, np.int8),
        "encoder/multi_query_attention": np.array(0, np.int8),
        "encoder/num_heads": np.array(chosen.heads, np.int16),
        "encoder/position_encodings/encodings": positions[chosen.first_position :],
        "encoder/pre_norm": np.array(0, np.int8),
        "encoder/scale_embeddings": np.array(0, np.int8),
        **({"encoder/embeddings_1/weight": types} if typed else {}),
    }
    found |= normalisation("encoder/layernorm_embedding", weights, "embeddings.LayerNorm")
    for number in range(chosen.layers):
        ours, theirs = f"encoder/layer_{number}", f"encoder.layer.{number}"
        heads = [f"{theirs}.attention.self.{part}" for part in ("query", "key", "value")]
        attention, feed = f"{ours}/self_attention", f"{ours}/ffn"
        found |= _layers(f"{attention}/linear_0", weights, heads, precision)
        found |= _layers(f"{attention}/linear_1", weights, [f"{theirs}.attention.output.dense"], precision)
        found |= normalisation(f"{attention}/layer_norm", weights, f"{theirs}.attention.output.LayerNorm")
        found |= _layers(f"{feed}/linear_0", weights, [f"{theirs}.intermediate.dense"], precision)
        found |= _layers(f"{feed}/linear_1", weights, [f"{theirs}.output.dense"], precision)
        found |= normalisation(f"{feed}/layer_norm", weights, f"{theirs}.output.LayerNorm")
    return found


def _layers(name: str, weights: Tensors, sources: Sequence[str], precision: Precision) -> Variables:
    """Return the variables of several linear layers stacked into one."""
    weight, bias = (np.concatenate([weights[f"{source}.{kind}"] for source in sources]) for kind in ("weight", "bias"))
    return linear(name, weight, bias, precision)


def normalisation(name: str, weights: Mapping[str, NDArray[np.float32]], source: str) -> Variables:
    """Return the variables of the layer normalisation `source` under CTranslate2's `name`."""
    return {f"{name}/gamma": weights[f"{source}.weight"], f"{name}/beta": weights[f"{source}.bias"]}


def linear(name: str, weight: NDArray[np.float32], bias: NDArray[np.float32], precision: Precision) -> Variables:
    """Return the variables of a linear layer.

    Args:
        name: CTranslate2's name of the layer.
        weight: shape (outputs, inputs).
        bias: shape (outputs,).
        precision: "int8" rounds the weight, with a scale for each output; the bias stays float32.
    """
    if precision == "float32":
        return {f"{name}/bias": bias, f"{name}/weight": weight}
    scale = _scale(weight)
    rounded = np.rint(weight * scale[:, np.newaxis]).astype(np.int8)
    return {f"{name}/bias": bias, f"{name}/weight": rounded, f"{name}/weight_scale": scale}


def _scale(weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the scale of each row for 8 bits: the largest at which no weight and no sum of two weights overflows."""
    # The CPU pairs weights within groups of four, in an unknown order, so the two largest of each sign count.
    fours = np.pad(weight, ((0, 0), (0, -weight.shape[1] % 4)))
    pairs = np.maximum(_largest_pairs(fours), _largest_pairs(-fours))
    # Rounding may add 0.5 to each of the two weights.
    most = np.maximum(np.abs(weight).max(axis=1) / 127, pairs / (_PAIR - 1))
    return (1 / np.where(most > 0, most, 1)).astype(np.float32)


def _largest_pairs(weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the largest sum of two positive weights within four columns, for each row; sorting takes twice as long."""
    a, b, c, d = (np.maximum(weight[:, first::4], 0) for first in range(4))
    left, right = np.maximum(a, b), np.maximum(c, d)
    second = np.maximum(np.minimum(left, right), np.maximum(np.minimum(a, b), np.minimum(c, d)))
    largest: NDArray[np.float32] = (np.maximum(left, right) + second).max(axis=1)
    return largest


def _serialised(variables: Variables) -> bytes:
    """Return CTranslate2's model.bin, version 6, as `ctranslate2.specs.ModelSpec.save` writes it."""
    parts = [struct.pack("<I", 6), _string("TransformerEncoderSpec"), struct.pack("<II", 1, len(variables))]
    for name, value in variables.items():
        shape = struct.pack(f"<B{value.ndim}I", value.ndim, *value.shape)
        parts += [_string(name), shape, struct.pack("<BI", _TYPES[value.dtype.name], value.nbytes), value.tobytes()]
    return b"".join([*parts, struct.pack("<I", 0)])  # no aliases


def _string(text: str) -> bytes:
    encoded = text.encode() + b"\0"
    return struct.pack("<H", len(encoded)) + encoded
