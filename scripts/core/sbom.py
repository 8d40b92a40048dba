"""A software bill of materials: what is installed, read from a package manager's own records.

An SBOM is a CycloneDX 1.6 document. The same content gives the same bytes: its identity comes from
the digest of its subject, and its time from the commit.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from scripts.core.errors import UsageError

DEB, APK, PYPI, NPM = "deb", "apk", "pypi", "npm"
"""Kinds of packages, as package URLs name them (package-url/purl-spec)."""
BASE, OURS = "base", "ours"
"""Who brings a package: a layer of the base image, or one that this project's Dockerfile adds."""
ORIGIN, LAYER, SOURCE = "release:origin", "release:layer", "release:source"
SUFFIX = ".cdx.json"
NAMESPACE = "5f4c0a86-6a3e-4f0a-9a53-9d6f7f4f4c0b"
"""Chosen at random once, so that the identities are our own (RFC 9562, version 5)."""
INSTALLED = "install ok installed"
REMEDY = "use the SBOM that the release wrote, unchanged"


@dataclass(frozen=True, order=True)
class Package:
    """An installed package."""

    kind: str
    name: str
    version: str
    source: str = ""
    """The source package that a distribution's advisories name; empty where it is the name."""
    arch: str = ""


@dataclass(frozen=True)
class Component:
    """A package, and the layer that brings it."""

    package: Package
    layer: str = ""
    """The digest of the layer; empty outside of images."""
    origin: str = OURS


@dataclass(frozen=True)
class Inventory:
    """What is installed in one subject: a platform's image, or an environment."""

    name: str
    version: str
    digest: str
    """`sha256:…` of the image or of the wheel."""
    components: tuple[Component, ...]
    distro: str = ""
    """`debian-13`, `alpine-3.22.1`: ID and VERSION_ID of os-release(5)."""


@dataclass
class Layer:
    """The files of one layer that say what is installed."""

    digest: str
    files: dict[str, bytes] = field(default_factory=dict)
    """By path, without a slash at the beginning."""
    removed: set[str] = field(default_factory=set)
    """Paths that it takes away (OCI image spec, whiteouts)."""


def asset_name(image: str, platform: str) -> str:
    """Name the SBOM of an image for a platform: `api-linux-amd64.cdx.json`."""
    return f"{image}-{platform.replace('/', '-')}{SUFFIX}"


PACKAGE = f"package{SUFFIX}"
"""The SBOM of the package's environment."""
_DPKG = re.compile(r"var/lib/dpkg/(status|status\.d/[^/]+)")
_APK = re.compile(r"(usr/)?lib/apk/db/installed")
_DIST = re.compile(r"(.*/)?[^/]+\.(dist-info/METADATA|egg-info/PKG-INFO)")
_NODE = re.compile(r"(.*/)?node_modules/(@[^/]+/)?[^/@]+/package\.json")
_OS = ("etc/os-release", "usr/lib/os-release")


def telling(path: str) -> bool:
    """Tell whether a file of an image says what is installed."""
    forms = (_DPKG, _APK, _DIST, _NODE)
    return path in _OS or any(form.fullmatch(path) for form in forms)


def inventory(name: str, version: str, digest: str, layers: list[Layer], base: int) -> Inventory:
    """Read what an image holds from its layers, of which the first `base` are the base image's."""
    final: dict[str, bytes] = {}
    first: dict[Package, int] = {}
    for number, layer in enumerate(layers):
        final = {path: text for path, text in final.items() if not _taken(path, layer.removed)}
        final |= layer.files
        for package in _packages(layer.files):
            first.setdefault(package, number)
    found = tuple(
        Component(one, layers[first[one]].digest, BASE if first[one] < base else OURS)
        for one in sorted(set(_packages(final)))
    )
    return Inventory(name, version, digest, found, _distro(final))


def _taken(path: str, removed: set[str]) -> bool:
    return any(path == one or path.startswith(f"{one}/") for one in removed)


def _packages(files: Mapping[str, bytes]) -> Iterator[Package]:
    for path, content in files.items():
        text = content.decode("utf-8", "replace")
        if _DPKG.fullmatch(path):
            yield from dpkg(text)
        elif _APK.fullmatch(path):
            yield from apk(text)
        elif _DIST.fullmatch(path):
            yield from dist(text)
        elif _NODE.fullmatch(path):
            yield from node(text)


def _distro(files: Mapping[str, bytes]) -> str:
    text = next((files[one] for one in _OS if files.get(one)), b"").decode("utf-8", "replace")
    said = dict(re.findall(r"^(ID|VERSION_ID)=[\"']?([\w.-]+)", text, re.MULTILINE))
    return "-".join(said[key] for key in ("ID", "VERSION_ID") if key in said)


def dpkg(text: str) -> Iterator[Package]:
    """Read dpkg's status file (deb822)."""
    for block in re.split(r"\n\s*\n", text):
        said = dict(re.findall(r"^([\w-]+): *(.*)$", block, re.MULTILINE))
        # A distroless image has a file for each package, without a status.
        if "Package" in said and said.get("Status", INSTALLED) == INSTALLED and "Version" in said:
            source = said.get("Source", "").partition(" ")[0]
            arch = said.get("Architecture", "")
            yield Package(DEB, said["Package"], said["Version"], source, arch)


def apk(text: str) -> Iterator[Package]:
    """Read apk's database (Alpine's wiki, Apk spec): P name, V version, A arch, o origin."""
    for block in re.split(r"\n\s*\n", text):
        said = dict(re.findall(r"^([PVAo]):(.*)$", block, re.MULTILINE))
        if "P" in said and "V" in said:
            yield Package(APK, said["P"], said["V"], said.get("o", ""), said.get("A", ""))


def _identity(name: str) -> str:
    import uuid  # noqa: PLC0415 - start-up counts

    return str(uuid.uuid5(uuid.UUID(NAMESPACE), name))


def dist(text: str) -> Iterator[Package]:
    """Read the metadata of an installed Python distribution."""
    from email.parser import HeaderParser  # noqa: PLC0415 - start-up counts

    said = HeaderParser().parsestr(text)
    if said["Name"] and said["Version"]:
        yield Package(PYPI, normalised(said["Name"]), said["Version"].strip())


def node(text: str) -> Iterator[Package]:
    """Read the package.json of an installed npm package."""
    try:
        said = json.loads(text)
    except ValueError:
        return
    name, version = (
        said.get(key) if isinstance(said, dict) else None for key in ("name", "version")
    )
    if isinstance(name, str) and isinstance(version, str) and name and version:
        yield Package(NPM, name, version)


def normalised(name: str) -> str:
    """Write a distribution's name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def purl(package: Package, distro: str = "") -> str:
    """Write the package URL."""
    space = {DEB: distro.partition("-")[0] or "debian", APK: distro.partition("-")[0] or "alpine"}
    name = package.name
    within = f"{space[package.kind]}/" if package.kind in space else ""
    if package.kind == NPM and name.startswith("@"):
        scope, _, name = name.partition("/")
        within = f"{quote(scope, safe='')}/"
    said = {"arch": package.arch, "distro": distro, "upstream": package.source}
    shown = said if package.kind in space else {}
    more = "&".join(f"{key}={quote(one, safe=':')}" for key, one in shown.items() if one)
    where = f"pkg:{package.kind}/{within}{quote(name, safe='')}@{quote(package.version, safe=':')}"
    return where + (f"?{more}" if more else "")


def write(found: Inventory, epoch: int) -> str:
    """Write the document; `epoch` is the commit's time, in seconds since 1970."""
    kind = "container" if found.distro or any(one.layer for one in found.components) else "library"
    when = datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    subject = {
        "type": kind,
        "bom-ref": f"{found.name}@{found.digest}",
        "name": found.name,
        "version": found.version,
        "hashes": [{"alg": "SHA-256", "content": found.digest.removeprefix("sha256:")}],
    }
    data = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{_identity(f'{found.name} {found.digest}')}",
        "version": 1,
        "metadata": {
            "timestamp": when,
            "component": subject,
            "properties": _properties({"release:distro": found.distro}),
        },
        "components": [_component(one, found.distro) for one in found.components],
    }
    return json.dumps(data, indent=1, sort_keys=True) + "\n"


def _component(one: Component, distro: str) -> dict[str, Any]:
    where = purl(one.package, distro)
    said = {ORIGIN: one.origin if one.layer else "", LAYER: one.layer, SOURCE: one.package.source}
    return {
        "type": "library",
        "bom-ref": where,
        "name": one.package.name,
        "version": one.package.version,
        "purl": where,
        "properties": _properties({**said, "release:arch": one.package.arch}),
    }


def _properties(said: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": key, "value": value} for key, value in sorted(said.items()) if value]


def read(text: str | bytes, name: str) -> Inventory:
    """Read one of our documents back. Raises UsageError if it is another, or altered in form."""
    try:
        data = json.loads(text)
        subject = data["metadata"]["component"]
        found = tuple(_read_component(one) for one in data["components"])
        distro = _said(data["metadata"]).get("release:distro", "")
        digest = f"sha256:{subject['hashes'][0]['content']}"
        return Inventory(subject["name"], subject["version"], digest, found, distro)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        cause = f"{name} is not an SBOM of a release: {type(error).__name__}: {error}"
        raise UsageError(cause, REMEDY) from error


def _read_component(data: Mapping[str, Any]) -> Component:
    said = _said(data)
    kind = data["purl"].partition(":")[2].partition("/")[0]
    source, arch = said.get(SOURCE, ""), said.get("release:arch", "")
    package = Package(kind, str(data["name"]), str(data["version"]), source, arch)
    return Component(package, said.get(LAYER, ""), said.get(ORIGIN, OURS))


def _said(data: Mapping[str, Any]) -> dict[str, str]:
    return {one["name"]: one["value"] for one in data.get("properties", ())}


def versions(found: Inventory) -> dict[str, str]:
    """Give each package's version by its kind and name; several versions stand in one text."""
    seen: dict[str, list[str]] = {}
    for one in found.components:
        key = f"{one.package.kind} {one.package.name}"
        seen.setdefault(key, []).append(one.package.version)
    return {key: ", ".join(dict.fromkeys(each)) for key, each in seen.items()}


def changes(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield added, removed and changed packages, by name: the name, its version before and now."""
    for name in sorted(before.keys() | now.keys()):
        old, new = before.get(name, ABSENT), now.get(name, ABSENT)
        if old != new:
            yield name, old, new


ABSENT = "-"


def environment(name: str, version: str, digest: str, pins: Iterable[tuple[str, str]]) -> Inventory:
    """Describe a package with what its lock pins."""
    own = Package(PYPI, normalised(name), version)
    locked = {Package(PYPI, normalised(one), pinned) for one, pinned in pins}
    found = tuple(Component(one) for one in sorted({own} | locked))
    return Inventory(name, version, digest, found)
