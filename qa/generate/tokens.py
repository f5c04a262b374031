"""Messages -> the tokens of a prompt, and tokens -> text, for a local model's folder; the only importer of tokenizers.

Knows tokenizer.json and the chat template, not how a model is run: every local engine reads the same prompt. Does not
import torch, so that a model is ready in a second.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn

import jinja2
import jinja2.ext
import jinja2.sandbox
import tokenizers

from citewire.index.errors import ModelError
from citewire.qa.models.files import first_line
from citewire.qa.types import Message

_HALF_A_CHARACTER = "\N{REPLACEMENT CHARACTER}"  # the decoder's output for an incomplete character
_FIX = "Name another model, or get this one's files again."


class ChatTokens:
    """The tokenizer and the chat template of a model.

    Attributes:
        limit: most tokens of prompt and reply together.
        ends: tokens that end a reply: the model's end tokens and all other control tokens.

    Raises:
        ModelError: one of both is missing or cannot be read.
    """

    def __init__(self, folder: Path, *, name: str) -> None:
        self._name, self._folder = name, folder
        config, settings = self._json("config.json"), self._json("tokenizer_config.json")
        self._tokenizer = self._tokenizer_of("tokenizer.json")
        self._tokenizer.encode_special_tokens = True  # a control token in a text is text
        added = self._tokenizer.get_added_tokens_decoder()
        self._numbers = {token.content: number for number, token in added.items()}
        self._control = _any_of(self._numbers)
        self._markup = _any_of(
            t.content for t in added.values() if not t.special and re.fullmatch(r"<.+>|\[.+\]", t.content)
        )
        special = {key: _content(settings.get(key)) for key in ("bos_token", "eos_token")}
        self._template = self._template_of(settings)
        self._variables = {key: token for key, token in special.items() if token}
        named = self._json("generation_config.json").get("eos_token_id", config.get("eos_token_id"))
        ends = {*(named if isinstance(named, list) else [named]), self._numbers.get(special["eos_token"])}
        self.ends = frozenset(ends - {None}) | {number for number, token in added.items() if token.special}
        inner = config.get("text_config", config)
        limits = (inner.get("max_position_embeddings"), settings.get("model_max_length"))
        self.limit = int(min((limit for limit in limits if limit), default=sys.maxsize))

    def _fail(self, problem: str, error: Exception | None = None, fix: str = _FIX) -> NoReturn:
        said = f": {first_line(error)}" if error else ""
        raise ModelError(f"The folder {self._folder} {problem}{said}", fix) from error

    def _json(self, name: str) -> Mapping[str, Any]:
        """Return the object in a JSON file; {} if there is no file."""
        try:
            read = json.loads((self._folder / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            self._fail(f"cannot be loaded as a language model, its {name} is no JSON", error)
        if not isinstance(read, dict):
            self._fail(f"cannot be loaded as a language model, its {name} is no table")
        return read

    def _tokenizer_of(self, name: str) -> tokenizers.Tokenizer:
        file = self._folder / name
        if not file.is_file():
            self._fail(f"has no {name}", fix="Save the model's fast tokenizer there, or name another model.")
        try:
            return tokenizers.Tokenizer.from_file(str(file))
        except Exception as error:  # noqa: BLE001 - the library raises plain Exception
            self._fail(f"cannot be loaded as a language model, its {name} is no tokenizer", error)

    def _template_of(self, settings: Mapping[str, Any]) -> jinja2.Template:
        """Return the chat template, set up as transformers does, in a sandbox."""
        file = self._folder / "chat_template.jinja"
        text = file.read_text(encoding="utf-8") if file.is_file() else settings.get("chat_template")
        if isinstance(text, list):  # several by name
            text = next((one["template"] for one in text if one.get("name") == "default"), None)
        if not text:
            raise ModelError(f"The model in {self._folder} has no chat template", "Name an instruct model.")
        sandbox = jinja2.sandbox.ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=[jinja2.ext.loopcontrols]
        )
        sandbox.filters["tojson"] = lambda value, **options: json.dumps(value, ensure_ascii=False, **options)
        sandbox.globals["raise_exception"] = _refuse
        try:
            return sandbox.from_string(text)
        except jinja2.TemplateError as error:
            self._fail("has a chat template that cannot be read", error)

    def prompt(self, messages: Sequence[Message]) -> list[int]:
        """Return the tokens of the messages in the chat template.

        The template is filled with placeholders for the contents, so that control tokens are recognised only in the
        template's own text. The contents are then inserted and tokenised as plain text.

        Raises:
            ModelError: the template does not accept such messages.
        """
        marks = [f"\ue000{i}\ue001" for i in range(len(messages))]
        chat = [{"role": message.role, "content": mark} for message, mark in zip(messages, marks, strict=True)]
        try:
            filled = self._template.render(messages=chat, add_generation_prompt=True, tools=None, **self._variables)
        except (jinja2.TemplateError, ValueError, TypeError) as error:
            roles = ", ".join(message.role for message in messages)
            raise ModelError(
                f"The chat template of {self._name} cannot write messages of {roles}: {error}",
                "Name an instruct model that takes system, user and assistant messages.",
            ) from error
        contents = {mark: message.content for mark, message in zip(marks, messages, strict=True)}
        ids: list[int] = []
        plain = ""
        for piece in re.split("(\ue000[0-9]+\ue001)", filled):
            if piece in contents:
                plain += contents[piece]
                continue
            for i, text in enumerate(self._control.split(piece)):
                if i % 2 == 0:
                    plain += text
                else:
                    ids += [*self.plain(plain), self._numbers[text]]
                    plain = ""
        return ids + self.plain(plain)

    def prompt_with_room(self, messages: Sequence[Message]) -> list[int]:
        """Return the prompt's tokens. Raises: ModelError, it leaves no room for a reply."""
        prompt = self.prompt(messages)
        if len(prompt) >= self.limit:
            raise ModelError(
                f"The prompt has {len(prompt)} tokens, and {self._name} reads at most {self.limit - 1}",
                "Ask with fewer passages or a shorter question, or name a model that reads more.",
            )
        return prompt

    def plain(self, text: str) -> list[int]:
        """Return the tokens of a text, none of them a control token."""
        # The tokenizer splits special tokens; other control tokens, such as <tool_call>, are cut here.
        cuts = [0, *(found.start() + 1 for found in self._markup.finditer(text)), len(text)]
        ids: list[int] = []
        for start, end in pairwise(cuts):
            if start < end:
                ids += self._tokenizer.encode(text[start:end], add_special_tokens=False).ids
        return ids

    def written(self, number: int) -> str:
        """Return a token's spelling in the vocabulary."""
        return str(self._tokenizer.id_to_token(number))

    def text(self, ids: Iterable[int]) -> Iterator[str]:
        """Yield the text of tokens in pieces of whole characters; an incomplete character waits for its last token."""
        # A token's text depends on the one before it (blanks), so the window starts one token earlier.
        window: list[int] = []
        shown = 0  # characters of the window's text that were yielded
        for token in ids:
            window.append(token)
            text = self._tokenizer.decode(window, skip_special_tokens=True)
            if text.endswith(_HALF_A_CHARACTER):
                continue
            if len(text) > shown:
                yield text[shown:]
            window = window[-1:]
            shown = len(self._tokenizer.decode(window, skip_special_tokens=True))
        rest = self._tokenizer.decode(window, skip_special_tokens=True)[shown:].rstrip(_HALF_A_CHARACTER)
        if rest:
            yield rest


def _any_of(texts: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern with one group that matches the longest of some texts; it matches nothing if there are none."""
    longest_first = sorted(texts, key=len, reverse=True)
    return re.compile("(" + "|".join(map(re.escape, longest_first)) + ")" if longest_first else "((?!))")


def _content(token: object) -> str:
    """Return a token that a file gives as text or as an object; "" if there is none."""
    found = token.get("content") if isinstance(token, dict) else token
    return found if isinstance(found, str) else ""


def _refuse(message: str) -> NoReturn:
    raise jinja2.TemplateError(message)
