"""A plan and a lock to look at, small and complete."""

from dataclasses import replace

from packaging.version import Version

from scripts.core import planning
from scripts.core.lockfile import Lock, LockedDist, LockedImage
from scripts.core.planning import Base, Plan, PlannedImage, Product

SHA = "0123456789abcdef" * 4
COMMIT = SHA[:40]
PLATFORMS = ("linux/amd64", "linux/arm64")
IMAGE = PlannedImage("api", "Dockerfile.api", "docker.io/mari/api", PLATFORMS, "", ())
PRODUCT = Product("Sample.Thing", "Mari <mari@example.org>", True, (IMAGE,))
BASE = Base(COMMIT, "main", "2026-01-02", 1767312000)


def a_plan(version: str = "0.2.4", *released: str, base: Base = BASE) -> Plan:
    return planning.decide(PRODUCT, Version(version), base, {Version(v): f"v{v}" for v in released})


def a_lock(version: str = "0.2.4") -> Lock:
    plan = a_plan(version, "0.2.3")
    dists = tuple(LockedDist(name, SHA, 100 + i) for i, name in enumerate(plan.dists))
    platforms = dict.fromkeys(PLATFORMS, f"sha256:{SHA[::-1]}")
    return Lock(plan, COMMIT[::-1], dists, (LockedImage("api", f"sha256:{SHA}", platforms),))


def of_tag(plan: Plan) -> Plan:
    return planning.identified(replace(plan, branch=None, release_branch=None))
