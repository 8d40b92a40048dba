"""Find what is public under a project's names and no lock explains: a release that is not ours.

Versions below the first locked one were released before this system: no lock explains them, and
none needs to. A version whose git tag names a lock, or whose run is under way, is not checked.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from packaging.version import Version

from scripts.core.errors import ServiceError, TransientError
from scripts.core.findings import Finding, foreign, not_checked
from scripts.core.lockfile import Lock
from scripts.core.planning import Plan
from scripts.core.tags import LATEST, names
from scripts.release import attempt
from scripts.release.context import Context
from scripts.surfaces import registry_access

POINTER = re.compile(rf"{LATEST}|\d+(\.\d+)?")
REFERRERS = re.compile(r"sha256-([0-9a-f]{64})(\.\w+)?")
"""The tags of signatures in a registry without the referrers API (OCI distribution spec)."""
ALARM = (
    "find out who made it, and revoke the credential that it was made with; then delete it, or "
    "yank it on the index"
)
UNFINISHED = "its lock is not public: a release that is under way, or that was withdrawn"
TAGS = "; if it is yours, list it under `image-tags` of [tool.release.watch]"


@dataclass(frozen=True)
class Explained:
    """The locks of every public release, and the repository that they are of."""

    context: Context
    locks: Mapping[Version, Lock]
    unread: frozenset[Version] = frozenset()
    """Versions whose lock cannot be read."""

    def unexplained(self) -> dict[str, Finding]:
        """Find each public name without a lock; the names of one version share a finding."""
        if not self.locks:
            return {}
        found: dict[Version, list[str]] = {}
        for what, version in (*self._git_tags(), *self._releases(), *self._packages()):
            found.setdefault(version, []).append(what)
        others: dict[str, Finding] = {}
        for repository in sorted({one.repository for plan in self._plans for one in plan.images}):
            self._images(repository, found, others)
        for version, places in sorted(found.items()):
            if self._is_new(version):
                others |= dict.fromkeys(places, self._judged(version, places))
        return others

    def _images(
        self, repository: str, found: dict[Version, list[str]], others: dict[str, Finding]
    ) -> None:
        """Sort the tags of an image into those of versions and those that nothing explains."""
        for tag in self._tags(repository, others):
            reference = f"{repository}:{tag}"
            what, version = f"image tag {reference}", self.context.style.read(tag)
            if version is None and not self._explains(tag, reference):
                others[what] = foreign(what, "no lock explains it", ALARM + TAGS)
            elif version and self._is_new(version) and self._digest(reference):
                found.setdefault(version, []).append(what)

    def _is_new(self, version: Version) -> bool:
        """Tell whether a version should have a lock. A registry counts requests: ask few."""
        return version not in {*self.locks, *self.unread} and version > self._first

    def _digest(self, reference: str) -> str:
        """Give what a tag leads to; empty for one that is only listed still."""
        found = self.context.ask(partial(self.context.registry.find, reference))
        return found.digest if found else ""

    def _judged(self, version: Version, places: list[str]) -> Finding:
        """Judge a version that is public and has no lock: under way, or foreign."""
        what, named = f"version {version}", ", ".join(places)
        if self._begun(version):
            return not_checked(what, f"{named}: {UNFINISHED}")
        return foreign(what, f"{named}: no lock explains it", ALARM)

    @property
    def _plans(self) -> list[Plan]:
        return [one.plan for one in self.locks.values()]

    @property
    def _first(self) -> Version:
        first = min(self.locks.items(), key=lambda pair: pair[1].plan.source_date_epoch)
        return first[0]

    def _begun(self, version: Version) -> bool:
        """Tell whether a release of ours began: its tag names a lock, or the tag started a run."""
        context, tag = self.context, self.context.style.tag(version)
        said = context.ask(partial(attempt.said_by_tag, context, tag))
        return bool(said) or context.ask(partial(context.forge.is_running, tag))

    def _git_tags(self) -> Iterator[tuple[str, Version]]:
        for name in names(self.context.ask(self.context.git.refs)):
            if version := self.context.style.read(name):
                yield f"git tag {name}", version

    def _releases(self) -> Iterator[tuple[str, Version]]:
        for one in self.context.ask(self.context.forge.releases):
            version = self.context.style.read(one.tag_name)
            if version and not one.draft:
                yield f"release {one.tag_name}", version
        latest = self.context.ask(self.context.forge.latest) or ""
        if shown := self.context.style.read(latest):
            yield "GitHub's Latest", shown

    def _packages(self) -> Iterator[tuple[str, Version]]:
        for project in sorted({plan.project for plan in self._plans if plan.dists}):
            find = partial(self.context.index.versions, project)
            for version in sorted(self.context.ask(find)):
                yield f"package {project} {version}", version

    def _tags(self, repository: str, found: dict[str, Finding]) -> list[str]:
        """List the tags of an image; a registry that does not show them is named in `found`."""
        listed = partial(registry_access.tags, repository, self.context.environment.silence())
        try:
            return self.context.ask(listed)
        except TransientError:
            raise
        except ServiceError as error:
            what = f"image tags of {repository}"
            found[what] = not_checked(what, error.cause)
            return []

    def _explains(self, tag: str, reference: str) -> bool:
        """Tell whether a pointer, or a tag of another kind, is ours or from before."""
        known = {
            one
            for lock in self.locks.values()
            for image in lock.images
            for one in (image.digest, *image.platforms.values())
        }
        if said := REFERRERS.fullmatch(tag):
            return f"sha256:{said[1]}" in known
        if not POINTER.fullmatch(tag):
            return tag in self.context.config_at("HEAD").watch.image_tags
        before = tag != LATEST and self._before(tag)
        return before or self._digest(reference) in {*known, ""}

    def _before(self, line: str) -> bool:
        """Tell whether a line such as `0.1` ended before the first lock."""
        ours = {name for plan in self._plans for image in plan.images for name in image.floating}
        return line not in ours and Version(line) < self._first
