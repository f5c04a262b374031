"""The settings of citewire: defaults, then a TOML file, then the environment, then flags; later ones win.

Knows the name, limits and meaning of each setting and the origin of its value, not its use: every other module gets
plain values as arguments, and none reads the environment.

    citewire.toml           [in the working directory, or --config FILE, or CITEWIRE_CONFIG]
        port = 7861
    CITEWIRE_PORT=7862      [the environment]
    --port 7863             [a flag]
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

import platformdirs
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, PlainSerializer, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from citewire.index.address import Address, location
from citewire.index.cores import usable_cores
from citewire.index.documents import Limits, is_web_address
from citewire.index.errors import InputError
from citewire.index.formats import FIELDS

PREFIX = "CITEWIRE_"
CONFIG_VARIABLE = "CITEWIRE_CONFIG"
CONFIG_FILE = Path("citewire.toml")

_LIMITS = Limits()

_ROOT_PATH = re.compile(r"(?:/[A-Za-z0-9_-]+)*")

PASSWORD_CHARS = 8  # shortest password

Origin = str  # "default", "--port", "CITEWIRE_PORT" or the path of the settings file


def _sources(value: object) -> object:
    """Parse one source, a list, or several joined by `:` as in PATH; a web address stays a string."""
    if isinstance(value, str):
        value = [part for part in re.split(re.escape(os.pathsep) + "(?!//)", value) if part]
    if isinstance(value, list | tuple):
        return tuple(Path(one) if isinstance(one, str) and not is_web_address(one) else one for one in value)
    return value


def _fields(value: object) -> object:
    """Parse a table, a list of "name=column", or several of these joined by `,`."""
    if isinstance(value, str):
        value = [part for part in value.split(",") if part]
    if isinstance(value, list):
        pairs = [str(part).partition("=") for part in value]
        if wrong := next((part for part, (_, equals, _) in zip(value, pairs, strict=True) if not equals), None):
            raise ValueError(f"{wrong!r} is not of the form NAME=COLUMN")
        value = {name.strip(): column.strip() for name, _, column in pairs}
    if isinstance(value, dict):
        for name, column in value.items():
            if name not in FIELDS:
                raise ValueError(f"{name!r} is no field of an article; these are: {', '.join(FIELDS)}")
            if not column:
                raise ValueError(f"{name!r} is given no column")
    return value


def _names(value: object) -> object:
    """Parse a list of names, or several joined by `;`, as names of people and outlets may contain a comma."""
    if isinstance(value, str):
        value = [name.strip() for name in value.split(";") if name.strip()]
    if isinstance(value, list | tuple) and any(isinstance(name, str) and not name.strip() for name in value):
        raise ValueError("a name is empty")
    return value


def _where(value: object) -> object:
    """Parse a table, a list of "key=value", or several of these joined by `;`."""
    if isinstance(value, str):
        value = [pair for pair in value.split(";") if pair.strip()]
    if isinstance(value, list):
        table: dict[str, str] = {}
        for pair in value:
            key, equals, wanted = (part.strip() for part in str(pair).partition("="))
            if not (key and equals and wanted):
                raise ValueError(f"{pair!r} is not of the form KEY=VALUE")
            if table.setdefault(key, wanted) != wanted:
                raise ValueError(f"{key!r} cannot be both {table[key]!r} and {wanted!r}")
        return table
    return value


def _index(value: object) -> object:
    return location(value) if isinstance(value, str) else value


def _day(value: str) -> str:
    from citewire.index.dates import is_day  # imports longer than this whole module

    if value and not is_day(value):
        raise ValueError(f"{value!r} is no day; write it as YYYY-MM-DD")
    return value


def _root_path(value: str) -> str:
    if not _ROOT_PATH.fullmatch(value):
        raise ValueError(f"{value!r} is no path such as /citewire, of letters, digits, -, _ and single slashes")
    return value


def _proxies(value: str) -> str:
    for one in filter(None, map(str.strip, value.split(","))):
        try:
            everybody = not ip_network(one).prefixlen
        except ValueError:
            raise ValueError(f"{one!r} is no address such as 10.0.0.2 and no network such as 10.0.0.0/24") from None
        if everybody:
            raise ValueError(f"{one!r} is every address, and whoever asks could name any other as theirs")
    return value


def _password(value: SecretStr) -> SecretStr:
    given = value.get_secret_value()
    if len(given) < PASSWORD_CHARS:
        raise ValueError(f"it has {len(given)} characters, and {PASSWORD_CHARS} are the least")
    if given != given.strip() or not given.isprintable():  # HTTP headers keep neither
        raise ValueError("it has blanks at an end, or characters that cannot be printed")
    return value


def _index_on(value: str) -> str:
    if value not in ("", "ray") and not re.fullmatch(r"[^\s/:]+:[0-9]{1,5}", value):
        raise ValueError(f"{value!r} is neither ray nor an address of Ray such as 10.0.0.2:6379")
    return value


def _as_of(value: str) -> str:
    return value if value == "newest" else _day(value)


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names)]
Day = Annotated[str, AfterValidator(_day)]
Passages = Annotated[int, Field(ge=1, le=100)]
HalfLife = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class ReadingSettings(BaseModel):
    """The sources of articles, and limits on reading them."""

    articles: Annotated[tuple[Path | str, ...], NoDecode, BeforeValidator(_sources)] = Field(
        default=(), description="files, folders and web addresses of articles; a list, or joined by ':'"
    )
    allow_web: bool = Field(
        default=False, description="whether web addresses are fetched, among the articles or added on the page"
    )
    fields: Annotated[dict[str, str], NoDecode, BeforeValidator(_fields)] = Field(
        default_factory=dict,
        description=f"columns of .jsonl, .json and .csv files, NAME=COLUMN each, by the names {' '.join(FIELDS)};"
        " without one the usual names are tried",
        json_schema_extra={"flag": "--field", "metavar": "NAME=COLUMN"},
    )
    max_file_bytes: int = Field(
        default=_LIMITS.bytes, ge=1, description="largest article file, and largest file inside one, in bytes"
    )
    max_file_articles: int = Field(default=_LIMITS.articles, ge=1, description="most articles of one file")
    max_file_chars: int = Field(
        default=_LIMITS.total_characters, ge=1, description="longest texts of one file together, in characters"
    )
    max_file_seconds: float = Field(
        default=_LIMITS.total_seconds,
        gt=0,
        allow_inf_nan=False,
        description="longest time to read one file, a zip with all its members, in seconds",
    )
    max_article_chars: int = Field(default=_LIMITS.characters, ge=1, description="longest article, in characters")
    max_parse_seconds: float = Field(
        default=_LIMITS.seconds, gt=0, allow_inf_nan=False, description="longest time to read an article, in seconds"
    )
    max_parse_memory: int = Field(
        default=_LIMITS.memory, ge=1, description="most memory to read an article file, in bytes"
    )
    max_uploads_bytes: int = Field(
        default=2_000_000_000, ge=0, description="room for all files that are added on the page together, in bytes"
    )
    index_on: Annotated[str, AfterValidator(_index_on)] = Field(
        default="",
        description="where `citewire index` parses and embeds: ray is a Ray on this machine with `threads` processes,"
        " HOST:PORT a Ray cluster that this machine belongs to; without one in the command's own process",
        json_schema_extra={"flag": "--on", "metavar": "ray|HOST:PORT"},
    )
    watching: Literal["auto", "poll"] = Field(
        default="auto",
        description="how --watch sees changes: auto is told by the system, but looks on network disks; poll looks",
    )


class ModelSettings(BaseModel):
    """The index, and the models and how they run."""

    index: Annotated[Path | Address, BeforeValidator(_index), PlainSerializer(str)] = Field(
        default=Path(".citewire/index"),
        description="folder of the index, or a PostgreSQL database with pgvector: postgresql://user@host:port/database",
        json_schema_extra={"metavar": "PATH"},
    )
    cache: Path = Field(
        default_factory=lambda: platformdirs.user_cache_path("citewire"),
        description="folder that keeps the models",
        json_schema_extra={"default": "~/.cache/citewire"},
    )
    model: str = Field(
        default="qwen2.5-coder-0.5b",
        min_length=1,
        description="language model: a name of `citewire models list`, a folder, a GGUF file, a hub id or the"
        " URL of an OpenAI-compatible server (of several: URL,URL#NAME)",
    )
    embedder: str = Field(
        default="all-minilm-l6-v2", min_length=1, description="embedding model: all-minilm-l6-v2 or a folder"
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", description="where the models run; auto takes CUDA if there"
    )
    engine: Literal["auto", "int8", "torch"] = Field(
        default="auto",
        description="what runs a local language model: int8 is CTranslate2 on the CPU, torch is transformers, auto the"
        " faster one that can",
    )
    reader: Literal["auto", "small", "large"] = Field(
        default="auto",
        description="what reads the articles: large reads the likeliest sentences again with all-mpnet-base-v2, auto"
        " does where that was fetched",
    )
    threads: int = Field(
        default_factory=usable_cores,
        ge=1,
        le=1024,
        description="CPU threads of the models",
        json_schema_extra={"default": "all cores"},
    )
    api_key: SecretStr | None = Field(default=None, description="key for an OpenAI-compatible server; never printed")
    max_answer_seconds: float = Field(
        default=120, gt=0, allow_inf_nan=False, description="longest time that the page works on an answer, in seconds"
    )
    cached_answers: int = Field(
        default=128, ge=0, le=100_000, description="answers kept in memory for when the same is asked again; 0 for none"
    )


class FilterSettings(BaseModel):
    """Which articles a question is answered from."""

    published_from: Day = Field(
        default="",
        description="answer only from articles of this day, YYYY-MM-DD, or later",
        json_schema_extra={"flag": "--from", "metavar": "DAY"},
    )
    published_to: Day = Field(
        default="",
        description="answer only from articles of this day, YYYY-MM-DD, or earlier",
        json_schema_extra={"flag": "--to", "metavar": "DAY"},
    )
    outlets: Names = Field(
        default=(),
        description="answer only from articles of these outlets; a variable joins them by ';'",
        json_schema_extra={"flag": "--outlet", "metavar": "NAME"},
    )
    authors: Names = Field(
        default=(),
        description="answer only from articles by these authors; a variable joins them by ';'",
        json_schema_extra={"flag": "--author", "metavar": "NAME"},
    )
    only_articles: Names = Field(
        default=(),
        description="answer only from these articles of the index; one that ends in / is all below it",
        json_schema_extra={"flag": "--article", "metavar": "PATH"},
    )
    where: Annotated[dict[str, str], NoDecode, BeforeValidator(_where)] = Field(
        default_factory=dict,
        description="answer only from articles whose metadata have these values, KEY=VALUE each",
        json_schema_extra={"metavar": "KEY=VALUE"},
    )


class SearchSettings(FilterSettings):
    """Which passages of these articles a question is answered from."""

    recency: Literal["auto", "off", "prefer", "only"] = Field(
        default="auto",
        description="auto prefers new articles where the question asks for news; prefer always; off never;"
        " only leaves out what is older than the half-life",
    )
    half_life: HalfLife = Field(
        default=14.0,
        description="days over which what an article's newness counts halves",
        json_schema_extra={"metavar": "DAYS"},
    )
    as_of: Annotated[str, AfterValidator(_as_of)] = Field(
        default="",
        description="day of the question, YYYY-MM-DD, or newest for that of the newest article; later articles are"
        ' left out and "last month" is counted from it',
        json_schema_extra={"metavar": "DAY"},
    )
    per_article: int = Field(
        default=0,
        ge=0,
        description="most passages of one article; 0 for any number",
        json_schema_extra={"metavar": "N"},
    )
    per_group: int = Field(
        default=0,
        ge=0,
        description="most passages of one article and its copies together; 0 for any number",
        json_schema_extra={"metavar": "N"},
    )
    copies: int = Field(
        default=1,
        ge=0,
        description="most of an article and its copies that passages are of; 0 for any number",
        json_schema_extra={"metavar": "N"},
    )
    reranker: Path | None = Field(
        default=None,
        description="folder of a CrossEncoder that reads the best passages again; without one none does",
        json_schema_extra={"metavar": "FOLDER"},
    )


class AnswerSettings(BaseModel):
    """Limits of an answer, its prompt and its question."""

    passages: Passages = Field(default=8, description="passages that a question is answered from")
    max_tokens: int = Field(default=160, ge=1, le=4096, description="longest answer, in the model's tokens")
    max_prompt_tokens: int = Field(default=1200, ge=256, le=131072, description="longest prompt, in the model's tokens")
    max_question_chars: int = Field(default=2000, ge=1, le=20000, description="longest question, in characters")
    unsupported: Literal["withheld", "marked", "kept"] = Field(
        default="withheld", description="what happens to a sentence that no quote supports"
    )


class PageSettings(BaseModel):
    """Where the page listens, who has access, and what it stores."""

    host: str = Field(default="127.0.0.1", min_length=1, description="address that the page listens on")
    port: int = Field(default=7860, ge=1, le=65535, description="port that the page listens on")
    root_path: Annotated[str, AfterValidator(_root_path)] = Field(
        default="",
        description="path below which a proxy shows the page, such as /citewire; it may take that off or pass it on",
        json_schema_extra={"metavar": "PATH"},
    )
    trusted_proxies: Annotated[str, AfterValidator(_proxies)] = Field(
        default="",
        description="addresses and networks of the proxies before the page, joined by ','; they say who asks"
        " (X-Forwarded-For) and whether over TLS (X-Forwarded-Proto), and nobody else is believed",
        json_schema_extra={"metavar": "ADDRESSES"},
    )
    password: Annotated[SecretStr, AfterValidator(_password)] | None = Field(
        default=None,
        description=f"what visitors and programs must know, {PASSWORD_CHARS} characters or more; never printed; needed"
        " where the page listens to other machines. Others on this machine can read a flag in the list of processes:"
        " CITEWIRE_PASSWORD is safer",
    )
    read_only: bool = Field(
        default=False, description="whether the page only answers: it takes no articles, removes none, keeps nothing"
    )
    conversations: Path = Field(
        default_factory=lambda: platformdirs.user_data_path("citewire") / "conversations.sqlite",
        description="file that keeps what was asked on the page, its answers and their ratings",
        json_schema_extra={"default": "~/.local/share/citewire/conversations.sqlite"},
    )


class LogSettings(BaseModel):
    """Where results and logs go."""

    runs: Path = Field(
        default=Path(".citewire/eval"), description="folder of the results of citewire eval, which the page draws"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="warning",
        description="the least serious log records that are written; by default info on the page",
    )
    log_file: Path | None = Field(default=None, description="file for logs; without one they go to standard error")
    log_questions: bool = Field(default=False, description="whether logs hold the text of questions and answers")


class Settings(LogSettings, PageSettings, AnswerSettings, SearchSettings, ModelSettings, ReadingSettings, BaseSettings):
    """All settings. `load` reads them from all sources; the constructor uses its arguments only."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", env_prefix=PREFIX)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Use only the constructor's arguments, so that settings made in code never depend on the environment."""
        return (init_settings,)


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """Settings with the origin of each value: "default", a file's path, an environment variable or a flag."""

    settings: Settings
    origins: Mapping[str, Origin]

    def rows(self) -> list[tuple[str, object, Origin, str]]:
        """Return (name, value, origin, description) of each setting; secrets are hidden, paths are strings."""
        return [
            (name, _printable(getattr(self.settings, name)), self.origins[name], field.description or "")
            for name, field in Settings.model_fields.items()
        ]


def describe(name: str) -> str:
    """Return the description of a setting, for the help of its flag."""
    return Settings.model_fields[name].description or ""


def flag(name: str) -> str:
    """Return the command-line flag of a setting."""
    return shown(name, "flag") or "--" + name.replace("_", "-")


def shown(name: str, what: str) -> str:
    """Return an extra of a setting's declaration, "" if it has none.

    Args:
        name: name of the setting.
        what: "metavar", the placeholder of its value in help texts; "flag", a flag not spelled like the setting;
            "default", a description of a default that depends on the machine.
    """
    extra = Settings.model_fields[name].json_schema_extra
    return str(extra.get(what, "")) if isinstance(extra, dict) else ""


def load(flags: Mapping[str, object] | None = None, config: Path | None = None) -> LoadedSettings:
    """Read the settings from all sources.

    Args:
        flags: values given on the command line by setting name; None and [] mean "not given".
        config: the TOML file; by default the one named by CITEWIRE_CONFIG, else citewire.toml if it exists.

    Raises:
        InputError: a key or variable is unknown, a value is out of range, or the file is missing or not TOML.
    """
    given = {name: value for name, value in (flags or {}).items() if value is not None and value != []}
    file = _config_file(config)
    layers = [
        (_from_file(file), dict.fromkeys(Settings.model_fields, str(file))),
        (_from_environment(), {name: PREFIX + name.upper() for name in Settings.model_fields}),
        (given, {name: flag(name) for name in Settings.model_fields}),
    ]
    values: dict[str, Any] = {}
    origins = dict.fromkeys(Settings.model_fields, "default")
    for layer, names in layers:
        values |= layer
        origins |= {name: names[name] for name in layer}
    try:
        return LoadedSettings(Settings(**values), origins)
    except ValidationError as error:
        raise _refused(error, origins) from None


def _config_file(config: Path | None) -> Path | None:
    named = config or (Path(os.environ[CONFIG_VARIABLE]) if os.environ.get(CONFIG_VARIABLE) else None)
    if named is None:
        return CONFIG_FILE if CONFIG_FILE.is_file() else None
    if not named.is_file():
        by = "--config" if config else CONFIG_VARIABLE
        raise InputError(f"The settings file {named} ({by}) does not exist", "Write it or name another one.")
    return named


def _from_file(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        values = TomlConfigSettingsSource(Settings, file)()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{file} is not TOML: {error}", "Correct that line.") from error
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}", "Allow reading it or name another.") from error
    for key in values:
        if key not in Settings.model_fields:
            raise _unknown(f"The key {key!r} in {file}", key, list(Settings.model_fields))
    return values


def _from_environment() -> dict[str, Any]:
    known = {PREFIX + name.upper() for name in Settings.model_fields} | {CONFIG_VARIABLE}
    for variable in os.environ:
        if variable.upper().startswith(PREFIX) and variable not in known:
            raise _unknown(f"The environment variable {variable}", variable.upper(), sorted(known))
    return EnvSettingsSource(Settings, case_sensitive=False)()


def _unknown(where: str, key: str, known: list[str]) -> InputError:
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    hint = f"Did you mean {near[0]}?" if near else "Remove it."
    return InputError(f"{where} is no setting of citewire", f"{hint} `citewire config` lists all of them.")


def _refused(error: ValidationError, origins: Mapping[str, Origin]) -> InputError:
    first = error.errors(include_url=False)[0]
    name = str(first["loc"][0])
    value = "(hidden)" if "SecretStr" in str(Settings.model_fields[name].annotation) else repr(first["input"])
    message = str(first["msg"])
    return InputError(
        f"{name} = {value} from {origins[name]}: {message[:1].lower()}{message[1:]}",
        f"Change it; {name} is: {describe(name)}.",
    )


def _printable(value: object) -> object:
    if isinstance(value, SecretStr):
        return "(set)"
    if isinstance(value, Path | Address):
        return str(value)
    if isinstance(value, tuple):
        return [str(item) for item in value]
    return value
