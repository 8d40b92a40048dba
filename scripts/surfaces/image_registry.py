"""The image registry, through buildx: image indexes, version tags, floating tags."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from scripts.core import version
from scripts.core.converge import NAME, POINTER, Conflict, Matches, Missing, State, Surface
from scripts.core.errors import ServiceError, TransientError
from scripts.surfaces import web
from scripts.tools import processes

VERSION_LABEL = "org.opencontainers.image.version"
REGISTRY = "the image registry"
REMEDY = "check IMAGE_REGISTRY and the registry's status page, and run this again"
# A registry that hides which repositories exist says "denied" for a missing one.
ABSENT = ("not found", "does not exist", "manifest unknown", "name unknown", "insufficient_scope")


@dataclass(frozen=True)
class Found:
    """The content of a reference: an image index, or a single image."""

    digest: str
    platforms: dict[str, str]


class ImageRegistry:
    """`docker buildx imagetools`, with the credentials of the Docker login."""

    def __init__(self, environment: Mapping[str, str], silence: float = web.SILENCE) -> None:
        self._environment = environment
        self._silence = silence

    def find(self, reference: str) -> Found | None:
        """Look up a tag or a digest; None if it does not exist. It costs one pull."""
        text = self._raw(reference)
        if text is None:
            return None
        with web.failures(REGISTRY, REMEDY):
            manifest = json.loads(text)
            if not {"manifests", "config"} & manifest.keys():
                raise TypeError(f"expected a manifest, found {text[:40]}")
            platforms = {
                f"{entry['platform']['os']}/{entry['platform']['architecture']}": entry["digest"]
                for entry in manifest.get("manifests", ())
                if entry.get("platform")
            }
            return Found(_digest(text), platforms)

    def labels(self, reference: str) -> dict[str, str]:
        """Read the labels of the image; of an index, those of its first platform."""
        text = self._unless_absent("inspect", "--format={{json .Image}}", "--", reference) or "{}"
        with web.failures(REGISTRY, REMEDY):
            image = json.loads(text)
            image = image if "config" in image else next(iter(image.values()), {})
            labels: dict[str, str] = image.get("config", {}).get("Labels") or {}
            return labels

    def raw(self, reference: str) -> bytes:
        """Return the bytes of a manifest, whose hash is its digest."""
        text = self._imagetools("inspect", "--raw", "--", reference)
        return text.encode("utf-8", "surrogateescape")

    def size(self, reference: str) -> int | None:
        """Return the download size of one platform's image, by digest; None if it is gone."""
        text = self._raw(reference)
        if text is None:
            return None
        with web.failures(REGISTRY, REMEDY):
            return sum(int(layer["size"]) for layer in json.loads(text).get("layers", []))

    def create(self, target: str, *sources: str) -> None:
        """Point `target` at the sources: copy one index, or join several images."""
        self._imagetools("create", f"--tag={target}", "--", *sources)

    def join(self, repository: str, digests: list[str]) -> str:
        """Make the image index of platform images, without any tag; give its digest."""
        sources = [f"{repository}@{digest}" for digest in digests]
        text = self._imagetools("create", "--dry-run", "--", *sources)
        digest = index_digest(text)
        if self.find(f"{repository}@{digest}") is None:
            self.create(f"{repository}@{digest}", *sources)
        return digest

    def _raw(self, reference: str) -> str | None:
        return self._unless_absent("inspect", "--raw", "--", reference)

    def _unless_absent(self, *arguments: str) -> str | None:
        try:
            return self._imagetools(*arguments)
        except TransientError:
            raise
        except ServiceError as error:
            if any(sign in error.cause.lower() for sign in ABSENT):
                return None
            raise

    def _imagetools(self, *arguments: str) -> str:
        command = ["docker", "buildx", "imagetools", *arguments]
        try:
            return processes.run(command, environment=self._environment, timeout=4 * self._silence)
        except TransientError:
            raise
        except ServiceError:
            self._need_buildx()
            raise

    def _need_buildx(self) -> None:
        """Report a docker without buildx: its own message about this is misleading."""
        try:
            processes.run(["docker", "buildx", "version"], environment=self._environment)
        except ServiceError as error:
            raise ServiceError(
                "docker has no buildx here, so registries cannot be read",
                "install docker's plugin buildx; `bin/release doctor` lists all requirements",
            ) from error


def index_digest(dry_run: str) -> str:
    """Return the future digest of an image index, from the output of a dry run.

    The digest covers the bytes to send: the printed ones without the last line feed.
    """
    return _digest(dry_run.removesuffix(chr(10)))


def _digest(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


@dataclass(frozen=True)
class ImageTag(Surface):
    """A tag of an image's repository, which must name an image index."""

    registry: ImageRegistry
    repository: str
    tag: str
    digest: str

    @property
    def title(self) -> str:
        """Name the tag with its repository."""
        return f"image tag {self.reference}"

    @property
    def reference(self) -> str:
        """Repository and tag."""
        return f"{self.repository}:{self.tag}"

    @property
    def planned(self) -> str:
        """Return the digest; a plan does not know it yet."""
        return self.digest or "the tested image"

    def apply(self) -> None:
        """Copy the tested index unchanged to the tag."""
        self.registry.create(self.reference, f"{self.repository}@{self.digest}")


@dataclass(frozen=True)
class VersionTag(ImageTag):
    """An image's version tag: a name, so it never moves."""

    kind = NAME

    def observe(self) -> State:
        """Check which image index it names."""
        found = self.registry.find(self.reference)
        if found is None:
            return Missing("not there")
        if found.digest == self.digest:
            return Matches(self.digest)
        return Conflict(
            f"names {found.digest}, this release is {self.digest}",
            "a public tag must not be moved: release the next version",
        )


@dataclass(frozen=True)
class FloatingTag(ImageTag):
    """An image's `latest`, `0` or `0.2`: a pointer, which only moves forward."""

    kind = POINTER
    version: str

    def observe(self) -> State:
        """Check its target; a higher version that was released since keeps it."""
        found = self.registry.find(self.reference)
        if found and found.digest == self.digest:
            return Matches(self.digest)
        held = self.registry.labels(self.reference).get(VERSION_LABEL, "") if found else ""
        higher = version.from_tag(f"v{held}")  # None without a version label
        if higher and higher > version.parse(self.version):
            return Matches(f"held by the higher version {held}")
        return Missing(f"at {held or found.digest}" if found else "not there")
