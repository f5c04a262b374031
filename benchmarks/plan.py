"""Plan an index of 10^5 to 10^9 passages: time, disk, memory and money of each engine, and where each one ends.

    python benchmarks/plan.py [--cores 16] [--memory 64] [--core-hour 0.04] [--gb-hour 0.005] [--disk-month 0.10]
                              [--plot docs/scale.svg]

Every rate of `RATES` was measured on two shared cores, with at most a million passages; its source says where. All
beyond is extrapolated by the law that the function names. The prices are round numbers and no provider's offer.
docs/scale.md explains the result; its test compares it with what this script prints.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

SIZES = tuple(10**power for power in range(5, 10))
HOURS = 730  # of a month
UNUSABLE = 5_000  # ms of a search, at the median
GUESS = "guess"  # the source of what nobody measured


@dataclass(frozen=True, slots=True)
class Rate:
    """A number of which the plan is made: its unit, and where it was measured."""

    value: float
    unit: str
    source: str


GROWS, SEARCH, OWN = "docs/index.md, How it grows", "docs/retrieval.md, In PostgreSQL", "benchmarks/plan_rates.py"
RATES = {
    "embed": Rate(65.7 / 2, "passages per second of a core", "docs/index.md, Embedding"),
    "article": Rate(97_941 / 4_931, "passages of an article", "docs/retrieval.md, Figures"),
    "copies": Rate(2e-3 / 1e5, "s to compare an article with one known article", "docs/index.md, Copies of one story"),
    "signatures": Rate(560, "bytes of memory for each article, to find its copies", "index/duplicates.py"),
    "folder write": Rate(2_013 - 100, "s for 10^6 passages, without 100 s for copies", GROWS),
    "folder disk": Rate(2_682, "bytes a passage", GROWS),
    "folder build": Rate((5_144 - 250) * 1e6 / 1e6, "bytes of memory a passage, while it is written", GROWS),
    "folder vectors": Rate(384 * 4, "bytes a passage that a search hardly reads", "index/vectors.py"),
    "folder p50": Rate((29 - 24) / 0.9, "ms for each further 10^6 passages, from 24 at 10^5 on", GROWS),
    "folder p95": Rate((59 - 39) / 0.9, "ms for each further 10^6 passages, from 39 at 10^5 on", GROWS),
    "folder words": Rate(90, "ms for 40,000 matches", GROWS),
    "add": Rate(0.89, "s to add an article to 10^6 passages, in a process of its own", GROWS),
    "pg write": Rate((24.4 + 22.3 - 16.7) / 16_000, "s of a core a passage, without its HNSW index", OWN),
    "pg hnsw": Rate(904, "s of a core for the HNSW index of 10^6 passages, in memory", SEARCH),
    "pg slow": Rate((55.4 - 3.3) / (16.7 - 3.3), "times as long a passage, once its graph has no room", OWN),
    "pg graph": Rate(8 * 2**20 / 3_722, "bytes of memory a passage, while the HNSW index is made", OWN),
    "pg disk": Rate(6_806, "bytes a passage", OWN),
    "pg hnsw disk": Rate(2_049, "bytes of it are the HNSW index", OWN),
    "pg vectors disk": Rate(2_051, "bytes of it are the vectors and places of the passages", OWN),
    "pg words disk": Rate(1_368 + 789, "bytes of it are the words and their index", OWN),
    "pg every vector p50": Rate(77, "ms at 10^5", SEARCH),
    "pg every vector p95": Rate(96, "ms at 10^5", SEARCH),
    "pg exact search p50": Rate(98, "ms at 10^5", SEARCH),
    "pg exact search p95": Rate(145, "ms at 10^5", SEARCH),
    "pg words p50": Rate(22, "ms for at most 40,000 matches", SEARCH),
    "pg words p95": Rate(122, "ms for at most 40,000 matches", SEARCH),
    "pg search p50": Rate(41, "ms at 10^5", SEARCH),
    "pg search p95": Rate(141, "ms at 10^5", SEARCH),
    "pg search grows p50": Rate(math.log10(3.5 * 29 / 41), "exponent: 3.5 times a folder's at 10^6", SEARCH),
    "pg search grows p95": Rate(math.log10(3.9 * 59 / 141), "exponent: 3.9 times a folder's at 10^6", SEARCH),
    "server": Rate(1.26e9, "bytes of citewire's own process with its models", "docs/speed.md, Many at once"),
    "rarest": Rate(1e-3, "share of the passages that have the rarest word of a question", GUESS),
    "slow beyond": Rate(512 * 2**20, "least bytes that a build of the HNSW index gets", "index/postgres_writer.py"),
    "matched": Rate(40_000, "matches, after which a further word of a question is left out", "index/store.py"),
}


@dataclass(frozen=True, slots=True)
class Machine:
    """What an operator has, and what it costs."""

    cores: int = 16
    memory_gb: float = 64
    core_hour: float = 0.04
    gb_hour: float = 0.005
    disk_month: float = 0.10
    backup_mb_s: float = 100


@dataclass(frozen=True, slots=True)
class Plan:
    """What an index takes.

    Attributes:
        steps: seconds of each step of making it.
        disk, writing, searching: bytes on disk, and of memory to write and to search it.
        p50, p95: milliseconds of a search, without embedding the question.
    """

    steps: dict[str, float]
    disk: float
    writing: float
    searching: float
    p50: float
    p95: float

    @property
    def seconds(self) -> float:
        """Return the seconds of all steps, which follow one another."""
        return sum(self.steps.values())

    def once(self, machine: Machine) -> float:
        """Return the price of making the index: the machine's cores for that time."""
        return self.seconds / 3600 * machine.cores * machine.core_hour

    def month(self, machine: Machine) -> float:
        """Return the price of a month: the machine's cores, the memory that searches need, and the disk."""
        rent = machine.cores * machine.core_hour + self.searching / 1e9 * machine.gb_hour
        return HOURS * rent + self.disk / 1e9 * machine.disk_month


def of(name: str) -> float:
    return RATES[name].value


def nlogn(n: float, at: float) -> float:
    """Return how many times as much n passages take as `at`, where the work grows with n log n."""
    return n * math.log(n) / (at * math.log(at))


def made(n: float, machine: Machine) -> dict[str, float]:
    """Return the seconds of what every engine does: embedding on all cores, linear; finding copies on one, n^2 / 2."""
    articles = n / of("article")
    return {"embed": n / of("embed") / machine.cores, "copies": of("copies") * articles**2 / 2}


def crowded(n: float) -> float:
    """Return how many times over 40,000 the rarest word of a question matches; 1 if it matches fewer passages."""
    return max(1.0, of("rarest") * n / of("matched"))


def folder(n: float, machine: Machine) -> Plan:
    """The embedded index: writing is n log n, as segments are merged; bytes and a search (by two sizes) are linear."""
    millions, words = n / 1e6 - 0.1, of("folder words") * (crowded(n) - 1)
    return Plan(
        {**made(n, machine), "write": of("folder write") * nlogn(n, 1e6)},
        of("folder disk") * n,
        250e6 + of("folder build") * n,
        of("server") + (of("folder disk") - of("folder vectors")) * n,
        24 + of("folder p50") * millions + words,
        39 + of("folder p95") * millions + words,
    )


def exact(n: float, machine: Machine) -> Plan:
    """PostgreSQL with `?exact=1`: writing, bytes and comparing every vector are linear."""
    words = crowded(n) - 1
    p50, p95 = (
        of(f"pg exact search {q}") + of(f"pg every vector {q}") * (n / 1e5 - 1) + of(f"pg words {q}") * words
        for q in ("p50", "p95")
    )
    return Plan(
        {**made(n, machine), "write": of("pg write") * n},
        (of("pg disk") - of("pg hnsw disk")) * n,
        of("server") + of("signatures") * n / of("article"),
        of("server") + (of("pg vectors disk") + of("pg words disk")) * n,
        p50,
        p95,
    )


def postgres(n: float, machine: Machine) -> Plan:
    """PostgreSQL with HNSW: making it n log n, slower once its graph has no room; searching a power of n."""
    plain, words = exact(n, machine), crowded(n) - 1
    room = of("slow beyond") / of("pg graph")  # passages
    slow = max(0.0, nlogn(n, 1e6) - nlogn(min(n, room), 1e6)) * (of("pg slow") - 1)
    p50, p95 = (
        of(f"pg search {q}") * (n / 1e5) ** of(f"pg search grows {q}") + of(f"pg words {q}") * words
        for q in ("p50", "p95")
    )
    return Plan(
        {**plain.steps, "hnsw": of("pg hnsw") * (nlogn(n, 1e6) + slow)},
        of("pg disk") * n,
        plain.writing + min(of("slow beyond"), of("pg graph") * n),
        of("server") + (of("pg hnsw disk") + of("pg words disk")) * n,
        p50,
        p95,
    )


ENGINES: dict[str, Callable[[float, Machine], Plan]] = {
    "folder": folder,
    "PostgreSQL, HNSW": postgres,
    "PostgreSQL, exact": exact,
}


def first(broken: Callable[[float], bool]) -> float:
    """Return from how many passages on something holds, between 10^4 and 10^12, where it holds only beyond a point."""
    low, high = 4.0, 12.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if broken(10**middle) else (middle, high)
    return 10**high


def points(machine: Machine) -> dict[str, float]:
    """Return from how many passages on each limit is passed, the first one first."""
    memory, month = machine.memory_gb * 1e9, 30 * 24 * 3600
    found = {
        "the graph of HNSW exceeds the 512 MB that its build gets at least": of("slow beyond") / of("pg graph"),
        "adding one article to a folder takes over 1 s": 1e6 / of("add"),
        "a folder's p95 exceeds that of PostgreSQL with HNSW": first(
            lambda n: folder(n, machine).p95 > postgres(n, machine).p95
        ),
        "writing a folder takes more memory than there is": first(lambda n: folder(n, machine).writing > memory),
        "the indexes of PostgreSQL exceed the memory": first(lambda n: postgres(n, machine).searching > memory),
        "searching a folder takes more memory than there is": first(lambda n: folder(n, machine).searching > memory),
        "the rarest word of a question matches over 40,000 passages": of("matched") / of("rarest"),
        "finding copies takes longer than embedding": first(
            lambda n: made(n, machine)["copies"] > made(n, machine)["embed"]
        ),
        "a search in PostgreSQL takes over 1 s (p95)": first(lambda n: postgres(n, machine).p95 > 1000),
        "a backup of PostgreSQL takes over 8 h": 8 * 3600 * machine.backup_mb_s * 1e6 / of("pg disk"),
        "indexing into PostgreSQL takes over 30 days": first(lambda n: postgres(n, machine).seconds > month),
    }
    return dict(sorted(found.items(), key=lambda pair: pair[1]))


# -- tables and plot --------------------------------------------------------------------------------------------------


def told(value: float) -> str:
    """Return a number with two significant digits, in words from a million on.

    >>> told(13_040_000), told(0.126), told(1e9)
    ('13 million', '0.13', '1 billion')
    """
    for size, word in ((1e9, " billion"), (1e6, " million")):
        if value >= size:
            return told(value / size) + word
    digits = 1 - math.floor(math.log10(value))
    return f"{round(value, digits):,.{max(digits, 0)}f}".removesuffix(".0")


def rows(machine: Machine) -> list[str]:
    """Return the table of all sizes and engines in Markdown, without those whose search takes longer than an answer."""
    titles = (
        "passages", "engine", "to index, h", "of it embedding, copies", "disk, GB", "memory to write, GB",
        "memory to search, GB", "search p50, p95, ms", "backup, h", "to index, $", "a month, $",
    )  # fmt: skip
    lines = ["| " + " | ".join(titles) + " |", "|" + "---|" * len(titles)]
    for n in SIZES:
        for name, engine in ENGINES.items():
            plan = engine(n, machine)
            if plan.p50 > UNUSABLE:
                continue
            embed, copies = (told(plan.steps[step] / 3600) for step in ("embed", "copies"))
            cells = (
                *(told(n), name, told(plan.seconds / 3600), f"{embed}, {copies}"),
                *(told(size / 1e9) for size in (plan.disk, plan.writing, plan.searching)),
                *(f"{told(plan.p50)}, {told(plan.p95)}", told(plan.disk / machine.backup_mb_s / 3.6e9)),
                *(told(plan.once(machine)), told(plan.month(machine))),
            )
            lines.append("| " + " | ".join(cells) + " |")
    return lines


def limits(*machines: Machine) -> list[str]:
    """Return the table of `points` in Markdown, in the order of the first machine."""
    found = [points(machine) for machine in machines]
    heads = (f"{machine.memory_gb:g} GB, {machine.cores} cores" for machine in machines)
    lines = [f"| from here on | {' | '.join(heads)} |", "|" + "---|" * (1 + len(machines))]
    return lines + [f"| {said} | {' | '.join(told(each[said]) for each in found)} |" for said in found[0]]


WIDE, HIGH, LEFT, TOP = 250, 190, 56, 66  # of the axes of a panel, and what is left for labels
COLOURS = ("#0a6", "#c40", "#36c")


def panel(title: str, at: int, worth: Callable[[Plan], float], machine: Machine) -> str:
    """Return one pair of logarithmic axes with a line for each engine, as SVG."""
    lines = {name: [math.log10(worth(engine(n, machine))) for n in SIZES] for name, engine in ENGINES.items()}
    low = math.floor(min(map(min, lines.values())))
    high = math.ceil(max(map(max, lines.values())))
    parts = [f'<text x="{LEFT}" y="14" font-weight="bold">{title}</text>']
    for power in range(low, high + 1):
        y = TOP + HIGH * (high - power) / (high - low)
        parts.append(f'<path d="M{LEFT} {y:.1f}h{WIDE}" stroke="#8884"/>')
        parts.append(f'<text x="{LEFT - 5}" y="{y + 4:.1f}" text-anchor="end">{told(10.0**power)}</text>')
    xs = [LEFT + WIDE * step / (len(SIZES) - 1) for step in range(len(SIZES))]
    for x, n in zip(xs, SIZES, strict=True):
        power = f'10<tspan dy="-4" font-size="8">{math.log10(n):.0f}</tspan>'
        parts.append(f'<text x="{x:.1f}" y="{TOP + HIGH + 16}" text-anchor="middle">{power}</text>')
    for row, ((name, line), colour) in enumerate(zip(lines.items(), COLOURS, strict=True)):
        path = " ".join(f"{x:.1f} {TOP + HIGH * (high - y) / (high - low):.1f}" for x, y in zip(xs, line, strict=True))
        parts.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        parts.append(f'<text x="{LEFT}" y="{28 + 12 * row}" fill="{colour}">{name}</text>')
    return f'<g transform="translate({at} 0)">{"".join(parts)}</g>'


def drawing(machine: Machine) -> str:
    """Return the plot as SVG."""
    worths: Sequence[tuple[str, Callable[[Plan], float]]] = (
        ("Hours to index", lambda plan: plan.seconds / 3600),
        ("Memory to search, GB", lambda plan: plan.searching / 1e9),
        ("A search, p95, ms", lambda plan: plan.p95),
    )
    step = LEFT + WIDE + 24
    box = f'width="{step * len(worths)}" height="{TOP + HIGH + 24}" role="img"'
    style = 'aria-label="Cost by passages, extrapolated" style="background: white; font: 11px sans-serif" xmlns="http://www.w3.org/2000/svg"'
    panels = "\n".join(panel(title, at * step, worth, machine) for at, (title, worth) in enumerate(worths))
    return f"<svg {box} {style}>\n{panels}\n</svg>\n"


def main() -> None:
    usual = Machine()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cores", type=int, default=usual.cores)
    parser.add_argument("--memory", type=float, default=usual.memory_gb, help="GB")
    parser.add_argument("--core-hour", type=float, default=usual.core_hour, help="price")
    parser.add_argument("--gb-hour", type=float, default=usual.gb_hour, help="price of a GB of memory")
    parser.add_argument("--disk-month", type=float, default=usual.disk_month, help="price of a GB")
    parser.add_argument("--backup", type=float, default=usual.backup_mb_s, help="MB a second")
    parser.add_argument("--plot", type=Path, metavar="SVG")
    given = parser.parse_args()
    machine = Machine(given.cores, given.memory, given.core_hour, given.gb_hour, given.disk_month, given.backup)
    print("| rate | | | source |\n|---|---|---|---|")
    for name, rate in RATES.items():
        print(f"| {name} | {rate.value:.4g} | {rate.unit} | {rate.source} |")
    print("\n" + "\n".join(rows(machine)) + "\n\n" + "\n".join(limits(machine)))
    if given.plot:
        given.plot.write_text(drawing(machine), encoding="utf-8")


if __name__ == "__main__":
    main()
