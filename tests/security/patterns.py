"""Every regular expression of the product, slow texts for each, and a child process that measures them.

Patterns have three sources: module globals (also inside containers), calls of `re` whose pattern can be derived from
the source, and literals in the page's JavaScript. A pattern that cannot be derived is reported, so none is skipped.

A backtracking matcher is slow if it can start or split the same characters in many ways. So a text repeats the
repeated part of the pattern, after the part before it, and ends with a character that does not match. Other texts
repeat the beginning of the pattern, so that a search starts at every repetition and runs to the end.

Run as a program it is the child process: one line of JSON in, and one out, for each pattern.
"""

from __future__ import annotations

import ast
import builtins
import dataclasses
import importlib
import itertools
import json
import mmap
import re
import signal
import struct
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from re import _constants as node  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from types import ModuleType
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent.parent
FOLDERS = ("index", "qa", "ui")
METHODS = ("match", "fullmatch", "search", "split", "findall", "finditer", "sub", "subn")
TEXT = 100_000  # characters of a long article
QUESTION = 2_500  # a question has at most 2,000; a sentence has at most 110 words of 20 characters, a passage too
WHOLE_ARTICLES = ("qa/facts.py",)
WINDOWS = {  # patterns that see only a part of a text: number of characters
    "index/dates.py _START": 28,  # what is before a date
    "index/passages.py _TAGS_AFTER_END": 300,  # the end of a sentence
}
ENDS = ("\0", "\n", "a")  # at least one of them differs from the repeated part
POOL = " aA0-.,_\n\"'é"  # samples for a character class: its members among these characters
MANY = 20  # a repetition of at most 20 rounds counts only through its parts
MOST_SAMPLES, MOST_TEXTS = 4, 60
PLACE = struct.Struct("=II")
SCREEN = 3_000  # characters of the first try, which decides whether the full length is tried
_ORDINARY = (" ", "a", "A", "0", "-", ".", ",", "\n", '"', "'", "_", "(", "[", "<", "#", "\t", "é", "中", "—")
_PHRASES = ("a ", "Aa ", "1,", "a.", "A. ", "\n ", " \n", "a-", "a'", "a,b ", "- ", '" ', "http://a ", "<!---->")
_LITERAL = re.compile(
    r"[(=:?|,!&]\s*/((?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n\[*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n\[])*)/[a-z]*[.;,)\s]"
)


@dataclasses.dataclass(frozen=True)
class Found:
    """A pattern, its place in the source, and whether it is searched in the whole text or only matched at the start."""

    where: str
    pattern: str | bytes
    flags: int
    anywhere: bool

    @property
    def longest(self) -> int:
        """Length in characters of the longest text that it sees."""
        file, name = self.where.split()[:2]
        whole = not file.startswith("qa/") or file in WHOLE_ARTICLES
        return WINDOWS.get(f"{file} {name}", TEXT if whole else QUESTION)


# -- collecting -----------------------------------------------------------------------------------------


def _modules() -> Iterator[tuple[ModuleType, Path]]:
    for folder in FOLDERS:
        for file in sorted((REPOSITORY / folder).glob("*.py")):
            if file.stem != "__main__":
                name = "" if file.stem == "__init__" else f".{file.stem}"
                yield importlib.import_module(f"citewire.{folder}{name}"), file


def collect() -> tuple[list[Found], list[str]]:
    """Return all patterns, and the calls whose pattern cannot be derived."""
    found: list[Found] = []
    unknown: list[str] = []
    loaded = [(module, file, ast.parse(file.read_text(encoding="utf-8"))) for module, file in _modules()]
    anywhere = _uses(tree for _, _, tree in loaded)
    for module, file, tree in loaded:
        shown = file.relative_to(REPOSITORY).as_posix()
        for name, value in vars(module).items():
            found += [_found(f"{shown} {name}", one, anywhere.get(name, True)) for one in _patterns(value, set())]
        compiled = {(one.pattern, one.flags) for one in found}
        for call, method in _calls_of_re(tree):
            where = f"{shown} {ast.unparse(call)[:90]}"
            for pattern in _evaluated(call, method, module):
                if pattern is None:
                    unknown.append(where)
                elif method != "compile" or (pattern.pattern, pattern.flags) not in compiled:
                    found.append(_found(where, pattern, method not in ("match", "fullmatch")))
    for file in sorted((REPOSITORY / "ui" / "static").glob("*.js")):
        literals = _LITERAL.findall(file.read_text(encoding="utf-8"))
        found += [_found(f"ui/static/{file.name} /{literal}/", re.compile(literal), True) for literal in literals]
    found.sort(key=lambda one: one.longest)  # of equal patterns the last one stays, so the one for the longest text
    return list({(one.pattern, one.flags, one.anywhere): one for one in found}.values()), unknown


def _found(where: str, pattern: re.Pattern[Any], anywhere: bool) -> Found:
    return Found(where, pattern.pattern, pattern.flags, anywhere)


def _uses(trees: Iterable[ast.Module]) -> dict[str, bool]:
    """Return for each global name whether its pattern is searched anywhere; `match`, `fullmatch` start at one place."""
    uses: dict[str, bool] = {}
    for tree in trees:
        for call in ast.walk(tree):
            if isinstance(call, ast.Attribute) and isinstance(call.value, ast.Name | ast.Attribute):
                name = call.value.id if isinstance(call.value, ast.Name) else call.value.attr
                if call.attr in METHODS:
                    uses[name] = uses.get(name, False) or call.attr not in ("match", "fullmatch")
                elif call.attr == "pattern":  # used as a part of another pattern
                    uses.setdefault(name, False)
    return uses


def _patterns(value: object, seen: set[int]) -> Iterator[re.Pattern[Any]]:
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, Mapping):
        for one in (*value.keys(), *value.values()):
            yield from _patterns(one, seen)
    elif isinstance(value, list | tuple | set | frozenset):
        for one in value:
            yield from _patterns(one, seen)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from _patterns(getattr(value, field.name, None), seen)


def _calls_of_re(tree: ast.Module) -> Iterator[tuple[ast.Call, str]]:
    for call in ast.walk(tree):
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)):
            continue
        of_re = isinstance(call.func.value, ast.Name) and call.func.value.id == "re"
        if of_re and call.func.attr in (*METHODS, "compile"):
            yield call, call.func.attr


class _Names(dict[str, object]):
    """The names in a pattern: globals, or two words in the place of a value that is known only at run time."""

    def __init__(self, module: ModuleType) -> None:
        super().__init__(vars(builtins) | vars(module))

    def __missing__(self, name: str) -> str:
        return "Ada Quill"


def _evaluated(call: ast.Call, method: str, module: ModuleType) -> list[re.Pattern[Any] | None]:
    """Return the patterns of a call, two for `a if b else c`; None for a pattern that is known only at run time."""
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    text = call.args[0] if call.args else given.get("pattern")
    at = {"sub": 4, "subn": 4, "split": 3, "compile": 1}.get(method, 2)
    flags = call.args[at] if len(call.args) > at else given.get("flags")
    if text is None or (isinstance(text, ast.Name) and text.id not in vars(module)):
        return [None]
    names = _Names(module)
    written = [text.body, text.orelse] if isinstance(text, ast.IfExp) else [text]
    try:
        number = eval(compile(ast.Expression(flags), "<flags>", "eval"), names) if flags is not None else 0
        values = [eval(compile(ast.Expression(one), "<pattern>", "eval"), names) for one in written]
        return [re.compile(value, number) for value in values]
    except (AttributeError, TypeError, ValueError):
        return [None]


# -- texts ----------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Text:
    """A text of any length: a beginning, a repeated part and an end."""

    start: str
    middle: str
    end: str

    def of(self, length: int) -> str:
        return self.start + self.middle * max(1, (length - len(self.start)) // len(self.middle)) + self.end

    def __str__(self) -> str:
        return f"{self.start!r} + {self.middle!r} * n + {self.end!r}"


def texts(pattern: str | bytes, flags: int) -> list[Text]:
    """Return texts that are likely to be slow for `pattern`."""
    wide = pattern.decode("latin-1") if isinstance(pattern, bytes) else pattern
    made: dict[Text, None] = {}
    for before, body in itertools.islice(_repeated(list(parser.parse(wide, flags)), ""), MOST_TEXTS):
        for start, middle in ((before, body), ("", before + body)):
            if middle:
                made.update((Text(start, middle, end), None) for end in ENDS)
    made.update((Text("", one, end), None) for one in (*_ORDINARY, *_PHRASES) for end in ("\0", "a"))
    return list(made)


def _repeated(items: list[Any], before: str) -> Iterator[tuple[str, str]]:
    """Yield (text before, repeated text) for every repetition in a sequence, and for every beginning of a sequence."""
    for number, (kind, value) in enumerate(items):
        if kind in (node.MAX_REPEAT, node.MIN_REPEAT, node.POSSESSIVE_REPEAT):
            _, most, body = value
            if most > MANY or most is node.MAXREPEAT:
                for sample in _samples(list(body)):
                    yield before, sample
                    yield "", before + sample
                if number + 1 < len(items):  # two neighbouring repetitions that can match the same characters
                    for sample in _samples(items[number + 1 :])[:2]:
                        yield before, sample
            yield from _repeated(list(body), before)
        elif kind is node.BRANCH:
            for branch in value[1]:
                yield from _repeated(list(branch), before)
        elif kind in (node.SUBPATTERN, node.ATOMIC_GROUP):
            yield from _repeated(list(value[-1] if kind is node.SUBPATTERN else value), before)
        elif kind in (node.ASSERT, node.ASSERT_NOT):
            yield from _repeated(list(value[1]), before)
        before += _samples([(kind, value)])[0]
        if number and before:
            yield "", before


def _samples(items: list[Any]) -> list[str]:
    """Return a few texts that a sequence matches, ignoring look-arounds; at least one."""
    whole = [""]
    for item in items:
        parts = _sample(item)
        whole = list(dict.fromkeys(one + part for one in whole for part in parts))[:MOST_SAMPLES]
    return whole


def _sample(item: Any) -> list[str]:
    kind, value = item
    if kind is node.LITERAL:
        return [chr(value)]
    if kind is node.NOT_LITERAL:
        return [character for character in POOL if ord(character) != value][:MOST_SAMPLES]
    if kind is node.ANY:
        return ["a", " "]
    if kind is node.IN:
        matched = re.compile(_class(value))
        known = [character for character in POOL if matched.match(character)]
        named = [chr(one if tag is node.LITERAL else one[0]) for tag, one in value if tag in (node.LITERAL, node.RANGE)]
        usable = list(dict.fromkeys([*known, *(one for one in named if matched.match(one))]))
        return usable[:MOST_SAMPLES] or ["a"]
    if kind in (node.MAX_REPEAT, node.MIN_REPEAT, node.POSSESSIVE_REPEAT):
        least, _, body = value
        return [sample * (least or 1) for sample in _samples(list(body))]
    if kind is node.BRANCH:
        return list(dict.fromkeys(itertools.chain.from_iterable(_samples(list(one))[:2] for one in value[1])))[:12]
    if kind is node.SUBPATTERN:
        return _samples(list(value[-1]))
    if kind is node.ATOMIC_GROUP:
        return _samples(list(value))
    if kind is node.ASSERT and value[0] < 0:  # a look-behind matches text before the sequence
        return _samples(list(value[1]))
    return [""]  # look-aheads and anchors match no characters; references to groups are ignored


def _class(members: Any) -> str:
    """Return a character class as a pattern."""
    negated = any(tag is node.NEGATE for tag, _ in members)
    names = {
        node.CATEGORY_DIGIT: r"\d",
        node.CATEGORY_NOT_DIGIT: r"\D",
        node.CATEGORY_SPACE: r"\s",
        node.CATEGORY_NOT_SPACE: r"\S",
        node.CATEGORY_WORD: r"\w",
        node.CATEGORY_NOT_WORD: r"\W",
    }
    parts = []
    for tag, one in members:
        if tag is node.LITERAL:
            parts.append(re.escape(chr(one)))
        elif tag is node.RANGE:
            parts.append(f"{re.escape(chr(one[0]))}-{re.escape(chr(one[1]))}")
        elif tag is node.CATEGORY:
            parts.append(names[one])
    return f"[{'^' if negated else ''}{''.join(parts)}]"


# -- the child ------------------------------------------------------------------------------------------


def seconds(pattern: re.Pattern[Any], text: str, anywhere: bool) -> float:
    """Return the processor time of a pattern on a text."""
    given = text.encode("latin-1", "replace") if isinstance(pattern.pattern, bytes) else text
    began = time.process_time()
    if anywhere:
        for _ in pattern.finditer(given):
            pass
    else:
        pattern.match(given)
        pattern.fullmatch(given)
    return time.process_time() - began


def main() -> None:
    """Try the patterns from standard input; write the number of each finished one, and its slow text.

    A timer of processor time ends this process at the limit: the default action of its signal also interrupts a match.
    A file, named as an argument, then has the pattern and the text of the interrupted match.
    """
    limit = float(sys.argv[1])
    with Path(sys.argv[2]).open("r+b") as file, mmap.mmap(file.fileno(), PLACE.size) as place:
        for line in sys.stdin:
            given = json.loads(line)
            flags, anywhere, length = given["flags"], given["anywhere"], given["length"]
            pattern = re.compile(given["pattern"].encode("latin-1") if given["bytes"] else given["pattern"], flags)
            slow = ""
            for number, text in enumerate(texts(pattern.pattern, flags)):
                PLACE.pack_into(place, 0, given["number"], number)
                signal.setitimer(signal.ITIMER_VIRTUAL, limit)
                if _is_slow(pattern, text, anywhere, length, limit / 2):
                    slow = str(text)
                    break
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            print(json.dumps([given["number"], slow]), flush=True)


def _is_slow(pattern: re.Pattern[Any], text: Text, anywhere: bool, length: int, most: float) -> bool:
    """Whether a text of `length` takes longer than `most` seconds; estimated from a shorter text if that is fast.

    The estimate is quadratic for patterns of long texts, and a fourth power for patterns of short texts.
    """
    screen = min(SCREEN, length // 4)
    if seconds(pattern, text.of(screen), anywhere) * (length / screen) ** (2 if screen == SCREEN else 4) <= most:
        return False
    return seconds(pattern, text.of(length), anywhere) > most


if __name__ == "__main__":
    main()
