"""How many CPU cores this process may use, by its CPU affinity and its cgroup quotas."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path


def usable_cores(
    cgroup: Path = Path("/sys/fs/cgroup"),
    own_cgroup: Path = Path("/proc/self/cgroup"),
    *,
    allowed: int | None = None,
) -> int:
    """Return how many cores this process can keep busy: the cores of its CPU affinity, at most its quota, at least 1.

    Containers limit CPU by quota. `os.cpu_count()` does not see quotas, and more threads than cores slow down every
    engine.
    joblib's `cpu_count` reads the quota of the topmost group only, rounds it up and imports NumPy: with a quota of
    1.5 cores for a group below, it gave 2.

    Args:
        cgroup: mount point of the cgroup file systems. In version 2 a group's quota is in `cpu.max` ("200000 100000" or
            "max 100000": microseconds of CPU time per period), in version 1 in `cpu/.../cpu.cfs_quota_us` and
            `cpu.cfs_period_us`.
        own_cgroup: the file that names this process's groups, as "0::/a/b" or "4:cpu,cpuacct:/a/b".
        allowed: number of cores of the CPU affinity; None for the process's own.
    """
    cores = float(allowed or _affinity())
    for quota, period in _quotas(cgroup, own_cgroup):
        if quota.isdigit() and period.isdigit() and int(quota) and int(period):
            cores = min(cores, int(quota) / int(period))
    return max(1, int(cores))


def _affinity() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # macOS has no affinity


def _quotas(cgroup: Path, own_cgroup: Path) -> Iterator[tuple[str, str]]:
    """Yield (quota, period) of this process's groups and their ancestors, as written in the files."""
    own = {"": "/", "cpu": "/"}  # inside a container its own group may be the root
    for line in _read(own_cgroup).splitlines():
        _, controllers, path = line.split(":", 2)
        own |= dict.fromkeys(controllers.split(","), path)
    for group in _upwards(cgroup, own[""]):
        quota, _, period = _read(group / "cpu.max").partition(" ")
        yield quota, period
    for group in _upwards(cgroup / "cpu", own["cpu"]):
        yield _read(group / "cpu.cfs_quota_us"), _read(group / "cpu.cfs_period_us")


def _upwards(root: Path, path: str) -> Iterator[Path]:
    """Yield a group's folder and its parents, up to `root`."""
    folder = root / path.lstrip("/")
    yield from (level for level in (folder, *folder.parents) if level.is_relative_to(root))


def _read(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:  # without this controller there is no limit
        return ""
