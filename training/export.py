"""Put trained weights into the package: the encoder's layers in 8 bits, the heads in 16, as qa/reader.safetensors.

    python training/export.py RUN [--to qa/reader.safetensors] [--large]

The embeddings are left out: they are the published ones, and the embedder's package has them. For the second network
only the changes to the published layers are stored, in 16 bits. `calibrate.py` writes the mapping from logits to
probabilities.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from network import Network
from numpy.typing import NDArray
from safetensors.numpy import load_file, save

from citewire.index.embed import default_folder
from citewire.index.embed_fast import plan, variables_of
from citewire.qa import inputs
from citewire.qa.reader import WEIGHTS, WEIGHTS_AGAIN

MOST_BYTES = 12_000_000
_FROZEN = ("encoder/embeddings_0", "encoder/position_encodings", "encoder/layernorm_embedding")


def export(run: Path, to: Path, calibration: dict[str, float]) -> int:
    """Write the weights of a run; return the bytes of the file.

    Raises:
        ValueError: the file would be larger than the package allows.
    """
    network = Network()
    network.load_state_dict(torch.load(run / "weights.pt", weights_only=True), strict=False)
    state = {name: value.numpy() for name, value in network.state_dict().items()}
    encoder = {name.removeprefix("encoder."): value for name, value in state.items() if name.startswith("encoder.")}
    base = plan(default_folder())
    assert base is not None
    found = variables_of(encoder, base, "int8", typed=True)
    layers = {name: value for name, value in found.items() if not name.startswith(_FROZEN) and value.ndim}
    heads = {name: value for name, value in state.items() if not name.startswith("encoder.")}
    small = {name: value.astype(np.float16) if name in heads else value for name, value in (layers | heads).items()}
    return _write(small, to, calibration)


def export_large(run: Path, to: Path, calibration: dict[str, float]) -> int:
    """Write the weights of a run of the second network; return the bytes of the file. Raises: ValueError, as above."""
    trained = torch.load(run / "weights.pt", weights_only=True)
    kept = {name: value.numpy().astype(np.float16) for name, value in trained.items()}
    return _write(kept, to, calibration)


def _write(weights: dict[str, NDArray[Any]], to: Path, calibration: dict[str, float]) -> int:
    metadata = {"calibration": json.dumps(calibration), "inputs": inputs.digest()}
    file = save({name: np.ascontiguousarray(value) for name, value in weights.items()}, metadata)
    if len(file) > MOST_BYTES:
        raise ValueError(f"{to} would have {len(file):,} bytes, at most {MOST_BYTES:,} are shipped")
    return to.write_bytes(file)


def weights_in(file: Path) -> dict[str, torch.Tensor]:
    """Return the weights of a file that `export` wrote, by the names of `Network`, to continue training.

    Raises:
        SafetensorError, OSError: the file is missing or damaged.
        KeyError: it has other layers.
    """
    stored = {name: value.astype(np.float32) for name, value in load_file(file).items()}
    found = {name: value for name, value in stored.items() if not name.startswith("encoder/")}
    found["encoder.embeddings.token_type_embeddings.weight"] = stored["encoder/embeddings_1/weight"]
    base = plan(default_folder())
    assert base is not None
    for number in range(base.layers):
        ours, theirs = f"encoder/layer_{number}", f"encoder.encoder.layer.{number}"
        attention = f"{theirs}.attention"
        heads = [f"{attention}.self.{part}" for part in ("query", "key", "value")]
        for layer, names in (
            ("self_attention/linear_0", heads),
            ("self_attention/linear_1", [f"{attention}.output.dense"]),
            ("ffn/linear_0", [f"{theirs}.intermediate.dense"]),
            ("ffn/linear_1", [f"{theirs}.output.dense"]),
        ):
            rows = stored[f"{ours}/{layer}/weight"] / stored[f"{ours}/{layer}/weight_scale"][:, np.newaxis]
            biases = stored[f"{ours}/{layer}/bias"]
            for name, weight, bias in zip(names, np.split(rows, len(names)), np.split(biases, len(names)), strict=True):
                found |= {f"{name}.weight": weight, f"{name}.bias": bias}
        for layer, name in (
            ("self_attention/layer_norm", f"{attention}.output.LayerNorm"),
            ("ffn/layer_norm", f"{theirs}.output.LayerNorm"),
        ):
            found |= {f"{name}.weight": stored[f"{ours}/{layer}/gamma"], f"{name}.bias": stored[f"{ours}/{layer}/beta"]}
    return {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in found.items()}


def main() -> None:
    """Export with the options of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("run", type=Path, help="folder that train.py wrote")
    parser.add_argument("--to", type=Path, help="by default the file in the package")
    parser.add_argument("--large", action="store_true", help="the run trained the second network")
    options = parser.parse_args()
    fitted = options.run / "calibration.json"
    calibration = json.loads(fitted.read_text()) if fitted.exists() else {}
    to = options.to or (WEIGHTS_AGAIN if options.large else WEIGHTS)
    write = export_large if options.large else export
    print(f"{write(options.run, to, calibration):,} bytes in {to}")


if __name__ == "__main__":
    main()
