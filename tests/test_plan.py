"""benchmarks/plan.py: laws and limits computed by hand, and docs/scale.md says what it prints."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
from conftest import REPOSITORY

DOCS = REPOSITORY / "docs"
BIG = 512.0  # GB of memory of the second machine in docs/scale.md


@pytest.fixture(scope="module")
def plan() -> Any:
    """benchmarks/plan.py as a module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(REPOSITORY / "benchmarks"))
        return importlib.import_module("plan")


class TestLaws:
    def test_embedding_is_linear_in_passages_and_cores(self, plan: Any) -> None:
        assert plan.made(65_700, plan.Machine(cores=2))["embed"] == pytest.approx(1000)
        assert plan.made(657_000, plan.Machine(cores=4))["embed"] == pytest.approx(5000)

    def test_copies_grow_with_the_square(self, plan: Any) -> None:
        articles = 100_000 * plan.of("article")  # in passages: at 2 ms for 100,000 known ones, half of them on average
        assert plan.made(articles, plan.Machine())["copies"] == pytest.approx(100)
        assert plan.made(10 * articles, plan.Machine())["copies"] == pytest.approx(10_000)

    def test_measured_sizes_come_out_as_measured(self, plan: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        at, million = plan.folder(1e5, plan.Machine()), plan.folder(1e6, plan.Machine())
        assert [at.p50, at.p95, million.p50, million.p95] == pytest.approx([24, 39, 29, 59])
        assert million.steps["write"] == pytest.approx(1_913)
        assert (million.disk, million.writing) == (pytest.approx(2.682e9), pytest.approx(5.144e9))
        at = plan.postgres(1e5, plan.Machine())
        assert [at.p50, at.p95] == pytest.approx([41, 141])
        at = plan.postgres(1e6, plan.Machine())
        assert [at.p50, at.p95] == pytest.approx([3.5 * million.p50, 3.9 * million.p95])
        room = {**plan.RATES, "slow beyond": plan.Rate(3e9, "", "")}  # as an operator gives it
        monkeypatch.setattr(plan, "RATES", room)
        assert plan.postgres(1e6, plan.Machine()).steps["hnsw"] == pytest.approx(904)
        exact = plan.exact(1e5, plan.Machine())
        assert [exact.p50, exact.p95] == pytest.approx([98, 145])

    def test_beyond_them_each_law(self, plan: Any) -> None:
        machine = plan.Machine()
        assert plan.nlogn(1e8, 1e4) == pytest.approx(20_000)
        assert plan.folder(1e7, machine).p95 == pytest.approx(39 + 20 * 9.9 / 0.9)
        # At 10^8 the rarest word matches 100,000 passages, 2.5 times the limit: 1.5 times the words' time is added.
        assert plan.postgres(1e8, machine).p95 == pytest.approx(141 * 1000**0.2127 + 122 * 1.5, rel=1e-3)
        # The part of the HNSW index that has no room takes "pg slow" times as long.
        room = plan.of("slow beyond") / plan.of("pg graph")
        taken = plan.postgres(1e6, machine).steps["hnsw"]
        assert taken == pytest.approx(904 * (1 + (1 - plan.nlogn(room, 1e6)) * (plan.of("pg slow") - 1)))

    def test_prices(self, plan: Any) -> None:
        machine = plan.Machine(cores=10, core_hour=0.1, gb_hour=0.01, disk_month=0.2)
        made = plan.Plan({"embed": 3600.0, "write": 3600.0}, disk=5e9, writing=1e9, searching=2e9, p50=1, p95=2)
        assert made.once(machine) == pytest.approx(2)
        assert made.month(machine) == pytest.approx(730 * 1.02 + 1)


class TestLimits:
    def test_computed_by_hand(self, plan: Any) -> None:
        found = plan.points(plan.Machine(cores=16, memory_gb=64))
        assert found["adding one article to a folder takes over 1 s"] == pytest.approx(1e6 / 0.89)
        assert found["writing a folder takes more memory than there is"] == pytest.approx((64e9 - 250e6) / 4_894)
        assert found["the rarest word of a question matches over 40,000 passages"] == pytest.approx(4e7)
        each = plan.of("article")
        square = 2 * each**2 / (plan.of("embed") * 16 * plan.of("copies"))  # copies a n^2 / 2 = embedding b n
        assert found["finding copies takes longer than embedding"] == pytest.approx(square)
        assert list(found.values()) == sorted(found.values())

    def test_where_postgres_takes_over_both_are_as_fast(self, plan: Any) -> None:
        machine = plan.Machine()
        n = plan.points(machine)["a folder's p95 exceeds that of PostgreSQL with HNSW"]
        assert plan.folder(n, machine).p95 == pytest.approx(plan.postgres(n, machine).p95)
        # 39 + 22.2 (n / 10^6 - 0.1) = 141 (n / 10^5) ^ 0.2127
        assert n == pytest.approx(1e5 + 0.9e6 / 20 * (141 * (n / 1e5) ** 0.2127 - 39), rel=1e-3)

    @pytest.mark.parametrize(
        ("value", "said"),
        [(13_040_000, "13 million"), (0.1264, "0.13"), (1e9, "1 billion"), (999, "1,000"), (5.04, "5"), (240, "240")],
    )
    def test_numbers_in_words(self, plan: Any, value: float, said: str) -> None:
        assert plan.told(value) == said


def test_the_page_says_what_the_script_prints(plan: Any) -> None:
    page = (DOCS / "scale.md").read_text(encoding="utf-8")
    usual, big = plan.Machine(), plan.Machine(memory_gb=BIG)
    for line in [*plan.rows(usual), *plan.limits(usual, big)]:
        assert line in page.splitlines()
    few, many = plan.points(usual), plan.points(big)
    faster = "a folder's p95 exceeds that of PostgreSQL with HNSW"
    full = "the indexes of PostgreSQL exceed the memory"
    for sentence in (
        f"up to about {plan.told(few[faster])} passages",
        f"64 GB hold {plan.told(few[full])} passages and {BIG:g} GB hold {plan.told(many[full])}",
        f"From {plan.told(few['indexing into PostgreSQL takes over 30 days'])} passages on",
        f"{plan.told(plan.of('pg slow'))} times slower without room",
    ):
        assert sentence in page
    assert (DOCS / "scale.svg").read_text(encoding="utf-8") == plan.drawing(usual)
