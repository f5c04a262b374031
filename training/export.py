"""Put trained weights into the package: the encoder's layers in 8 bits, the heads in 16, as qa/reader.safetensors.

    python training/export.py RUN [--to qa/reader.safetensors]

The embeddings stay out: they are the published ones, which the embedder's package has. `calibrate.py` writes how
logits become probabilities.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from network import Network
from safetensors.numpy import save

from citewire.index.embed import default_folder
from citewire.index.embed_fast import plan, variables_of
from citewire.qa import inputs

MOST_BYTES = 12_000_000
_FROZEN = ("encoder/embeddings_0", "encoder/position_encodings", "encoder/layernorm_embedding")


def export(run: Path, to: Path, calibration: dict[str, float]) -> int:
    """Write the weights of a run; return the bytes of the file.

    Raises:
        ValueError: it would be larger than what the package takes.
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
    metadata = {"calibration": json.dumps(calibration), "inputs": inputs.digest()}
    file = save({name: np.ascontiguousarray(value) for name, value in small.items()}, metadata)
    if len(file) > MOST_BYTES:
        raise ValueError(f"{to} would have {len(file):,} bytes, at most {MOST_BYTES:,} are shipped")
    return to.write_bytes(file)


def main() -> None:
    """Export as the command line says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("run", type=Path, help="folder that train.py wrote")
    parser.add_argument("--to", type=Path, default=Path("qa/reader.safetensors"))
    options = parser.parse_args()
    fitted = options.run / "calibration.json"
    calibration = json.loads(fitted.read_text()) if fitted.exists() else {}
    print(f"{export(options.run, options.to, calibration):,} bytes in {options.to}")


if __name__ == "__main__":
    main()
