"""The one door to language models: a `--model` value -> `Generator`.

Knows which kind of model needs which generator. Torch and transformers are imported only to load a local
one.
"""

from __future__ import annotations

from pathlib import Path

from citewire.qa.files import Progress, quiet
from citewire.qa.models import ServerModel, resolve, weights_folder
from citewire.qa.types import Generator


def load_generator(
    model: str,
    *,
    device: str = "auto",
    threads: int | None = None,
    cache: Path | None = None,
    api_key: str | None = None,
    progress: Progress = quiet,
) -> Generator:
    """Return the model, loaded and ready.

    Args:
        model: a catalogue name, a folder, a GGUF file, a server's URL or a hub id; see `models.resolve`.
        device: "cpu", "cuda", "cuda:1", ... or "auto"; for local models.
        threads: CPU threads of torch in this process; its own default without.
        cache: citewire's cache folder; the user's own without.
        api_key: sent to a server, and nowhere else.
        progress: gets what is being done, and the bytes of it.

    Raises:
        ModelError: unknown, not fetched, corrupt, too large, or a server that does not answer.
    """
    source = resolve(model, cache)
    if isinstance(source, ServerModel):
        from citewire.qa.generate_http import OpenAIGenerator

        return OpenAIGenerator(source.url, source.model, api_key=api_key)
    folder = weights_folder(source, cache, progress)
    progress("loading", 0, 0)
    from citewire.qa.generate_local import TransformersGenerator

    return TransformersGenerator(folder, name=source.name, device=device, threads=threads)
