"""An evaluation as one HTML page: its figures, and every wrong answer beside its evidence.

Knows the summary and the rows of `citewire.qa.evaluate`. The page is one file without scripts, works without a server
and loads nothing. Questions, articles and the model's words are untrusted. The page is built as a tree, which
escapes every text and attribute, and a content security policy is the second barrier.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element

from citewire.qa.evaluate.runs import Row, asked_text
from citewire.ui.figures import deciding_rows, kind_rows, latency_rows, measure_rows
from citewire.ui.labels import in_marks
from citewire.ui.tree import document, el

HITS_SHOWN = 5
EVIDENCE_CHARS = 6_000  # most characters shown of the text that a claim was checked against


def page(summary: Mapping[str, Any], rows: Sequence[Row]) -> str:
    """Return the page of one run of `citewire eval`, as HTML.

    Args:
        summary: as `summarise` returns it, with the identity of the run as `run`.
        rows: the result of each question.
    """
    run = summary["run"]
    wrong = [row for row in rows if row["right"] is False or row["why"]]
    title = f"citewire eval: {run['file']}"
    main = el(
        "main",
        el("h1", title),
        el("p", f"{summary['records']:,} records, {run['model'] or 'no model'}"),
        *_figures(summary),
        el("h2", f"What went wrong: {len(wrong):,} of {len(rows):,}"),
        *(_case(row) for row in wrong),
        el("details", el("summary", "All that decided these answers"), table((), list(deciding_rows(run)))),
    )
    return document(title, "report.css", [main])


# -- figures --------------------------------------------------------------------------------------------------------


def _figures(summary: Mapping[str, Any]) -> Iterator[Element]:
    yield el("h2", "Measures")
    header = ("measure", "value", "95% interval", "from 0 to 1", "of", "what it says")
    found = zip(measure_rows(summary), summary["measures"].values(), strict=True)
    yield table(header, [(*row[:3], _bar(one), *row[3:]) for row, one in found])
    if len(summary["kinds"]) > 1:
        yield el("h2", "Kinds")
        kinds = zip(kind_rows(summary), summary["kinds"].values(), strict=True)
        rows = [(*row, _bar(one["measures"]["right"]) if "right" in one["measures"] else "") for row, one in kinds]
        yield table(("kind", "records", "right", "share, 95% interval"), rows)
    if summary["latency"]:
        yield el("h2", "Seconds")
        yield table(("until", "p50", "p95", "answers"), list(latency_rows(summary)))
    if calibration := summary["calibration"]:
        yield el("h2", "Calibration of the check")
        yield el("p", f"Expected calibration error {calibration['error']:.3f}; on the dotted line it would be 0.")
        yield diagram(calibration["bins"])


def _bar(found: Mapping[str, float]) -> Element:
    """A value between 0 and 1 as a bar, with its interval as a line."""
    wide, high = 160, 14
    value, low, top = (round(found[name] * wide, 1) for name in ("value", "low", "high"))
    return _svg(
        (wide, high),
        f"{found['value']:.3f}, {found['low']:.3f} to {found['high']:.3f}",
        el("rect", x=0, y=3, width=wide, height=8, fill="#8883"),
        el("rect", x=0, y=3, width=value, height=8, fill="#2a7"),
        el("line", x1=low, x2=top, y1=7, y2=7, stroke="currentColor", **{"stroke-width": "2"}),
    )


def diagram(bins: Sequence[Mapping[str, float]]) -> Element:
    """Return the reliability diagram: for each bin, the share of supported claims over their mean probability.

    `bins` have the fields of `measure.Bin`.
    """
    side, left, low = 220, 40, 10
    most = max(one["count"] for one in bins)
    marks = [
        el(
            "circle",
            el("title", f"{one['count']} claims: {one['forecast']:.2f} said, {one['observed']:.2f} supported"),
            cx=round(left + one["forecast"] * side, 1),
            cy=round(low + side - one["observed"] * side, 1),
            r=round(3 + 9 * (one["count"] / most) ** 0.5, 1),
            fill="#2a79",
        )
        for one in bins
    ]
    end, bottom = left + side, low + side
    return _svg(
        (end + 20, bottom + 40),
        "Reliability diagram",
        el("rect", x=left, y=low, width=side, height=side, fill="none", stroke="#8888"),
        el("line", x1=left, y1=bottom, x2=end, y2=low, stroke="currentColor", **{"stroke-dasharray": "2 4"}),
        *marks,
        el("text", "probability that the check gives", x=left + 30, y=bottom + 32, fill="currentColor"),
        el("text", "supported", x=0, y=0, fill="currentColor", transform=f"translate(12 {bottom - 70}) rotate(-90)"),
        *(el("text", text, x=x, y=bottom + 14, fill="currentColor") for text, x in (("0", left), ("1", end - 6))),
        *(el("text", text, x=left - 12, y=y, fill="currentColor") for text, y in (("0", bottom), ("1", low + 10))),
    )


def _svg(size: tuple[int, int], label: str, *children: Element) -> Element:
    wide, high = size
    box = {"viewBox": f"0 0 {wide} {high}", "role": "img", "aria-label": label}
    return el("svg", box, *children, width=wide, height=high)


# -- what went wrong ------------------------------------------------------------------------------------------------


def _case(row: Row) -> Element:
    heading = el("h3", f"{row['id']} ", el("small", f"{row['kind']}, line {row['line']}"))
    why = el("ul", *(el("li", reason) for reason in row["why"]))
    parts = _checked(row) if "verdict" in row else _answered(row)
    return el("article", heading, el("p", el("strong", asked_text(row))), why, *parts)


def _checked(row: Row) -> Iterator[Element | str]:
    verdict, evidence = row["verdict"], row["record"]["evidence"]
    yield el("p", f"Called {verdict['verdict']} ({verdict['probability']:.2f}): {verdict['reason'] or 'no reason'}")
    shortened = evidence if len(evidence) <= EVIDENCE_CHARS else evidence[:EVIDENCE_CHARS] + " …"
    yield el("details", el("summary", "Evidence"), el("div", shortened, {"class": "text"}))


def _answered(row: Row) -> Iterator[Element]:
    record, answer = row["record"], row["answer"]
    for turn in record["history"]:
        yield el("p", f"Before: {turn['question']} — {turn['answer']}", {"class": "dim"})
    if wanted := _wanted(record):
        yield el("p", f"Wanted: {wanted}")
    yield el("p", f"Answer ({answer['status']}): ", el("span", answer["text"], {"class": "text"}))
    if few := answer.get("short"):
        yield el("p", "In few words: ", el("strong", few))
    if answer["claims"]:
        yield el("ul", *(_claim(claim) for claim in answer["claims"]))
    for conflict in answer["conflicts"]:
        values = [el("li", f"{v['value']} ", _place(v), _quote(v["text"])) for v in conflict["values"]]
        yield el("div", f"Sources disagree: {conflict['about']}", el("ul", *values))
    if hits := answer["hits"][:HITS_SHOWN]:
        found = [el("li", _place(hit), el("div", hit["text"], {"class": "text"})) for hit in hits]
        yield el("details", el("summary", f"The first {len(hits)} passages found"), el("ol", *found))


def _claim(claim: Mapping[str, Any]) -> Element:
    shown = "" if claim["shown"] else ", withheld"
    reason = f": {claim['reason']}" if claim["reason"] else ""
    quotes = [part for quote in claim["quotes"] for part in (_quote(quote["text"]), _place(quote))]
    return el(
        "li",
        f"{claim['text']} ",
        el("small", f"{claim['verdict']} ({claim['probability']:.2f}{shown}){reason}"),
        *quotes,
    )


def _quote(text: str) -> Element:
    return el("blockquote", in_marks(text))


def _place(span: Mapping[str, Any]) -> Element:
    return el("small", f"{span['article']}:{span['start']}-{span['end']}")


def _wanted(record: Mapping[str, Any]) -> str:
    if record["answerable"] is False:
        return "a refusal"
    parts = [" or ".join(one) for one in record["must_include"]]
    if record["answers"]:
        parts.append((" and " if record["every"] else " or ").join(record["answers"]))
    cited = f"; citing {' or '.join(record['cite'])}" if record["cite"] else ""
    return "; ".join(parts) + cited if parts else cited.removeprefix("; ")


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> Element:
    """Return a table of texts and elements; `header` is () for none."""
    top = [el("tr", *(el("th", name) for name in header))] if header else []
    cells = [el("tr", *(el("td", cell if isinstance(cell, Element) else str(cell)) for cell in row)) for row in rows]
    return el("table", *top, *cells)
