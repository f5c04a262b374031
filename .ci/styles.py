"""Find faults of ui/static/*.css that browsers ignore silently, and styles that the page does not use.

    python .ci/styles.py        prints `file:line: fault`, and exits with 1 if there is one

Checks for invalid CSS, a property twice in one rule, variables that are used but not set or set but not
used, and classes `cw-...` that no script or module of ui/ names.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import tinycss2
from tinycss2.ast import AtRule, Declaration, Node, ParseError, QualifiedRule

UI = Path(__file__).resolve().parent.parent / "ui"
SHARED = "page.css"  # sets the variables of the sheets of all views
INSIDE = frozenset({"media", "supports", "container", "layer"})  # at-rules that hold rules
GRADIO = frozenset({"--body-background-fill"})  # variables that Gradio's own sheets use
_CLASS = re.compile(r"\.(cw-[a-z0-9-]+)")
_MADE = re.compile(r"\b(cw-[a-z0-9-]*)\$?\{")  # the beginning of a class that is put together: `cw-file-${state}`
_VARIABLE = re.compile(r"--[a-z0-9-]+")
_SET = re.compile(r"(--[a-z0-9-]+)\s*:")
_WORD = re.compile(r"[a-z0-9-]+")


def faults(sheets: Mapping[str, str], sources: str) -> Iterator[str]:
    """Yield the faults of style sheets, name -> text, that are used by `sources`."""
    words, made = set(_WORD.findall(sources)), set(_MADE.findall(sources))
    used = {name: set(_VARIABLE.findall(_SET.sub("", text))) for name, text in sheets.items()}
    given = {name: set(_SET.findall(text)) for name, text in sheets.items()}
    known = set(_VARIABLE.findall(sources)) | GRADIO
    for sheet, text in sheets.items():
        for rule in rules(tinycss2.parse_stylesheet(text, skip_comments=True, skip_whitespace=True)):
            for fault in _of_rule(rule, words, made):
                yield f"{sheet}:{rule.source_line}: {fault}"
        for name in sorted(used[sheet] - given[sheet] - given.get(SHARED, set()) - known):
            yield f"{sheet}: {name} is not set"
        users = set.union(*used.values()) if sheet == SHARED else used[sheet]
        for name in sorted(given[sheet] - users - known):
            yield f"{sheet}: {name} is not used"


def rules(nodes: Iterable[Node]) -> Iterator[QualifiedRule | AtRule | ParseError]:
    """Yield the rules of a sheet, those inside at-rules too, and what is none."""
    for node in nodes:
        if isinstance(node, AtRule) and node.lower_at_keyword in INSIDE and node.content is not None:
            yield from rules(tinycss2.parse_rule_list(node.content, skip_comments=True, skip_whitespace=True))
        else:
            yield node


def _of_rule(rule: QualifiedRule | AtRule | ParseError, words: set[str], made: set[str]) -> Iterator[str]:
    if isinstance(rule, ParseError):
        yield rule.message
        return
    yield from (node.message for node in rule.prelude if isinstance(node, ParseError))  # a brace too many
    for name in dict.fromkeys(_CLASS.findall(tinycss2.serialize(rule.prelude))):
        if name not in words and not any(name.startswith(one) and name.removeprefix(one) in words for one in made):
            yield f"nothing has the class {name}"
    seen: set[str] = set()
    for node in tinycss2.parse_blocks_contents(rule.content or (), skip_comments=True, skip_whitespace=True):
        if isinstance(node, ParseError):
            yield node.message
        elif isinstance(node, Declaration):
            if node.name in seen:
                yield f"{node.name} stands twice in one rule"
            seen.add(node.name)


def main() -> int:
    """Print the faults of this repository and return the exit status."""
    sheets = {file.name: file.read_text(encoding="utf-8") for file in sorted((UI / "static").glob("*.css"))}
    sources = "\n".join(file.read_text(encoding="utf-8") for file in [*UI.glob("*.py"), *UI.glob("static/*.js")])
    found = list(faults(sheets, sources))
    print("\n".join(found), end="\n" * bool(found))
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
