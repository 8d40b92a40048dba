"""What an SBOM says, in a form that others read, and the same for the same content."""

import json
from dataclasses import replace

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from scripts.core import sbom
from scripts.core.errors import UsageError
from scripts.core.sbom import BASE, OURS, Component, Inventory, Layer, Package
from tests.core.values import SHA

DIGEST = f"sha256:{SHA}"
OS = b'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nID=debian\nVERSION_ID="13"\n'
STATUS = """\
Package: libssl3t64
Status: install ok installed
Source: openssl (3.5.1-1)
Architecture: amd64
Version: 3.5.1-1+deb13u1
Description: a library
 Version: of a continued line

Package: gone
Status: deinstall ok config-files
Version: 1

Package: zlib1g
Status: install ok installed
Architecture: amd64
Version: 1:1.3.1-1
"""
APK = "P:busybox\nV:1.37.0-r12\nA:x86_64\no:busybox\nF:bin\n\nP:libssl3\nV:3.5.1-r0\no:openssl\n"
SITE = "opt/site"


def metadata(name: str, version: str) -> bytes:
    return f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nVersion: 9\n".encode()


def layers() -> list[Layer]:
    base = Layer("sha256:base", {"etc/os-release": OS, "var/lib/dpkg/status": STATUS.encode()})
    base.files["usr/lib/python3/pip-25.dist-info/METADATA"] = metadata("pip", "25.1")
    ours = Layer("sha256:ours")
    ours.files[f"{SITE}/Jinja2-3.1.2.dist-info/METADATA"] = metadata("Jinja2", "3.1.2")
    ours.files["srv/node_modules/@a/b/package.json"] = b'{"name": "@a/b", "version": "1.0.0"}'
    ours.removed.add("usr/lib/python3/pip-25.dist-info")
    return [base, ours]


def made() -> Inventory:
    return sbom.inventory("api-linux-amd64", "0.2.4", DIGEST, layers(), 1)


def test_an_image_is_read_as_its_package_managers_see_it() -> None:
    found = {one.package.name: one for one in made().components}
    assert set(found) == {"libssl3t64", "zlib1g", "jinja2", "@a/b"}
    assert found["libssl3t64"].package == Package(
        "deb", "libssl3t64", "3.5.1-1+deb13u1", "openssl", "amd64"
    )
    assert made().distro == "debian-13"


def test_each_package_names_the_layer_that_brings_it() -> None:
    found = {one.package.name: (one.layer, one.origin) for one in made().components}
    assert found["zlib1g"] == ("sha256:base", BASE)
    assert found["jinja2"] == ("sha256:ours", OURS)


def test_a_package_that_a_later_layer_only_lists_again_stays_the_base_images() -> None:
    """`apt-get install` writes the whole status file anew."""
    more = STATUS + "\nPackage: curl\nStatus: install ok installed\nVersion: 8\n"
    stack = [*layers(), Layer("sha256:third", {"var/lib/dpkg/status": more.encode()})]
    found = sbom.inventory("x", "1", DIGEST, stack, 1).components
    origins = {one.package.name: one.origin for one in found}
    assert (origins["zlib1g"], origins["curl"]) == (BASE, OURS)


def test_an_upgrade_in_our_layer_replaces_the_package_of_the_base_image() -> None:
    newer = STATUS.replace("1:1.3.1-1", "1:1.3.1-2").encode()
    found = sbom.inventory(
        "x", "1", DIGEST, [*layers(), Layer("l", {"var/lib/dpkg/status": newer})], 1
    )
    (zlib,) = (one for one in found.components if one.package.name == "zlib1g")
    assert (zlib.package.version, zlib.origin) == ("1:1.3.1-2", OURS)


def test_alpine_is_read() -> None:
    assert list(sbom.apk(APK)) == [
        Package("apk", "busybox", "1.37.0-r12", "busybox", "x86_64"),
        Package("apk", "libssl3", "3.5.1-r0", "openssl"),
    ]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"name": "a"}', '{"name": 1, "version": "1"}'])
def test_a_package_json_that_names_no_package_is_left_out(text: str) -> None:
    assert list(sbom.node(text)) == []


@pytest.mark.parametrize(
    ("path", "tells"),
    [
        ("var/lib/dpkg/status", True),
        ("var/lib/dpkg/status-old", False),
        ("var/lib/dpkg/status.d/base", True),
        ("lib/apk/db/installed", True),
        ("usr/lib/apk/db/installed", True),
        ("opt/x-1.dist-info/METADATA", True),
        ("opt/x-1.dist-info/RECORD", False),
        ("a/node_modules/x/package.json", True),
        ("a/node_modules/@x/y/package.json", True),
        ("a/node_modules/x/lib/package.json", False),
        ("a/package.json", False),
    ],
)
def test_only_the_records_of_package_managers_are_read(path: str, tells: bool) -> None:
    assert sbom.telling(path) is tells


def test_others_accept_the_document() -> None:
    validator = JsonStrictValidator(SchemaVersion.V1_6)
    environment = sbom.environment("Sample.Thing", "0.2.4", DIGEST, [("numpy", "2.0")])
    for one in (made(), environment):
        assert validator.validate_str(sbom.write(one, 1767312000)) is None
    broken = sbom.write(made(), 1767312000).replace('"library"', '"something"')
    assert validator.validate_str(broken) is not None, "the validator sees a mistake"


def test_package_urls_are_those_of_the_reference_implementation() -> None:
    for one in made().components:
        text = sbom.purl(one.package, "debian-13")
        assert PackageURL.from_string(text).to_string() == text
    said = PackageURL.from_string(sbom.purl(made().components[0].package, "debian-13"))
    assert (said.type, said.namespace, said.qualifiers["upstream"]) == ("deb", "debian", "openssl")


def test_the_same_content_is_the_same_document() -> None:
    again = replace(made(), components=tuple(made().components))
    assert sbom.write(made(), 1767312000) == sbom.write(again, 1767312000)
    data = json.loads(sbom.write(made(), 1767312000))
    assert data["metadata"]["timestamp"] == "2026-01-02T00:00:00Z"
    other = json.loads(sbom.write(replace(made(), digest="sha256:" + "f" * 64), 1767312000))
    assert data["serialNumber"] != other["serialNumber"]


def test_it_reads_back() -> None:
    assert sbom.read(sbom.write(made(), 0), "x") == made()
    environment = sbom.environment("Sample.Thing", "0.2.4", DIGEST, [("numpy", "2.0")])
    assert sbom.read(sbom.write(environment, 0), "x") == environment


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"metadata": {"component": 1}}', "\x00"])
def test_another_document_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"api\.cdx\.json is not an SBOM"):
        sbom.read(text, "api.cdx.json")


def test_the_difference_names_what_was_added_removed_and_changed() -> None:
    now = Inventory(
        "x", "2", DIGEST, (Component(Package("deb", "a", "2")), Component(Package("deb", "b", "1")))
    )
    was = Inventory(
        "x", "1", DIGEST, (Component(Package("deb", "a", "1")), Component(Package("deb", "c", "1")))
    )
    assert list(sbom.changes(sbom.versions(was), sbom.versions(now))) == [
        ("deb a", "1", "2"),
        ("deb b", "-", "1"),
        ("deb c", "1", "-"),
    ]
