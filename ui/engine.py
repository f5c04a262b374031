"""Builds the parts of citewire from the settings: embedder, index, language model, answerer.

Knows which setting each part needs; prints nothing. Importing it is cheap; its functions import the models' libraries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from citewire.index import embed, on_ray
from citewire.index.address import local_folder
from citewire.index.articles import ReadOptions
from citewire.index.build import BuildReport, build_index
from citewire.index.documents import Limits
from citewire.index.errors import InputError, ModelError
from citewire.index.options import SearchOptions
from citewire.index.scope import require_match
from citewire.index.search import Reranker, search
from citewire.index.store import Index
from citewire.index.types import Embedder, Filters, Progress
from citewire.index.workers import HERE
from citewire.ui import uploads
from citewire.ui.settings import AnswerSettings, SearchSettings, Settings

if TYPE_CHECKING:
    from citewire.qa.answer import Answerer
    from citewire.qa.evaluate.runs import Row
    from citewire.qa.reader import Reader
    from citewire.qa.types import Generator
    from citewire.ui.chat import Chat, Loaded, ModelChoice
    from citewire.ui.corpus import Corpus
    from citewire.ui.search_routes import Library

# Display name -> model; visitors choose between them if both are fetched.
CHOICE = {"fast": "qwen2.5-coder-0.5b", "careful": "qwen2.5-coder-1.5b"}
# Settings that decide an answer; the folder of the models and their speed do not.
DECIDING = {"engine", *AnswerSettings.model_fields, *SearchSettings.model_fields}
DEFAULT_EMBEDDER = Settings.model_fields["embedder"].default

# Examples on the empty page for the sample articles, which do not answer the last one.
SAMPLE_QUESTIONS = (
    "Which miner had the lowest all-in cash cost per coin?",
    "Why is Kazakhstan attractive to bitcoin miners?",
    "How many people does Canaan employ?",
)


def load_embedder(chosen: Settings) -> Embedder:
    """Return the embedder; its weights are loaded at first use.

    Raises:
        ModelError: the folder is missing or holds no such model.
    """
    folder = None if chosen.embedder == DEFAULT_EMBEDDER else Path(chosen.embedder)
    return embed.load_embedder(folder, device=chosen.device, threads=chosen.threads)


def index_articles(
    chosen: Settings, articles: Sequence[Path | str], embedder: Embedder, report: Progress, *, mirror: bool = True
) -> BuildReport:
    """Index the articles.

    Args:
        chosen: the settings.
        articles: files, folders and web addresses.
        embedder: the embedder of the index.
        report: receives the progress.
        mirror: whether all other articles are removed from the index, except uploaded ones.

    Raises:
        InputError: there are no articles, or a path, an address or the index folder cannot be used.
        ModelError: the embedder cannot be used.
    """
    if not articles:
        fix = "Name files or folders: citewire index PATH, or set CITEWIRE_ARTICLES"
        raise InputError("There are no articles to index", fix)
    if mirror:  # keep what was uploaded on the page
        articles = [*articles, *uploads.kept(local_folder(chosen.index))]
    on = on_ray.connected(chosen.index_on, chosen.threads) if chosen.index_on else nullcontext(HERE)
    with on as workers:
        options = read_options(chosen)
        return build_index(articles, chosen.index, embedder, report, mirror=mirror, options=options, workers=workers)


def read_options(chosen: Settings) -> ReadOptions:
    """Return how files are read."""
    limits = Limits(
        bytes=chosen.max_file_bytes,
        characters=chosen.max_article_chars,
        seconds=chosen.max_parse_seconds,
        memory=chosen.max_parse_memory,
        articles=chosen.max_file_articles,
        total_characters=chosen.max_file_chars,
        total_seconds=chosen.max_file_seconds,
    )
    return ReadOptions(fields=chosen.fields, limits=limits, allow_web=chosen.allow_web)


def open_index(chosen: Settings, embedder: Embedder) -> Index:
    """Open the index.

    Args:
        chosen: the settings.
        embedder: the one that the index was made with.

    Raises:
        InputError: there is no index.
        IndexFormatError: it has another format or embedder, or is damaged.
    """
    return Index.open(chosen.index, embedder)


def prepare_model(model: str, chosen: Settings, report: Progress) -> None:
    """Download, verify and convert a model, as far as that is not done yet.

    Args:
        model: a value of `--model`, or the name of the reader's weights; nothing is done for a server.
        chosen: the settings.
        report: receives the stage, and the bytes done and in total.

    Raises:
        ModelError: the model is unknown, cannot be downloaded, has a wrong checksum, or the disk is full.
    """
    from citewire.qa.generate import load
    from citewire.qa.models import cache
    from citewire.qa.models.catalogue import CATALOGUE

    if model.lower() in CATALOGUE:
        cache.fetch(model, chosen.cache, report)
        if CATALOGUE[model.lower()].reads:
            return
    source = cache.resolve(model, chosen.cache)
    if not isinstance(source, cache.ServerModel):
        form = load.form_of(source, chosen.engine, chosen.device)
        cache.weights_folder(source, chosen.cache, report, form=form)


def prepare_reader(chosen: Settings, report: Progress) -> None:
    """Download and verify the weights of the large reader, if the settings may use it.

    Args:
        chosen: the settings.
        report: receives the stage, and the bytes done and in total.

    Raises:
        ModelError: they cannot be downloaded, have a wrong checksum, or the disk is full.
    """
    from citewire.qa.models import cache

    if chosen.reader != "small":
        cache.fetch(cache.READER.name, chosen.cache, report)


def load_generator(chosen: Settings, report: Progress, *, apart: bool = False) -> Generator:
    """Load the language model.

    Args:
        chosen: the settings.
        report: receives the stage, and the bytes done and in total.
        apart: whether a local model runs in a child process, so that a crash of it does not end this one.

    Raises:
        ModelError: the model is unknown, not fetched or corrupt, or its server does not answer.
    """
    from citewire.qa.generate import load
    from citewire.qa.models import cache

    if apart and not isinstance(cache.resolve(chosen.model, chosen.cache), cache.ServerModel):
        from citewire.qa.generate.child import ChildGenerator

        return ChildGenerator(
            model=chosen.model, engine=chosen.engine, device=chosen.device, threads=chosen.threads,
            cache=str(chosen.cache),
        )  # fmt: skip
    return load.load_generator(
        chosen.model,
        engine=chosen.engine,
        device=chosen.device,
        threads=chosen.threads,
        cache=chosen.cache,
        api_key=chosen.api_key.get_secret_value() if chosen.api_key else None,
        progress=report,
    )


def choice(chosen: Settings) -> ModelChoice | None:
    """Return the choice between the models of `CHOICE`; None unless one is the settings' model and both are fetched."""
    from citewire.qa.models import cache
    from citewire.qa.models.files import quiet
    from citewire.ui.chat import ModelChoice

    usual = next((called for called, name in CHOICE.items() if name == chosen.model.lower()), "")
    fetched = {one.name for one in cache.list_models(chosen.cache) if one.state in ("fetched", "converted")}
    if not usual or not fetched.issuperset(CHOICE.values()):
        return None
    (other,) = (name for called, name in CHOICE.items() if called != usual)
    return ModelChoice(
        CHOICE, usual, lambda: load_generator(chosen.model_copy(update={"model": other}), quiet, apart=True)
    )


def search_options(chosen: Settings) -> SearchOptions:
    """Return the search options; a 0 in the settings means any number.

    Raises:
        InputError: the last day comes before the first.
    """
    return SearchOptions(
        k=chosen.passages,
        filters=Filters(
            published_from=chosen.published_from,
            published_to=chosen.published_to,
            outlets=chosen.outlets,
            authors=chosen.authors,
            articles=chosen.only_articles,
            metadata=chosen.where,
        ),
        per_article=chosen.per_article or None,
        per_group=chosen.per_group or None,
        copies=chosen.copies or None,
        recency=chosen.recency,
        half_life=chosen.half_life,
        as_of=chosen.as_of,
    )


def load_reranker(chosen: Settings) -> Reranker | None:
    """Return the reranker, None if none is set; its weights are loaded at first use.

    Raises:
        ModelError: the folder is missing or holds no such model.
    """
    if chosen.reranker is None:
        return None
    return embed.CrossEncoderReranker(chosen.reranker, device=chosen.device, threads=chosen.threads)


def library(chosen: Settings, corpus: Corpus, embedder: Embedder, chat: Chat) -> Library:
    """Return the library for search and article requests, with the settings' search options.

    Args:
        chosen: the settings.
        corpus: the articles.
        embedder: the one that the index was made with.
        chat: checks the length of questions.

    Raises:
        InputError: see `search_options`.
        ModelError: the reranker cannot be used.
    """
    from citewire.ui.search_routes import Library

    reranker = load_reranker(chosen)
    return Library(
        corpus,
        search_options(chosen),
        lambda index, question, options: search(index, embedder, question, options, reranker),
        require_match,
        chat.check_text,
    )


def load_reader(chosen: Settings) -> Reader:
    """Return the reader, which finds answers and verifies claims.

    Raises:
        ModelError: it is damaged, or the settings require the large reader, which is not fetched.
    """
    from citewire.qa import reader
    from citewire.qa.models import cache

    published = None if chosen.reader == "small" else cache.reader_weights(chosen.cache)
    if chosen.reader == "large" and published is None:
        fix = f"Fetch it: citewire models fetch {cache.READER.name}"
        raise ModelError(f"The large reader's {cache.READER.name} is not here yet", fix)
    return reader.load_reader(chosen.threads, published)


def check_search(chosen: Settings, index: Index) -> None:
    """Check the search settings before the language model is loaded, which takes longer.

    Raises:
        InputError: a filter names something that no article has, or no article passes the filters.
        ModelError: the reranker cannot be used.
    """
    load_reranker(chosen)
    require_match(index, search_options(chosen))


def answerer(chosen: Settings, index: Index, embedder: Embedder, generator: Generator) -> Answerer:
    """Return the answerer for the index, with the options of the settings.

    Args:
        chosen: the settings.
        index: an open index.
        embedder: the one that the index was made with; its weights are loaded now.
        generator: the language model.

    Raises:
        InputError: see `search_options`.
        ModelError: the embedder, the reader or the reranker cannot be used.
    """
    from citewire.qa.answer import Answerer, AnswerOptions

    embedder.embed(["ready"])  # loads the weights now, not at the first question
    if reranker := load_reranker(chosen):
        reranker.score("ready", ["ready"])
    options = AnswerOptions(
        search=search_options(chosen),
        max_tokens=chosen.max_tokens,
        max_prompt_tokens=chosen.max_prompt_tokens,
        max_question_chars=chosen.max_question_chars,
        unsupported=chosen.unsupported,
        cached=chosen.cached_answers,
        writes=not chosen.read_only,
    )
    return Answerer(index, embedder, generator, load_reader(chosen), options, reranker)


def loaded(answerer: Answerer, index: Index, embedder: Embedder, generator: Generator) -> Loaded:
    """Return the index and models in the form that `Chat` needs.

    Args:
        answerer: the answerer for `index`.
        index: an open index.
        embedder: the one that the index was made with.
        generator: the language model of `answerer`.
    """
    from citewire.qa.suggest import Suggester
    from citewire.qa.verdicts import Checker
    from citewire.ui.chat import Loaded

    def over(another: Index) -> Loaded:
        return loaded(answerer.over(another), another, embedder, generator)

    def within(articles: Sequence[str]) -> Loaded:
        part = index.within(articles)
        return loaded(answerer.over(part, writes=False), part, embedder, generator)

    def by(another: Generator) -> Loaded:
        return loaded(answerer.with_generator(another), index, embedder, another)

    def examine(seed: int, stopped: Callable[[], bool]) -> Iterator[Row | None]:
        from citewire.qa.evaluate import made, runs

        source = runs.Source(index, answerer)
        evaluator = runs.Evaluator(Checker(answerer.reader), answerer.options.search, source)
        return made.rows(suggester, evaluator, seed, stopped=stopped)

    suggester = Suggester(answerer, index, embedder, generator)
    return Loaded(
        answerer, index, generator.name, answerer.options.search, suggester.suggest, over, answerer.warm_up,
        answerer.about, by, examine, within,
    )  # fmt: skip


def deciding(chosen: Settings, model: str, generation: int | None) -> dict[str, Any]:
    """Return all that decides an answer, by name; it identifies an evaluation.

    Args:
        chosen: the settings.
        model: the name of the loaded model.
        generation: generation of the index, None if no index is used.
    """
    from citewire.qa.evaluate.runs import code_digest

    return {
        "model": model,
        "embedder": chosen.embedder,
        "settings": chosen.model_dump(mode="json", include=DECIDING),
        "index": None if generation is None else {"folder": str(chosen.index), "generation": generation},
        "code": code_digest(),
    }


def samples() -> Path:
    """Return the folder of the sample articles that come with citewire."""
    # In an editable install the package consists of links; the articles lie beside the targets.
    return Path(str(files("citewire.seeds") / "__init__.py")).resolve().parent


def examples(index: Index) -> tuple[str, ...]:
    """Return example questions for the empty page, () unless the index holds exactly the sample articles."""
    indexed = {article.path for article in index.articles()}
    return SAMPLE_QUESTIONS if indexed == {file.name for file in samples().glob("*.txt")} else ()
