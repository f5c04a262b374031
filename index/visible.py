"""A tree of HTML -> the same tree with only the visible text.

Knows the HTML attributes and CSS declarations that hide text, with cascade and inheritance. Style sheets in the page
and given ones (of a book) are applied. If another style sheet is missing, the usual class names of frameworks count.
Does not lay out the page, so it does not know text that scripts show or hide, or text under another element. If a
style is unclear, the text counts as visible.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import cssselect2
import tinycss2
from tinycss2.color4 import Color
from tinycss2.color5 import parse_color

MAX_SELECTOR = 1_000  # most characters of a rule's selectors, and of a value after its custom properties are inserted
MAX_VARIABLES = 5  # most levels of custom properties inside each other
MAX_CSS = 500_000  # most characters of style sheets that are read; the rest is ignored
VIEW_WIDTH, VIEW_HEIGHT = 1280.0, 800.0  # pixels of the assumed screen
FAR = 500.0  # an element this many pixels left of the page or above it is off the screen
FAR_RIGHT = 5_000.0
BLOCK = "citewire-block"  # `keep_visible` sets this attribute on elements that a style makes blocks
SMALLEST_FONT = 3.0  # pixels; smaller letters are dots
LEAST_SCALE = 0.05  # an element shrunk to less is a dot or a line
LEAST_CONTRAST = 1.1  # contrast ratio of WCAG 2.2, 1 to 21, below which text is invisible

# Elements without text, and elements whose text browsers show only as a fallback.
_NEVER_SHOWN = frozenset(
    "script style template noscript iframe object video audio canvas datalist rp head title math svg noembed noframes"
    " param source track".split()
)
_ROOTS = frozenset({"html", "body"})  # a page that hides its root shows it later by a script
_READ = frozenset(
    "display visibility opacity color background background-color background-image font font-size position left right "
    "top bottom text-indent clip clip-path width height max-width max-height overflow overflow-x overflow-y transform "
    "min-height line-height margin margin-left margin-top padding padding-top padding-bottom content-visibility "
    "transition animation animation-name float filter translate scale rotate zoom inset background-clip "
    "-webkit-background-clip -webkit-text-fill-color -webkit-text-stroke text-shadow white-space".split()
)
_LOGICAL = {  # for text from left to right and from top to bottom
    "inline-size": "width", "block-size": "height", "max-inline-size": "max-width", "max-block-size": "max-height",
    "inset-inline-start": "left", "inset-inline-end": "right", "inset-block-start": "top",
    "inset-block-end": "bottom", "margin-inline-start": "margin-left", "margin-block-start": "margin-top",
    "min-block-size": "min-height", "margin-inline": "margin-left", "margin-block": "margin-top",
}  # fmt: skip
_DISPLAYS = frozenset(
    "none contents block inline flow flow-root inline-block flex inline-flex grid inline-grid table inline-table "
    "list-item ruby math table-row-group table-header-group table-footer-group table-row table-cell "
    "table-column-group table-column table-caption -webkit-box -webkit-inline-box -ms-grid -webkit-flex "
    "-ms-flexbox inherit initial unset revert revert-layer run-in".split()
)
_IN_LINE = frozenset({"", "inline", "inline-block", "inline-flex", "inline-grid", "contents", "none", "initial"})
# Classes that frameworks use to hide text, for missing style sheets; "d-none d-md-block" is shown on a wide screen.
_USUAL = """
@layer usual {
.sr-only, .screen-reader-text, .screen-reader-only, .screenreader-only, .screen-reader, .is-sr-only, .usa-sr-only,
.visually-hidden, .visuallyhidden, .visually-hidden-focusable, .u-visually-hidden, .govuk-visually-hidden,
.element-invisible, .show-for-sr, .hidden-visually, .a11y-hidden, .assistive-text { position: absolute; left: -9999px }
.not-sr-only { position: static }
.hidden:not([class*=":"]), .is-hidden, .u-hidden, .uk-hidden, .hide, .element-hidden, .d-xl-none,
.d-none:not([class*="d-sm-"]):not([class*="d-md-"]):not([class*="d-lg-"]):not([class*="d-xl-"]),
.d-sm-none:not([class*="d-md-"]):not([class*="d-lg-"]):not([class*="d-xl-"]),
.d-md-none:not([class*="d-lg-"]):not([class*="d-xl-"]), .d-lg-none:not([class*="d-xl-"]) { display: none }
.invisible { visibility: hidden }
}
"""
_HIDERS = frozenset(re.findall(r"\.([a-z][\w-]*)", _USUAL))
_FONT_SIZES = {"xx-small": 9.0, "x-small": 10.0, "small": 13.0, "medium": 16.0, "large": 18.0, "x-large": 24.0}
_UNITS = {"": 1.0, "px": 1.0, "pt": 4 / 3, "em": 16.0, "rem": 16.0, "ex": 8.0, "ch": 8.0, "in": 96.0, "cm": 37.8}
# 1% of the element or its container: moved left by its whole width, it is off the screen; by half of it, not.
_UNITS |= {"mm": 3.78, "vw": VIEW_WIDTH / 100, "vh": VIEW_HEIGHT / 100, "%": FAR / 100}
_LENGTH = re.compile(r"([+-]?(?:\d++(?:\.\d*+)?|\.\d++))(px|pt|em|rem|ex|ch|in|cm|mm|vw|vh|%)?")
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")  # lxml reads such text but cannot set it
_NUMBER = re.compile(r"([+-]?(?:\d++(?:\.\d*+)?|\.\d++)(?:e-?\d{1,2})?)(%)?")
_CALLED = re.compile(r"(?<!\w)(\w++)\(([^()]*+)\)")
_PERCENT = re.compile(r"([0-9]++(?:\.[0-9]*+)?)%")
_MATHS = re.compile(r"(?:\b(calc|min|max|clamp)|(?<![\w-]))\(([^()]*+)\)")
_TERM = re.compile(r"\s*+([-+*/](?=[\s(])|[*/])?\s*+([+-]?(?:\d++(?:\.\d*+)?|\.\d++)[a-z%]*+)")
_ANGLE = re.compile(r"(?<![0-9.])([+-]?(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++))(deg|rad|grad|turn)")
_MEASURE = re.compile(r"([0-9]++(?:\.[0-9]++)?)(?:/([1-9][0-9]*+)|(dpi|dppx|x|dpcm))")
_TURNS = {"deg": 1 / 360, "rad": 1 / math.tau, "grad": 1 / 400, "turn": 1.0}
_COMPARED = re.compile(
    r"(?:([\d.]++\w*)\s*([<>]=?)\s*)?([a-z-]+)\s*(?:([<>]=?|:|=)\s*([\d.]++(?:/\d++)?[a-z]*|[a-z-]+))?"
)
_SCREEN_SIZES = {
    "width": VIEW_WIDTH, "device-width": VIEW_WIDTH, "height": VIEW_HEIGHT, "device-height": VIEW_HEIGHT,
    "aspect-ratio": VIEW_WIDTH / VIEW_HEIGHT, "resolution": 1.0, "color": 8.0,
}  # fmt: skip
_SCREEN_IS = {
    "orientation": "landscape", "hover": "hover", "any-hover": "hover", "pointer": "fine", "any-pointer": "fine",
    "prefers-color-scheme": "light", "prefers-reduced-motion": "no-preference", "prefers-contrast": "no-preference",
    "scripting": "enabled", "update": "fast", "display-mode": "browser",
}  # fmt: skip

Colour = tuple[float, float, float, float]  # red, green, blue, alpha, 0 to 1
_Declared = Mapping[str, tuple[str, bool]]  # property -> value, whether it is important

# System colours of CSS Color 4 in the light scheme, with their older names.
_SYSTEM_COLOURS = dict.fromkeys(("canvas", "field", "window", "background", "menu", "appworkspace"), "white")
_SYSTEM_COLOURS |= dict.fromkeys(
    ("canvastext", "fieldtext", "buttontext", "windowtext", "menutext", "marktext"), "black"
)
_SYSTEM_COLOURS |= {"buttonface": "#efefef", "mark": "yellow", "linktext": "#0000ee", "visitedtext": "#551a8b"}
_SYSTEM_COLOURS |= {"graytext": "#808080", "initial": "black"}

_BLACK: Colour = (0.0, 0.0, 0.0, 1.0)
_WHITE: Colour = (1.0, 1.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class _Seen:
    """Inherited properties of an element's text.

    Attributes:
        shown: whether it is visible.
        size: font size in pixels.
        colour, behind: text and background colour, None if unknown.
        flat, cut: whether its lines have no height; whether it is clipped to a box as high as its lines.
        variables: value of each custom property.
    """

    shown: bool = True
    size: float = 16.0
    colour: Colour | None = _BLACK
    behind: Colour | None = _WHITE
    flat: bool = False
    cut: bool = False
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def legible(self) -> bool:
        if not self.shown or self.size < SMALLEST_FONT or (self.flat and self.cut):
            return False
        if self.colour is not None and self.colour[3] < 0.05:
            return False
        return self.colour is None or self.behind is None or contrast(self.colour, self.behind) >= LEAST_CONTRAST


def keep_visible(root: Any, sheets: Sequence[str] = ()) -> None:
    """Remove everything invisible from a tree of HTML or XHTML, in place; text after an element stays.

    Elements that a style makes blocks get the attribute `BLOCK`.

    Args:
        root: an lxml element without comments and processing instructions.
        sheets: style sheets that are applied before those of the page.
    """
    own = [element for element in root.iter() if _name(element) in ("style", "link")]
    inside = [e.text or "" for e in own if _name(e) == "style" and _screen(e.get("media") or "")]
    unknown = not sheets and any("stylesheet" in (e.get("rel") or "").lower() for e in own)
    classes = frozenset(name for element in root.iter() for name in (element.get("class") or "").split())
    names = classes | {element.get("id") for element in root.iter() if element.get("id")}
    usual = [_USUAL] if not _HIDERS.isdisjoint(classes) and (unknown or not (sheets or inside)) else []
    matcher = _matcher("\n".join([*usual, *sheets, *inside])[:MAX_CSS], names)
    # With missing style sheets the background can have any colour.
    start = replace(_Seen(), behind=None if unknown else _WHITE)
    waiting = [(cssselect2.ElementWrapper.from_html_root(root), start)]
    gone: list[Any] = []
    while waiting:
        wrapped, above = waiting.pop()
        element = wrapped.etree_element
        declared, variables = _resolved(_declared(element, wrapped, matcher), above.variables)
        if _name(element) not in _ROOTS and _is_hidden(element, declared):
            gone.append(element)
            continue
        if declared.get("display", "") not in _IN_LINE or declared.get("float", "none") != "none":
            element.set(BLOCK, "1")
        seen = _inherited(declared, replace(above, variables=variables), root_like=_name(element) in _ROOTS)
        if not seen.legible:
            element.text = _blank(element.text)
            for child in element:
                child.tail = _blank(child.tail)
        waiting.extend((child, seen) for child in wrapped.iter_children())
    for element in gone:
        _take_out(element)


def _name(element: Any) -> str:
    return str(element.tag).rpartition("}")[2].lower()


def _blank(text: str | None) -> str | None:
    return " " if text else text


def _take_out(element: Any) -> None:
    """Remove an element; the text after it stays."""
    parent = element.getparent()
    if parent is None:
        return
    before = element.getprevious()
    if element.tail:
        if before is not None:
            before.tail = _NO_XML.sub("", (before.tail or "") + element.tail)
        else:
            parent.text = _NO_XML.sub("", (parent.text or "") + element.tail)
    parent.remove(element)


# -- the cascade ----------------------------------------------------------------------------------------


def _matcher(css: str, names: Collection[str]) -> Any:
    """Return a matcher that finds the declarations for an element; `names` are the page's classes and ids.

    Most rules name classes that the page does not have, or set nothing that hides; these are not even parsed.
    """
    matcher = cssselect2.Matcher()
    css = _RULE.sub(lambda rule: _fitting(rule, names), _COMMENT.sub("", css))
    parsed = tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True)
    layers: dict[str, int] = {}
    for selected, content, layer in _rules(parsed, layers):
        declared = _read_declarations(content)
        if not declared:
            continue
        try:
            selectors = cssselect2.compile_selector_list(selected)
        except cssselect2.SelectorError:
            continue
        for selector in selectors:
            if selector.pseudo_element is None:
                matcher.add_selector(selector, (layer, declared))
    return matcher


_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)|<!--|-->", re.DOTALL)
_RULE = re.compile(r"(?:\A|(?<=[{}]))([^{}]*+)\{([^{}]*+)\}")
_AT_NO_RULE = re.compile(r"\s*+@(?!(?:media|supports|layer)\b)")
_NAMED = re.compile(r"[.#]([A-Za-z_-][\w-]*)")


def _fitting(rule: re.Match[str], names: Collection[str]) -> str:
    """Return a rule with only the selectors that may match the page, "" if there are none."""
    before, _, prelude = rule[1].rpartition(";")
    if _AT_NO_RULE.match(prelude):  # @font-face and similar rules
        return f"{before};" if before else ""
    if "(" in prelude or "[" in prelude or "\\" in prelude:
        return rule[0]
    kept = ",".join(part for part in prelude.split(",") if all(name in names for name in _NAMED.findall(part)))
    return (f"{before};" if before else "") + (f"{kept}{{{rule[2]}}}" if kept.strip() else "")


_NO_LAYER = 1_000_000  # rules without a layer come after all layers


def _rules(
    found: Iterable[Any], layers: dict[str, int], above: str = "", layer: str = ""
) -> Iterator[tuple[str, Any, int]]:
    """Yield selectors, content and rank of the style rules that apply to a screen, nested rules included.

    Args:
        found: the rules from tinycss2.
        layers: rank of each cascade layer named so far; a later layer wins.
        above: selectors of the rule around them.
        layer: name of the layer around them, "" for none.
    """
    for rule in found:
        if rule.type == "qualified-rule":
            selected = tinycss2.serialize(rule.prelude).strip()
            if above:
                selected = selected.replace("&", f":is({above})") if "&" in selected else f":is({above}) {selected}"
            yield selected, rule.content, layers.get(layer, _NO_LAYER)
            if len(selected) < MAX_SELECTOR and any(token.type == "{} block" for token in rule.content):
                yield from _rules(_contents(rule.content), layers, selected, layer)
        elif rule.type == "at-rule":
            name, prelude, inside = rule.lower_at_keyword, tinycss2.serialize(rule.prelude).strip(), layer
            if name == "layer":
                for one in prelude.split(","):
                    inside = f"{layer}.{one.strip() or len(layers)}"
                    layers.setdefault(inside, len(layers))
            holds = name == "layer" or (name == "media" and _screen(prelude))
            holds = holds or (name == "supports" and not re.match(r"not\b", prelude))
            if holds and rule.content is not None:
                if above:
                    yield above, rule.content, layers.get(inside, _NO_LAYER)
                yield from _rules(_contents(rule.content), layers, above, inside)


def _contents(content: Any) -> Any:
    return tinycss2.parse_blocks_contents(content, skip_comments=True, skip_whitespace=True)


def _screen(media: str) -> bool:
    """Whether a list of media queries matches a screen with the width `VIEW_WIDTH`."""
    queries = (tinycss2.parse_component_value_list(query, skip_comments=True) for query in media.lower().split(","))
    return any(map(_holds, queries))


def _holds(tokens: Sequence[Any]) -> bool:
    """Whether a media query, or a condition in its parentheses, matches the screen."""
    values: list[bool] = []
    words = [token for token in tokens if token.type != "whitespace"]
    named = [token.lower_value for token in words if token.type == "ident"]
    for token in words:
        if token.type == "() block":
            inside = any(one.type == "() block" for one in token.content)
            values.append(_holds(token.content) if inside else _is_so(tinycss2.serialize(token.content).strip()))
        elif token.type == "ident" and token.lower_value not in ("not", "only", "and", "or"):
            values.append(token.lower_value in ("all", "screen"))
    return (any(values) if "or" in named else all(values)) != ("not" in named)


def _is_so(feature: str) -> bool:
    """Whether a media feature matches: "min-width: 600px", "400px <= width", "hover"; False for an unknown one."""
    found = _COMPARED.fullmatch(feature)
    if found is None:
        return False
    least, under, name, sign, value = found.groups()
    bound = re.match("(min|max)-", name)
    size = _SCREEN_SIZES.get(name[4:] if bound else name)
    if size is None:
        return _SCREEN_IS.get(name) == (value or _SCREEN_IS.get(name, ""))
    if value is None and least is None:
        return True
    signs = {"<": size.__lt__, "<=": size.__le__, ">": size.__gt__, ">=": size.__ge__, "=": size.__eq__}
    above = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
    tests = [(above[under], least)] if least else []
    if value:
        tests.append((("<=" if bound[1] == "max" else ">=") if bound else sign.replace(":", "="), value))
    measured = [(kind, _measure(one)) for kind, one in tests]
    return all(one is not None and signs[kind](one) for kind, one in measured)


def _measure(value: str) -> float | None:
    """Return the value of a media feature: pixels, dots per pixel or a ratio."""
    found = _MEASURE.fullmatch(value)
    if found is None:
        return _length(value)
    if found[2]:
        return float(found[1]) / int(found[2])
    return float(found[1]) / {"dpi": 96.0, "dpcm": 37.8}.get(found[3], 1.0)


def _read_declarations(content: Any) -> _Declared:
    declared: dict[str, tuple[str, bool]] = {}
    for one in _contents(content):
        if one.type == "declaration" and (
            one.lower_name in _READ or one.lower_name in _LOGICAL or one.name.startswith("--")
        ):
            name = one.name if one.name.startswith("--") else _LOGICAL.get(one.lower_name, one.lower_name)
            value = tinycss2.serialize(one.value).strip().lower()
            if name == "display" and "var(" not in value and not _DISPLAYS.issuperset(value.split()):
                continue  # a browser ignores an unknown value
            if one.important or not declared.get(name, ("", False))[1]:
                declared[name] = (value, one.important)
    return declared


def _declared(element: Any, wrapped: Any, matcher: Any) -> Mapping[str, str]:
    """Return the winning value of each property: important before inline before specific before late."""
    layers: list[_Declared] = [_of_attributes(element)]
    matched = [payload for *_, payload in matcher.match(wrapped)]
    layers += [own for _, own in sorted(matched, key=lambda payload: payload[0])]
    if style := element.get("style"):
        layers.append(_read_declarations(style))
    winning: dict[str, tuple[str, bool]] = {}
    for layer in layers:
        for name, (value, important) in layer.items():
            if important or not winning.get(name, ("", False))[1]:
                winning.pop(name, None)  # moves it to the end: of `background` and `background-color` the later wins
                winning[name] = (value, important)
    return {name: value for name, (value, _) in winning.items()}


def _resolved(declared: Mapping[str, str], above: Mapping[str, str]) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Return declarations with inserted values of custom properties, and the custom properties for child elements.

    A property that is not set, or refers to itself, stays as written, because its value is unknown.
    """
    own = {name: value for name, value in declared.items() if name.startswith("--")}
    variables = {**above, **own} if own else above
    if not any("(" in value for value in declared.values()):
        return declared, variables
    found = dict(declared)
    for name, value in declared.items():
        for _ in range(MAX_VARIABLES):
            if "var(" not in value or len(value) > MAX_SELECTOR:
                break
            value = _VARIABLE.sub(lambda used: variables.get(used[1], used[2] or used[0]), value)
        for _ in range(MAX_VARIABLES):
            if len(value) > MAX_SELECTOR or not _MATHS.search(value):
                break
            value = _MATHS.sub(_worked_out, value)
        found[name] = value.strip()
    return found, variables


def _worked_out(maths: re.Match[str]) -> str:
    """Return the result in pixels of a calculation without an inner one; in parentheses if it is unknown."""
    sums = [_sum(part) for part in maths[2].split(",")]
    known = [one for one in sums if one is not None]
    if len(known) < len(sums) or (maths[1] == "clamp" and len(known) != 3):
        return f"({maths[2]})"
    if maths[1] == "clamp":
        return f"{max(known[0], min(known[1], known[2])):.3f}px"
    return f"{max(known) if maths[1] == 'max' else min(known):.3f}px"


def _sum(written: str) -> float | None:
    """Return the value in pixels of a sum of products, such as "-1 * 100vw - 10px"."""
    total, product, at = 0.0, 0.0, 0
    while at < len(written.rstrip()):
        term = _TERM.match(written, at)
        length = None if term is None else _length(term[2])
        if term is None or length is None or (term[1] == "/" and not length) or (at == 0) != (term[1] is None):
            return None
        if term[1] in ("*", "/"):
            product = product * length if term[1] == "*" else product / length
        else:
            total, product = total + product, -length if term[1] == "-" else length
        at = term.end()
    return total + product if at else None


_VARIABLE = re.compile(r"var\(\s*+(--[\w-]++)\s*+(?:,([^()]*+))?\)")


def _of_attributes(element: Any) -> _Declared:
    """Return the style of HTML attributes, like a browser's style sheet."""
    declared: dict[str, tuple[str, bool]] = {}
    closed = _name(element) == "dialog" and element.get("open") is None
    if closed or element.get("hidden") is not None or element.get("popover") is not None:
        declared["display"] = ("none", False)
    if _name(element) == "font" and element.get("color"):
        declared["color"] = (element.get("color").lower(), False)
    if _name(element) == "font" and element.get("size") == "0":
        declared["font-size"] = ("x-small", False)
    if element.get("bgcolor"):
        declared["background-color"] = (element.get("bgcolor").lower(), False)
    if _name(element) == "body" and element.get("text"):
        declared["color"] = (element.get("text").lower(), False)
    if element.get("background"):
        declared["background-image"] = ("url()", False)
    return declared


# -- what hides -----------------------------------------------------------------------------------------


def _is_hidden(element: Any, declared: Mapping[str, str]) -> bool:
    """Whether nothing inside an element can be seen."""
    if _name(element) in _NEVER_SHOWN or (element.get("aria-hidden") or "").lower() == "true":
        return True
    if declared.get("display") == "none" or declared.get("content-visibility") == "hidden":
        return True
    return _is_faded(declared) or _is_empty_box(declared) or _is_far_off(declared)


def _is_faded(declared: Mapping[str, str]) -> bool:
    """Whether an element is transparent or shrunk to nothing, and no animation is about to show it."""
    moving = any(declared.get(name, "none") != "none" for name in ("transition", "animation", "animation-name"))
    clear = [values for name, values in _CALLED.findall(declared.get("filter", "")) if name == "opacity"]
    shares = [declared.get("opacity", "1"), *clear]
    faded = any(opacity < 0.02 for share in shares for opacity in _numbers(share))
    zoomed = any(0 < zoom < LEAST_SCALE for zoom in _numbers(declared.get("zoom", "")))
    return not moving and (faded or zoomed or any(_flattens(*one) for one in _transforms(declared)))


def _numbers(values: str) -> list[float]:
    """Return the numbers without a unit; percentages as shares."""
    found = (_NUMBER.fullmatch(value) for value in values.replace(",", " ").split())
    return [float(one[1]) / (100 if one[2] else 1) for one in found if one]


def _flattens(name: str, values: str) -> bool:
    """Whether a transform leaves an element without width or height."""
    sizes = _numbers(values)
    if name.startswith("scale"):
        return name != "scalez" and any(abs(size) < LEAST_SCALE for size in sizes[:2])
    if name == "matrix3d" and len(sizes) == 16:
        name, sizes = "matrix", [*sizes[:2], *sizes[4:6], *sizes[12:14]]
    if name == "matrix" and len(sizes) == 6:
        area = abs(sizes[0] * sizes[3] - sizes[1] * sizes[2])
        return area < LEAST_SCALE * max(LEAST_SCALE, *map(abs, sizes[:4]))
    if name in ("rotatex", "rotatey"):
        return any(abs(math.cos(math.tau * _TURNS[unit] * float(n))) < 1e-6 for n, unit in _ANGLE.findall(values))
    return False


def _transforms(declared: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the names and values of an element's transforms, including those with their own property."""
    called = _CALLED.findall(declared.get("transform", ""))
    called += [(name, declared[name]) for name in ("translate", "scale") if name in declared]
    if turned := re.match(r"([xy])\s", declared.get("rotate", "")):
        called.append((f"rotate{turned[1]}", declared["rotate"]))
    return called


def _is_empty_box(declared: Mapping[str, str]) -> bool:
    """Whether an element is clipped to a box without size."""
    cut = any(declared.get(name, "") in ("hidden", "clip") for name in ("overflow", "overflow-x", "overflow-y"))
    sizes = [_length(declared.get(name, "")) for name in ("width", "height", "max-width", "max-height")]
    padded = any(_lengths(declared.get(name, "0")) != [0.0] for name in ("padding", "padding-top", "padding-bottom"))
    if cut and not padded and any(size is not None and 0 <= size <= 1 for size in sizes):
        return True  # with padding it is a frame with a fixed ratio, and its content lies over it
    for name, values in _CALLED.findall(declared.get("clip", "")):
        edges = _lengths(values)
        if name == "rect" and len(edges) == 4 and (edges[2] <= edges[0] or edges[1] <= edges[3]):
            return declared.get("position") in ("absolute", "fixed")
    for name, values in _CALLED.findall(declared.get("clip-path", "")):
        if name == "inset":
            found = [_PERCENT.fullmatch(part) for part in _of_four(values.split())]
            shares = [float(share[1]) if share else 0.0 for share in found]
            if shares[0] + shares[2] >= 100 or shares[1] + shares[3] >= 100:
                return True
        if name in ("circle", "polygon", "ellipse") and not any(_lengths(values.partition(" at ")[0])):
            return True
    return False


def _of_four(values: Sequence[str]) -> Sequence[str]:
    """Return top, right, bottom and left of a shorthand with one to four values, "" each if it has none."""
    top = values[0] if values else ""
    right = values[1] if len(values) > 1 else top
    return (top, right, values[2] if len(values) > 2 else top, values[3] if len(values) > 3 else right)


def _is_far_off(declared: Mapping[str, str]) -> bool:
    """Whether an element or its text is moved off the page."""
    moved = [_length(declared.get(name, "").split(" ")[0]) for name in ("text-indent", "margin-left", "margin-top")]
    around = _of_four(declared.get("margin", "").split())
    moved += [_length(around[0]), _length(around[3])]  # at the right and bottom a margin moves other elements
    if declared.get("white-space") == "nowrap" and declared.get("overflow", "") in ("hidden", "clip"):
        moved.append(-abs(_length(declared.get("text-indent", "")) or 0.0))
    if declared.get("position", "static") not in ("static", "sticky"):
        moved += [_length(declared.get(name, "")) for name in ("left", "top", "right", "bottom")]
        moved += _lengths(declared.get("inset", ""))
    for name, values in _transforms(declared):
        offsets = _lengths(values)
        moved += offsets if name.startswith("translate") else offsets[4:] if name == "matrix" else []
    return any(offset is not None and (offset <= -FAR or offset >= FAR_RIGHT) for offset in moved)


def _length(value: str) -> float | None:
    """Return a length in pixels, None if it is not a length."""
    found = _LENGTH.fullmatch(value)
    return float(found[1]) * _UNITS[found[2] or ""] if found else None


def _lengths(values: str) -> list[float]:
    found = (_length(value) for value in values.replace(",", " ").split())
    return [length for length in found if length is not None]


# -- what is inherited ----------------------------------------------------------------------------------


def _inherited(declared: Mapping[str, str], above: _Seen, *, root_like: bool) -> _Seen:
    shows = {"visible": True, "hidden": root_like, "collapse": root_like}
    shown = shows.get(declared.get("visibility", ""), above.shown)
    colour = above.colour
    for name in ("color", "-webkit-text-fill-color"):
        if name in declared:
            colour = _colour(declared[name], colour)
    if "text" in (declared.get("background-clip"), declared.get("-webkit-background-clip")):
        colour = None  # the background shows through the letters
    if any(
        declared.get(name, "none") not in ("none", "0", "initial") for name in ("text-shadow", "-webkit-text-stroke")
    ):
        colour = None  # letters without fill are visible by their shadow or outline
    size, behind = _size(declared, above.size), _behind(declared, above.behind)
    return _Seen(
        shown, size, colour, behind, _is_flat(declared, above.flat), above.cut or _cuts(declared), above.variables
    )


def _is_flat(declared: Mapping[str, str], above: bool) -> bool:
    """Whether lines have no height; a number without a unit is a multiple of the font size."""
    font = re.search(r"/\s*([^\s]+)", declared.get("font", ""))
    value = declared.get("line-height") or (font[1] if font else "")
    if value in ("", "inherit", "unset"):
        return above
    shares = _numbers(value)
    height = 16 * shares[0] if shares else _length(value)
    return height is not None and 0 <= height <= 1


def _cuts(declared: Mapping[str, str]) -> bool:
    """Whether an element is clipped to a box as high as its lines."""
    cut = any(declared.get(name, "") in ("hidden", "clip") for name in ("overflow", "overflow-y"))
    room = ("height", "min-height", "padding", "padding-top", "padding-bottom")
    return cut and not any(_lengths(declared.get(name, "0")) not in ([], [0.0]) for name in room)


def _size(declared: Mapping[str, str], above: float) -> float:
    """Return the font size in pixels; an unclear size is inherited."""
    value = declared.get("font-size", "")
    if not value and "font" in declared:
        sizes = [part.partition("/")[0] for part in declared["font"].split()]
        value = next((size for size in sizes if size[:1].isdigit() and _LENGTH.fullmatch(size)), "")
    if value in _FONT_SIZES:
        return _FONT_SIZES[value]
    found = _LENGTH.fullmatch(value)
    if not found:
        return above
    number, unit = float(found[1]), found[2] or ""
    return number * {"em": above, "%": above / 100}.get(unit, _UNITS[unit])


def _colour(value: str, above: Colour | None) -> Colour | None:
    if value in ("inherit", "unset"):
        return above
    found = parse_color(_SYSTEM_COLOURS.get(value, value))
    return above if found == "currentcolor" else _srgb(found) if isinstance(found, Color) else None


def _srgb(colour: Color) -> Colour | None:
    """Return a colour in sRGB, None for an unknown colour space.

    tinycss2 does not convert Lab, Oklab and their polar forms; for these the result is a grey of equal luminance.
    """
    if colour.space in ("srgb", "hsl", "hwb"):
        red, green, blue = (part or 0.0 for part in colour.to("srgb").coordinates)
        return (red, green, blue, colour.alpha)
    lightness = max(0.0, colour.coordinates[0] or 0.0)
    if colour.space in ("lab", "lch"):
        y = min(1.0, ((lightness + 16) / 116) ** 3)  # CIE 15:2018
    elif colour.space in ("oklab", "oklch"):
        y = min(1.0, lightness**3)  # Ottosson 2020, for greys
    else:
        return None
    grey = y * 12.92 if y <= 0.0031308 else 1.055 * y ** (1 / 2.4) - 0.055
    return (grey, grey, grey, colour.alpha)


def _behind(declared: Mapping[str, str], above: Colour | None) -> Colour | None:
    """Return the background colour of an element's text, None if it is a picture or unknown."""
    behind = above
    for name, value in declared.items():
        if name == "background-image" and value != "none":
            behind = None
        elif name in ("background", "background-color") and value not in ("none", "inherit", "unset", "initial", ""):
            behind = _painted(value, above)
    return behind


def _painted(value: str, above: Colour | None) -> Colour | None:
    if "url(" in value or "gradient(" in value:
        return None
    words = [tinycss2.serialize([token]) for token in tinycss2.parse_component_value_list(value)]
    parsed = (parse_color(_SYSTEM_COLOURS.get(word, word)) for word in words)
    colours = [_srgb(found) for found in parsed if isinstance(found, Color)]
    if len(colours) != 1 or colours[0] is None:
        return None if None in colours or "var(" in value or len(colours) > 1 or len(words) == 1 else above
    red, green, blue, alpha = colours[0]
    if alpha >= 1:
        return (red, green, blue, 1.0)
    if above is None:
        return None if alpha > 0 else above
    mixed = [alpha * own + (1 - alpha) * under for own, under in zip((red, green, blue), above, strict=False)]
    return (mixed[0], mixed[1], mixed[2], 1.0)


def contrast(one: Colour, other: Colour) -> float:
    """Return the contrast of two colours, 1 (equal) to 21; a transparent colour is mixed with the background."""
    alpha = one[3]
    mixed = [alpha * own + (1 - alpha) * under for own, under in zip(one[:3], other, strict=False)]
    light, dark = sorted((_luminance(mixed), _luminance(other[:3])), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: Sequence[float]) -> float:
    linear = [part / 12.92 if part <= 0.04045 else math.pow((part + 0.055) / 1.055, 2.4) for part in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
