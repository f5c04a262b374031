"""Load a language model: a `--model` value -> `Generator`.

Knows which engine runs which kind of model. Torch and transformers are imported only if they run the model.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from citewire.index.types import Progress
from citewire.qa.models.cache import FolderModel, GgufModel, HubModel, ServerModel, resolve, weights_folder
from citewire.qa.models.convert import Form
from citewire.qa.models.files import quiet
from citewire.qa.types import Generator

Engine = Literal["auto", "int8", "torch"]


def load_generator(
    model: str,
    *,
    engine: Engine = "auto",
    device: str = "auto",
    threads: int | None = None,
    cache: Path | None = None,
    api_key: str | None = None,
    progress: Progress = quiet,
) -> Generator:
    """Return the model, loaded and ready.

    Args:
        model: a catalogue name, a folder, a GGUF file, a server's URL or a hub id; see `models.resolve`.
        engine: for local models: "int8" is CTranslate2 on the CPU, "torch" is transformers, "auto" the faster one that
            the model and the device allow.
        device: for local models: "cpu", "cuda", "cuda:1", ... or "auto".
        threads: CPU threads of the engine; None for one per core of this process.
        cache: citewire's cache folder; None for the user's default.
        api_key: sent to a server only.
        progress: called with (what is being done, bytes done, bytes in all).

    Raises:
        ModelError: unknown, not fetched, corrupt, too large, or a server that does not answer.
    """
    source = resolve(model, cache)
    if isinstance(source, ServerModel):
        from citewire.qa.generate.http import OpenAIGenerator

        return OpenAIGenerator(source.urls, source.model, api_key=api_key)
    form = form_of(source, engine, device)
    folder = weights_folder(source, cache, progress, form=form)
    progress("loading", 0, 0)
    if form == "int8":
        from citewire.qa.generate.int8 import Int8Generator

        return Int8Generator(folder, name=source.name, threads=threads)
    from citewire.qa.generate.local import TransformersGenerator

    return TransformersGenerator(folder, name=source.name, device=device, threads=threads)


def form_of(source: FolderModel | GgufModel | HubModel, engine: Engine, device: str) -> Form:
    """Return the form of a model that `load_generator` runs.

    "auto" means 8 bits for catalogue models, all of which CTranslate2 can run, if no GPU is used.
    """
    if engine != "auto":
        return "int8" if engine == "int8" else "float32"
    if not isinstance(source, GgufModel) or source.entry is None or device not in ("auto", "cpu"):
        return "float32"
    from citewire.qa.generate.int8 import has_gpu

    return "int8" if device == "cpu" or not has_gpu() else "float32"
