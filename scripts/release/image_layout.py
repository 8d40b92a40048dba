"""Read a built image from its OCI layout: its layers, and the base image that BuildKit used."""

import json
import re
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.core import sbom
from scripts.core.errors import ServiceError
from scripts.core.sbom import Layer

REMEDY = "read the image's build log, and run the release again"
WHITEOUT, OPAQUE = ".wh.", ".wh..wh..opq"
"""OCI image spec, layers: whiteouts."""
SOURCE = re.compile(r"docker-image://(?P<name>.+)@(?P<digest>sha256:[0-9a-f]{64})")
LARGEST = 32 << 20  # bytes of one file that says what is installed


@dataclass(frozen=True)
class Base:
    """The image that the last stage of the Dockerfile starts from."""

    reference: str = ""
    """`docker.io/library/python:3.13-slim`; empty for an image that starts from scratch."""
    digest: str = ""
    layers: int = 0
    """How many layers of the built image are its own."""


def layers(layout: Path, digest: str) -> list[Layer]:
    """Read the layers of the image with this digest, the lowest first."""
    manifest = json.loads(_blob(layout, digest).read_text("utf-8"))
    return [_layer(_blob(layout, one["digest"]), one["digest"]) for one in manifest["layers"]]


def _blob(layout: Path, digest: str) -> Path:
    path = layout / "blobs" / digest.replace(":", "/")
    if not path.is_file():
        raise ServiceError(f"the exported image does not contain {digest}", REMEDY)
    return path


def _layer(path: Path, digest: str) -> Layer:
    found = Layer(digest)
    try:
        # Member by member: a layer can be larger than the memory.
        with tarfile.open(path, "r|*") as archive:
            for member in archive:
                _take(found, archive, member)
    except tarfile.TarError as error:
        raise ServiceError(f"cannot read the layer {digest}: {error}", REMEDY) from error
    return found


def _take(found: Layer, archive: tarfile.TarFile, member: tarfile.TarInfo) -> None:
    name = member.name.removeprefix("./").lstrip("/")
    folder, _, last = name.rpartition("/")
    if last == OPAQUE:
        found.removed.add(folder)
    elif last.startswith(WHITEOUT):
        found.removed.add(f"{folder}/{last.removeprefix(WHITEOUT)}".lstrip("/"))
    elif member.isreg() and member.size <= LARGEST and sbom.telling(name):
        content = archive.extractfile(member)
        found.files[name] = content.read() if content else b""


def base(metadata: Mapping[str, Any], layout: Path, digest: str) -> Base:
    """Find the base image in what buildx says of the build (provenance, with mode=max).

    It is the source whose layers are the first ones of the built image.
    """
    manifest = json.loads(_blob(layout, digest).read_text("utf-8"))
    own = [one["digest"] for one in manifest["layers"]]
    try:
        said = metadata["buildx.build.provenance"]
        steps = said["buildConfig"]["llbDefinition"] or ()
        chains = said["metadata"][LAYERS].get("layers") or {}
    except (LookupError, TypeError, AttributeError) as error:
        cause = "buildx does not say what the image was built from"
        raise ServiceError(
            cause, "use buildx 0.13 or newer, with BuildKit 0.13 or newer"
        ) from error
    found = [one for step in steps if (one := _source(step, chains, own))]
    return max(found, key=lambda one: one.layers, default=Base())


LAYERS = "https://mobyproject.org/buildkit@v1#metadata"


def _source(step: Mapping[str, Any], chains: Mapping[str, Any], own: list[str]) -> Base | None:
    operation = (step.get("op") or {}).get("Op") or {}
    named = SOURCE.fullmatch((operation.get("source") or {}).get("identifier", ""))
    chain = (chains.get(f"{step.get('id')}:0") or [[]])[0]
    digests = [one["digest"] for one in chain]
    if named is None or not digests or own[: len(digests)] != digests:
        return None
    return Base(named["name"], named["digest"], len(digests))
