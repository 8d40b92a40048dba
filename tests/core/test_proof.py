"""The lines about security and size, and their details."""

from dataclasses import replace

import pytest

from scripts.core import proof
from scripts.core.lockfile import Signing
from scripts.core.sbom import Component, Inventory, Package
from scripts.core.scan_policy import Verdict, Vulnerability

FOUND = Vulnerability(
    *("CVE-1", "openssl", "3.5.1-1", "", "high"),
    where=("api-linux-amd64",),
    layer="base",
    known=True,
    stops=False,
    why="no fix exists",
)
VERDICT = Verdict(
    *("2026-11-25", "fixable high", "osv-scanner 2.4.0"),
    {"Debian": "ab" * 32},
    "2026-11-24T10:00:00",
    (FOUND,),
    since="v0.2.3",
)


def inventory(*packages: tuple[str, str]) -> Inventory:
    found = tuple(Component(Package("deb", *one)) for one in packages)
    return Inventory("api-linux-amd64", "1", "sha256:1", found, "debian-13")


@pytest.mark.parametrize(
    ("verdict", "line"),
    [
        (replace(VERDICT, findings=()), "Security: 0 stopping, 0 known unfixable"),
        (VERDICT, "Security: 0 stopping, 1 known unfixable"),
        (
            replace(VERDICT, findings=(replace(FOUND, known=False),)),
            "Security: 0 stopping, 1 known unfixable (1 new since v0.2.3)",
        ),
        (
            replace(VERDICT, findings=(replace(FOUND, known=False),), since=""),
            "Security: 0 stopping, 1 known unfixable",
        ),
        (
            replace(VERDICT, findings=(replace(FOUND, fixed="4"), replace(FOUND, stops=True))),
            "Security: 1 stopping, 0 known unfixable, 1 that can wait",
        ),
        (
            replace(VERDICT, findings=(), exceptions=("CVE-9: remove it",)),
            "Security: 0 stopping, 0 known unfixable, 1 exceptions to review",
        ),
    ],
)
def test_security_has_one_line(verdict: Verdict, line: str) -> None:
    assert proof.security(verdict).text == line
    assert "\n" not in line


def test_the_details_say_what_it_was_judged_by() -> None:
    details = proof.security(replace(VERDICT, unjudged=("ubuntu-24.04",))).details
    row = "| CVE-1 | openssl 3.5.1-1 | - | high | base image | api-linux-amd64 | had it | no fix "
    for part in (row, "Policy: stop fixable high", "Debian `abababababab`", "ubuntu-24.04"):
        assert part in details


def test_a_text_of_an_advisory_cannot_break_the_table() -> None:
    details = proof.security(replace(VERDICT, findings=(replace(FOUND, why="a|b @mari"),))).details
    assert "a\\|b" in details.replace("\\\\|", "\\|")
    assert " @mari" not in details


def test_a_long_list_is_shortened_and_says_where_the_rest_is() -> None:
    many = tuple(replace(FOUND, id=f"CVE-{n}") for n in range(proof.SHOWN + 1))
    details = proof.security(replace(VERDICT, findings=many)).details
    assert details.count("| CVE-") == proof.SHOWN
    assert "41 findings are in `release.json`" in details


def test_sizes_and_packages_are_compared_with_the_last_release() -> None:
    line = proof.difference(
        {"api": {"a": 110_000_000, "b": 110_000_000}, "web": {"a": 50}, "new": {"a": 1}},
        {"api": {"a": 100_000_000, "b": 100_000_000}, "web": {"a": 50}},
        {"api-linux-amd64.cdx.json": inventory(("a", "2"), ("b", "1"))},
        {"api-linux-amd64.cdx.json": inventory(("a", "1"), ("c", "1"))},
    )
    assert line
    assert line.text == "Size: api +10.0 MB (+10%), web unchanged, 3 package changes"
    for row in ("deb a | 1 | 2 |", "deb b | - | 1 |", "deb c | 1 | - |"):
        assert f"| api-linux-amd64 | {row}" in line.details


def test_a_change_is_counted_once_and_the_projects_own_version_is_none() -> None:
    before, now = (
        {
            name: Inventory(name, "", "", (*inventory(("a", v)).components, own(v)))
            for name in ("api-linux-amd64.cdx.json", "package.cdx.json")
        }
        for v in ("1", "2")
    )
    line = proof.difference({}, {}, now, before, "tiny")
    assert line
    assert line.text == "Size: 1 package change"
    assert "| api-linux-amd64, package | deb a | 1 | 2 |" in line.details
    assert "tiny" not in line.details


def own(version: str) -> Component:
    return Component(Package("pypi", "tiny", version))


def test_a_first_release_has_no_difference() -> None:
    assert proof.difference({"api": {"a": 1}}, {}, {"x": inventory(("a", "1"))}, {}) is None


def test_the_line_about_signatures_says_what_is_true_then() -> None:
    by = Signing(by=".github/workflows/release.yml@refs/heads/main")
    line = proof.signed(by, 16)
    assert line.text == "Signed: 16 of 16"
    assert f"`{by.by}` signs" in line.details
    size = proof.Line("Size: api unchanged", "")
    assert [one.text for one in proof.at_gate([size, line], by)] == [
        "Size: api unchanged",
        "Signed: after the approval 16 of 16",
    ]


def test_where_nobody_signs_the_line_says_why() -> None:
    nobody = Signing(reason="GitHub offers none here")
    line = proof.signed(nobody, 16)
    assert line == ("Signed: 0 of 16", "Nobody signs: GitHub offers none here.")
    assert proof.at_gate([line], nobody) == [line]
