"""How many cores a process may use, with invented cgroup trees and the real CPU affinity of a process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from citewire.index.cores import usable_cores


class TestQuotas:
    """Invented cgroup trees, with 16 cores allowed by the affinity."""

    @staticmethod
    def cores(tmp_path: Path, quotas: dict[str, str], own: str = "0::/\n") -> int:
        for name, text in quotas.items():
            file = tmp_path / "cgroup" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        (tmp_path / "own").write_text(own)
        return usable_cores(tmp_path / "cgroup", tmp_path / "own", allowed=16)

    def test_no_cgroups(self, tmp_path: Path) -> None:
        assert self.cores(tmp_path, {}) == 16
        assert usable_cores(tmp_path / "none", tmp_path / "none", allowed=3) == 3

    @pytest.mark.parametrize(
        ("limit", "cores"),
        [("250000 100000\n", 2), ("max 100000\n", 16), ("50000 100000\n", 1), ("9900000 100000\n", 16), ("", 16)],
    )
    def test_version_2(self, tmp_path: Path, limit: str, cores: int) -> None:
        assert self.cores(tmp_path, {"cpu.max": limit}) == cores

    @pytest.mark.parametrize(("quota", "cores"), [("400000\n", 4), ("-1\n", 16), ("30000\n", 1)])
    def test_version_1(self, tmp_path: Path, quota: str, cores: int) -> None:
        quotas = {"cpu/cpu.cfs_quota_us": quota, "cpu/cpu.cfs_period_us": "100000\n"}
        assert self.cores(tmp_path, quotas) == cores

    def test_the_tightest_level_counts(self, tmp_path: Path) -> None:
        quotas = {"a/cpu.max": "300000 100000\n", "a/b/cpu.max": "800000 100000\n", "c/cpu.max": "1 1\n"}
        assert self.cores(tmp_path, quotas, own="1:name=x:/a\n0::/a/b\n") == 3

    def test_a_group_of_version_1(self, tmp_path: Path) -> None:
        quotas = {"cpu/pod/one/cpu.cfs_quota_us": "700000", "cpu/pod/one/cpu.cfs_period_us": "100000"}
        quotas |= {"cpu/pod/cpu.cfs_quota_us": "500000", "cpu/pod/cpu.cfs_period_us": "100000"}
        assert self.cores(tmp_path, quotas, own="5:cpuset:/\n4:cpu,cpuacct:/pod/one\n0::/\n") == 5


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="Linux only")
def test_affinity_of_a_process() -> None:
    program = (
        "import os; from pathlib import Path; from citewire.index.cores import usable_cores\n"
        "allowed = sorted(os.sched_getaffinity(0))\n"
        "nowhere = Path('no/such/folder')\n"
        "for cores in (allowed[:1], allowed[:2]):\n"
        "    os.sched_setaffinity(0, cores)\n"
        "    print(usable_cores(nowhere, nowhere))\n"
    )
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert printed.split() == ["1", str(min(2, len(os.sched_getaffinity(0))))]
