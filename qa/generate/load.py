"""The one door to language models: a `--model` value -> `Generator`.

Knows which kind of model is run by which engine. Torch and transformers are imported only to run a model with them.
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
        engine: what runs a local model: "int8" is CTranslate2 on the CPU, "torch" is transformers, "auto" the faster of
            those that the model and the device allow.
        device: "cpu", "cuda", "cuda:1", ... or "auto"; for local models.
        threads: CPU threads of the engine; as many as there are cores for this process without.
        cache: citewire's cache folder; the user's own without.
        api_key: sent to a server, and nowhere else.
        progress: gets what is being done, and the bytes of it.

    Raises:
        ModelError: unknown, not fetched, corrupt, too large, or a server that does not answer.
    """
    source = resolve(model, cache)
    if isinstance(source, ServerModel):
        from citewire.qa.generate.http import OpenAIGenerator

        return OpenAIGenerator(source.url, source.model, api_key=api_key)
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

    With "auto" that is 8 bits for models of the catalogue, all of which CTranslate2 can run, where there is no GPU.
    """
    if engine != "auto":
        return "int8" if engine == "int8" else "float32"
    if not isinstance(source, GgufModel) or source.entry is None or device not in ("auto", "cpu"):
        return "float32"
    from citewire.qa.generate.int8 import has_gpu

    return "int8" if device == "cpu" or not has_gpu() else "float32"
