"""Settings: which source wins, which values are refused, and the messages."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import ValidationError

from citewire.index.documents import Limits
from citewire.index.errors import InputError
from citewire.index.options import Recency, SearchOptions
from citewire.index.types import Filters
from citewire.qa.answer import AnswerOptions
from citewire.ui import engine, settings
from citewire.ui.options import FLAGS
from citewire.ui.settings import Settings


def write(text: str, name: str = "citewire.toml") -> Path:
    file = Path(name)
    file.write_text(text, encoding="utf-8")
    return file


class TestSources:
    def test_without_any_source_all_are_defaults(self) -> None:
        loaded = settings.load()

        assert set(loaded.origins.values()) <= {"default", "CITEWIRE_CACHE"}
        assert loaded.settings.index == Path(".citewire/index")
        assert loaded.settings.model == "qwen2.5-coder-0.5b"
        assert (loaded.settings.host, loaded.settings.port) == ("127.0.0.1", 7860)
        assert loaded.settings.log_questions is False

    def test_file_then_environment_then_flag(self, monkeypatch: pytest.MonkeyPatch) -> None:
        file = write("port = 1001\npassages = 11\nmax_tokens = 111\n")
        monkeypatch.setenv("CITEWIRE_PASSAGES", "12")
        monkeypatch.setenv("CITEWIRE_MAX_TOKENS", "112")

        loaded = settings.load({"max_tokens": 113, "threads": None, "articles": []})

        chosen = loaded.settings
        assert (chosen.port, chosen.passages, chosen.max_tokens) == (1001, 12, 113)
        assert loaded.origins["port"] == str(file)
        assert loaded.origins["passages"] == "CITEWIRE_PASSAGES"
        assert loaded.origins["max_tokens"] == "--max-tokens"
        assert loaded.origins["threads"] == loaded.origins["articles"] == "default"

    @pytest.mark.parametrize("by", ["flag", "environment"])
    def test_named_file_replaces_the_one_in_the_working_directory(
        self, by: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write("port = 1001\npassages = 5\n")
        other = write("port = 1002\n", "other.toml")
        if by == "environment":
            monkeypatch.setenv("CITEWIRE_CONFIG", str(other))

        loaded = settings.load(config=other if by == "flag" else None)

        assert (loaded.settings.port, loaded.settings.passages) == (1002, 8)
        assert loaded.origins["port"] == "other.toml"

    def test_articles_as_a_list_in_the_file_and_joined_in_the_environment(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write('articles = ["one", "two"]\n')
        assert settings.load().settings.articles == (Path("one"), Path("two"))

        monkeypatch.setenv("CITEWIRE_ARTICLES", os.pathsep.join(["three", "/four"]))
        assert settings.load().settings.articles == (Path("three"), Path("/four"))

    def test_web_addresses_among_the_articles_stay_as_written(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CITEWIRE_ARTICLES", "https://example.org/a//b:news:http://example.org:2024")
        expected = ("https://example.org/a//b", Path("news"), "http://example.org", Path("2024"))
        assert settings.load().settings.articles == expected

        address = "https://example.org:8443/a"
        assert settings.load({"articles": [address, "news"]}).settings.articles == (address, Path("news"))

    def test_fields_as_a_table_joined_and_as_flags(self, monkeypatch: pytest.MonkeyPatch) -> None:
        write('allow_web = true\n[fields]\ntext = "words, all"\n')
        loaded = settings.load()
        assert (loaded.settings.allow_web, loaded.settings.fields) == (True, {"text": "words, all"})

        monkeypatch.setenv("CITEWIRE_FIELDS", "text=body, title = head=line")
        assert settings.load().settings.fields == {"text": "body", "title": "head=line"}

        loaded = settings.load({"fields": ["id=key"]})
        assert (loaded.settings.fields, loaded.origins["fields"]) == ({"id": "key"}, "--field")

    def test_filters_as_a_file_as_variables_and_as_flags(self, monkeypatch: pytest.MonkeyPatch) -> None:
        write(
            'outlets = ["Herald", "A; B"]\nauthors = "Ada Quill, PhD"\npublished_from = "2024-02-29"\n'
            'only_articles = ["wire/"]\ncopies = 0\n[where]\nsection = "a=b, c"\n'
        )
        chosen = settings.load().settings
        assert (chosen.outlets, chosen.authors) == (("Herald", "A; B"), ("Ada Quill, PhD",))
        assert (chosen.published_from, chosen.only_articles, chosen.copies) == ("2024-02-29", ("wire/",), 0)
        assert chosen.where == {"section": "a=b, c"}

        monkeypatch.setenv("CITEWIRE_OUTLETS", "Herald; The Post;")
        monkeypatch.setenv("CITEWIRE_WHERE", "section=Weather; k = v=w")
        monkeypatch.setenv("CITEWIRE_HALF_LIFE", "2.5")
        chosen = settings.load().settings
        assert (chosen.outlets, chosen.half_life) == (("Herald", "The Post"), 2.5)
        assert chosen.where == {"section": "Weather", "k": "v=w"}

        given = {"outlets": ["A; B"], "where": ["a=1", "b=2; c=3", "a=1"], "published_from": "2024-03-01"}
        loaded = settings.load({**given, "only_articles": ["x.txt"], "authors": [], "as_of": "newest"})
        chosen = loaded.settings
        assert (chosen.outlets, chosen.where) == (("A; B",), {"a": "1", "b": "2; c=3"})
        assert chosen.authors == ("Ada Quill, PhD",)
        flags = {name: loaded.origins[name] for name in ("outlets", "where", "published_from", "only_articles")}
        assert flags == {
            "outlets": "--outlet",
            "where": "--where",
            "published_from": "--from",
            "only_articles": "--article",
        }

    def test_limits_are_those_of_reading_unless_set(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def limits() -> Limits:
            chosen = settings.load().settings
            return Limits(
                *(chosen.max_file_bytes, chosen.max_article_chars, chosen.max_parse_seconds, chosen.max_parse_memory),
                *(chosen.max_file_articles, chosen.max_file_chars, chosen.max_file_seconds),
            )

        assert limits() == Limits()
        sizes = ("FILE_BYTES", "ARTICLE_CHARS", "PARSE_SECONDS", "PARSE_MEMORY")
        for name in (*sizes, "FILE_ARTICLES", "FILE_CHARS", "FILE_SECONDS"):
            monkeypatch.setenv(f"CITEWIRE_MAX_{name}", "7")
        assert limits() == Limits(7, 7, 7.0, 7, 7, 7, 7.0)

    def test_made_in_code_they_do_not_depend_on_the_machine(self, monkeypatch: pytest.MonkeyPatch) -> None:
        write("port = 1001\n")
        monkeypatch.setenv("CITEWIRE_PASSAGES", "12")

        assert (Settings().port, Settings().passages) == (7860, 8)

    def test_are_frozen(self) -> None:
        with pytest.raises(ValidationError, match="frozen"):
            Settings().port = 1


class TestRefusals:
    def test_unknown_key_in_the_file_with_the_nearest_one(self) -> None:
        write("prot = 7861\n")
        with pytest.raises(InputError, match=r"key 'prot' in citewire\.toml .*Did you mean port\?"):
            settings.load()

    def test_unknown_variable_with_the_nearest_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CITEWIRE_MODLE", "x")
        with pytest.raises(InputError, match=r"CITEWIRE_MODLE is no setting.*Did you mean CITEWIRE_MODEL\?"):
            settings.load()

    def test_variable_in_lower_case(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("citewire_port", "7861")
        with pytest.raises(InputError, match=r"citewire_port.*Did you mean CITEWIRE_PORT\?"):
            settings.load()

    @pytest.mark.parametrize(
        ("name", "value", "said"),
        [
            ("port", "abc", "valid integer"),
            ("port", "0", "greater than or equal to 1"),
            ("port", "65536", "less than or equal to 65535"),
            ("threads", "0", "greater than or equal to 1"),
            ("device", "tpu", "'auto', 'cpu' or 'cuda'"),
            ("unsupported", "hidden", "'withheld', 'marked' or 'kept'"),
            ("model", "", "at least 1 character"),
            ("log_questions", "perhaps", "valid boolean"),
            ("allow_web", "perhaps", "valid boolean"),
            ("watching", "never", "'auto' or 'poll'"),
            ("max_file_bytes", "0", "greater than or equal to 1"),
            ("max_article_chars", "-1", "greater than or equal to 1"),
            ("max_parse_seconds", "0", "greater than 0"),
            ("max_parse_seconds", "inf", "finite number"),
            ("max_parse_memory", "1.5", "valid integer"),
            ("published_from", "yesterday", "'yesterday' is no day; write it as YYYY-MM-DD"),
            ("published_from", "newest", "'newest' is no day"),
            ("published_to", "2024-02-30", "'2024-02-30' is no day"),
            ("as_of", "20240229", "'20240229' is no day"),
            ("recency", "hard", "'auto', 'off', 'prefer' or 'only'"),
            ("half_life", "0", "greater than 0"),
            ("half_life", "nan", "finite number"),
            ("per_article", "-1", "greater than or equal to 0"),
            ("per_group", "two", "valid integer"),
            ("copies", "-1", "greater than or equal to 0"),
            ("where", "section", "'section' is not of the form KEY=VALUE"),
            ("where", "section=", "'section=' is not of the form KEY=VALUE"),
            ("where", "=Weather", "'=Weather' is not of the form KEY=VALUE"),
            ("where", "a=1;a=2", "'a' cannot be both '1' and '2'"),
            ("fields", "words=text", "'words' is no field of an article; these are: text, title"),
            ("fields", "text=", "'text' is given no column"),
            ("fields", "text", "'text' is not of the form NAME=COLUMN"),
        ],
    )
    def test_value_out_of_range_names_key_value_and_source(
        self, name: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        variable = f"CITEWIRE_{name.upper()}"
        monkeypatch.setenv(variable, value)
        with pytest.raises(InputError) as caught:
            settings.load()
        assert caught.value.problem.startswith(f"{name} = {value!r} from {variable}: ")
        assert said in caught.value.problem
        assert settings.describe(name) in caught.value.fix

    @pytest.mark.parametrize("name", ["outlets", "authors", "only_articles"])
    def test_empty_names(self, name: str) -> None:
        with pytest.raises(
            InputError, match=rf"{name} = \['Herald', ' '\] from {settings.flag(name)}: .*name is empty"
        ):
            settings.load({name: ["Herald", " "]})

    def test_values_of_another_kind(self) -> None:
        write("[where]\nyear = 2024\n")
        with pytest.raises(InputError, match=r"where = 2024 from citewire\.toml: .*valid string"):
            settings.load()
        write("outlets = [1]\n")
        with pytest.raises(InputError, match=r"outlets = 1 from citewire\.toml: .*valid string"):
            settings.load()

    def test_key_is_not_in_the_error(self) -> None:
        write('api_key = ["secret-1"]\n')
        with pytest.raises(InputError) as caught:
            settings.load()
        assert "secret-1" not in str(caught.value)
        assert "api_key = (hidden)" in caught.value.problem

    def test_named_file_that_is_missing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(InputError, match=r"nowhere\.toml \(--config\) does not exist"):
            settings.load(config=Path("nowhere.toml"))
        monkeypatch.setenv("CITEWIRE_CONFIG", "gone.toml")
        with pytest.raises(InputError, match=r"gone\.toml \(CITEWIRE_CONFIG\) does not exist"):
            settings.load()

    def test_file_that_is_no_toml(self) -> None:
        write("port: 7861\n")
        with pytest.raises(InputError, match=r"citewire\.toml is not TOML: .*line 1"):
            settings.load()

    def test_file_in_another_encoding(self) -> None:
        Path("citewire.toml").write_bytes('model = "é"'.encode("latin-1"))
        with pytest.raises(InputError, match=r"citewire\.toml is not TOML"):
            settings.load()

    def test_file_that_cannot_be_read(self) -> None:
        with pytest.raises(InputError, match="does not exist"):
            settings.load(config=Path())  # a folder

    # The folder and the environment are the same for every example.
    @hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"])))
    def test_any_port_is_taken_or_refused_by_name(self, text: str) -> None:
        try:
            port = settings.load({"port": text}).settings.port
        except InputError as error:
            refused = error.problem
        else:
            assert port == int(text)
            return
        assert refused.startswith(f"port = {text!r} from --port: ")


class TestRows:
    def test_every_setting_has_a_meaning(self) -> None:
        assert all(meaning for *_, meaning in settings.load().rows())

    def test_key_is_never_shown(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CITEWIRE_API_KEY", "secret-1")
        loaded = settings.load()
        assert ("api_key", "(set)", "CITEWIRE_API_KEY", settings.describe("api_key")) in loaded.rows()
        assert "secret-1" not in repr(loaded)
        assert loaded.settings.api_key is not None
        assert loaded.settings.api_key.get_secret_value() == "secret-1"


class TestSearching:
    """From the settings of a search to its options."""

    def test_the_defaults_are_those_of_an_answer(self) -> None:
        assert engine.search_options(Settings()) == AnswerOptions().search
        assert AnswerOptions().search == SearchOptions(k=8, copies=1)
        assert get_args(Settings.model_fields["recency"].annotation) == get_args(Recency)

    def test_each_setting_reaches_the_search(self) -> None:
        chosen = settings.load(
            {"published_from": "2024-01-01", "published_to": "2024-12-31", "outlets": ["O"], "authors": ["A"]}
            | {"only_articles": ["x/"], "where": ["k=v"], "recency": "only", "half_life": "3", "as_of": "2024-06-01"}
            | {"per_article": 2, "per_group": 3, "copies": 0, "passages": 5}
        ).settings
        filters = Filters("2024-01-01", "2024-12-31", ("O",), ("A",), ("x/",), {"k": "v"})
        assert engine.search_options(chosen) == SearchOptions(5, filters, 2, 3, None, "only", 3.0, "2024-06-01")

    def test_days_in_the_wrong_order(self) -> None:
        with pytest.raises(InputError, match="from 2024-02-01 to 2024-01-01"):
            engine.search_options(Settings(published_from="2024-02-01", published_to="2024-01-01"))

    @pytest.mark.parametrize(
        ("name", "kind", "spelled", "metavar"),
        [
            ("device", str, "--device", "auto|cpu|cuda"),
            ("outlets", list[str], "--outlet", "NAME"),
            ("where", list[str], "--where", "KEY=VALUE"),
            ("reranker", Path, "--reranker", "FOLDER"),
            ("half_life", float, "--half-life", "DAYS"),
            ("password", str, "--password", None),
            ("read_only", bool, "--read-only/--no-read-only", None),
        ],
    )
    def test_a_flag_has_the_type_and_the_choices_of_its_setting(
        self, name: str, kind: Any, spelled: str, metavar: str | None
    ) -> None:
        taken, option = get_args(FLAGS[name])
        # typer reads the first argument of an annotation as the flag; elsewhere that is its default.
        assert (taken, option.default, option.metavar) == (kind | None, spelled, metavar)
