"""What stops a release, what does not, and why."""

import re
from dataclasses import replace
from typing import Any

import pytest

from scripts.core import codec, scan_policy
from scripts.core.errors import ServiceError
from scripts.core.sbom import BASE, OURS, Component, Inventory, Package
from scripts.core.scan_policy import Accepted, Match, Policy, Verdict, Vulnerability

DAY = "2026-11-25"
SSL = Component(Package("deb", "libssl3t64", "3.5.1-1", "openssl", "amd64"), "sha256:b", BASE)
JINJA = Component(Package("pypi", "jinja2", "3.1.2"), "sha256:o", OURS)
AMD = Inventory("api-linux-amd64", "1", "sha256:1", (SSL, JINJA), "debian-13.2")
ARM = Inventory("api-linux-arm64", "1", "sha256:2", (JINJA,), "debian-13.2")
HOLDERS = scan_policy.asked([AMD, ARM])
OPENSSL = Match(
    "CVE-1", ("CVE-1", "DEBIAN-CVE-1"), "Debian:13", "openssl", "3.5.1-1", "3.5.2-1", "high"
)
FIXABLE = Policy("fixable high")


def judged(one: Match, policy: Policy = FIXABLE, day: str = DAY) -> Vulnerability:
    (found,) = scan_policy.judge([one], HOLDERS, policy, day)
    return found


def test_what_is_asked_is_the_source_package_of_the_distribution() -> None:
    assert list(HOLDERS) == [("Debian:13", "openssl", "3.5.1-1"), ("PyPI", "jinja2", "3.1.2")]
    assert scan_policy.question(HOLDERS)["results"][0]["packages"][0] == {
        "package": {"ecosystem": "Debian:13", "name": "openssl", "version": "3.5.1-1"}
    }


def test_a_fixable_high_stops_and_names_the_platform_and_the_layer() -> None:
    found = judged(OPENSSL)
    assert found.stops
    assert (found.where, found.layer) == (("api-linux-amd64",), BASE)
    assert found.why == "high, fixed in 3.5.2-1"
    jinja = Match("CVE-2", ("CVE-2",), "PyPI", "jinja2", "3.1.2", "3.1.6", "critical")
    assert judged(jinja).where == ("api-linux-amd64", "api-linux-arm64")
    assert judged(jinja).layer == OURS


RULES: list[tuple[str, dict[str, Any], bool, str]] = [
    ("fixable high", {}, True, "high, fixed in 3.5.2-1"),
    ("fixable high", {"level": "critical"}, True, "critical, fixed in 3.5.2-1"),
    ("fixable high", {"level": "medium"}, False, "below high"),
    ("fixable high", {"level": "unknown"}, False, "below high"),
    ("fixable high", {"fixed": ""}, False, "no fix exists"),
    ("high", {"fixed": ""}, True, "high, fixed in no version"),
    ("critical", {}, False, "below critical"),
    ("fixable low", {"level": "low"}, True, "low, fixed in 3.5.2-1"),
    ("never", {"level": "critical"}, False, "the policy stops nothing"),
    ("high", {"unimportant": True}, False, "the distribution says that it is unimportant"),
]


@pytest.mark.parametrize(("stop", "changed", "stops", "why"), RULES)
def test_the_policy_decides(stop: str, changed: dict[str, Any], stops: bool, why: str) -> None:
    found = judged(replace(OPENSSL, **changed), Policy(stop))
    assert (found.stops, found.why) == (stops, why)


@pytest.mark.parametrize("name", ["CVE-1", "DEBIAN-CVE-1"])
def test_an_exception_holds_until_its_last_day(name: str) -> None:
    policy = Policy("fixable high", (Accepted(name, DAY, "not reachable"),))
    assert judged(OPENSSL, policy).why == f"accepted until {DAY}: not reachable"
    late = judged(OPENSSL, policy, "2026-11-26")
    assert late.stops
    assert late.why == f"high, fixed in 3.5.2-1; its exception ended on {DAY}"


@pytest.mark.parametrize(
    ("one", "known", "said"),
    [
        (Accepted("CVE-1", "2026-11-24", "r"), {}, "CVE-1: it ended on 2026-11-24"),
        (Accepted("CVE-9", "2027-01-01", "r"), {"CVE-9": True}, "CVE-9: no package has it"),
        (Accepted("CVE-9", "2027-01-01", "r"), {"CVE-9": False}, "CVE-9: the database does not"),
    ],
)
def test_what_is_wrong_with_an_exception_is_a_finding(
    one: Accepted, known: dict[str, bool], said: str
) -> None:
    (found,) = scan_policy.faults([OPENSSL], Policy("high", (one,)), DAY, known)
    assert found.startswith(said)


def test_an_exception_whose_id_nobody_asked_for_is_only_not_needed() -> None:
    policy = Policy("high", (Accepted("CVE-9", "2027-01-01", "r"),))
    (found,) = scan_policy.faults([OPENSSL], policy, DAY, {})
    assert found.startswith("CVE-9: no package has it")


@pytest.mark.parametrize(
    ("stop", "is_one"),
    [("high", True), ("fixable low", True), ("never", True), ("unknown", False), ("", False)],
)
def test_the_forms_of_a_policy(stop: str, *, is_one: bool) -> None:
    assert bool(re.fullmatch(scan_policy.POLICY, stop)) == is_one


def test_an_exception_that_holds_is_no_finding() -> None:
    policy = Policy("high", (Accepted("CVE-1", DAY, "r"),))
    assert scan_policy.faults([OPENSSL], policy, DAY, {}) == ()


def verdict(*found: Vulnerability) -> Verdict:
    return Verdict(DAY, "high", "osv-scanner 1", {"Debian": "0" * 64}, "2026-11-01T00:00:00", found)


def test_what_the_last_release_had_is_known() -> None:
    before = verdict(judged(OPENSSL))
    newer = replace(OPENSSL, id="CVE-2")
    found = scan_policy.judge([OPENSSL, newer], HOLDERS, FIXABLE, DAY, before)
    assert {one.id: one.known for one in found} == {"CVE-1": True, "CVE-2": False}


def test_what_stops_comes_first_and_the_order_does_not_depend_on_the_scanner() -> None:
    low = replace(OPENSSL, id="CVE-0", level="low")
    found = scan_policy.judge([low, OPENSSL], HOLDERS, FIXABLE, DAY)
    assert [one.id for one in found] == ["CVE-1", "CVE-0"]
    assert found == scan_policy.judge([OPENSSL, low, low], HOLDERS, FIXABLE, DAY)


def test_a_verdict_reads_back() -> None:
    one = verdict(judged(OPENSSL))
    assert codec.decode(Verdict, codec.encode(one), "scan.json") == one
    assert one.stopping == one.findings


@pytest.mark.parametrize(
    ("kind", "distro", "name"),
    [
        ("deb", "debian-13", "Debian:13"),
        ("deb", "debian-12.5", "Debian:12"),
        ("deb", "ubuntu-24.04", ""),
        ("deb", "debian", ""),
        ("apk", "alpine-3.22.1", "Alpine:v3.22"),
        ("apk", "wolfi-20230201", ""),
        ("pypi", "", "PyPI"),
        ("npm", "debian-13", "npm"),
    ],
)
def test_each_package_has_its_advisories(kind: str, distro: str, name: str) -> None:
    assert scan_policy.ecosystem(kind, distro) == name


def test_a_distribution_without_advisories_is_named() -> None:
    other = replace(AMD, distro="ubuntu-24.04")
    assert scan_policy.unjudged([AMD, other]) == ("ubuntu-24.04",)


def answer(**changed: Any) -> dict[str, Any]:
    advisory = {
        "id": "GHSA-a",
        "affected": [
            {
                "package": {"name": "jinja2", "ecosystem": "PyPI"},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"fixed": "3.1.6"}, {"fixed": "2.9"}]}],
            },
            {
                "package": {"name": "other", "ecosystem": "PyPI"},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"fixed": "3.1.3"}]}],
            },
        ],
    }
    group = {"ids": ["GHSA-a"], "aliases": ["CVE-5", "GHSA-a"], "max_severity": "9.8"}
    one = {
        "package": {"name": "jinja2", "version": "3.1.2", "ecosystem": "PyPI"},
        "groups": [group],
        "vulnerabilities": [advisory],
    }
    return {"results": [{"packages": [{**one, **changed}]}]}


def test_the_scanners_answer_is_read() -> None:
    (found,) = scan_policy.matches(answer())
    assert found == Match(
        "CVE-5", ("CVE-5", "GHSA-a"), "PyPI", "jinja2", "3.1.2", "3.1.6", "critical"
    )


@pytest.mark.parametrize(
    ("score", "ids", "level"),
    [
        ("9.0", ["X"], "critical"),
        ("8.9", ["X"], "high"),
        ("7.0", ["X"], "high"),
        ("6.9", ["X"], "medium"),
        ("4.0", ["X"], "medium"),
        ("3.9", ["X"], "low"),
        ("0.1", ["X"], "low"),
        ("", ["X"], "unknown"),
        ("", ["MAL-2026-1"], "critical"),
    ],
)
def test_the_level_is_that_of_the_score(score: str, ids: list[str], level: str) -> None:
    group = {"ids": ids, "max_severity": score}
    (found,) = scan_policy.matches(answer(groups=[group], vulnerabilities=[{"id": ids[0]}]))
    assert found.level == level


@pytest.mark.parametrize(("told", "unimportant"), [(True, True), (False, False)])
def test_what_the_distribution_calls_unimportant(*, told: bool, unimportant: bool) -> None:
    group = {"ids": ["GHSA-a"], "experimental_analysis": {"GHSA-a": {"unimportant": told}}}
    (found,) = scan_policy.matches(answer(groups=[group]))
    assert found.unimportant == unimportant


def test_the_version_itself_is_not_its_own_fix() -> None:
    said = answer(package={"name": "jinja2", "version": "3.1.6", "ecosystem": "PyPI"})
    (found,) = scan_policy.matches(said)
    assert found.fixed == ""


@pytest.mark.parametrize(
    "said", [{}, {"results": [1]}, {"results": [{"packages": [{}]}]}, answer(groups=[{}])]
)
def test_another_answer_is_refused(said: dict[str, Any]) -> None:
    with pytest.raises(ServiceError, match="another form"):
        list(scan_policy.matches(said))


def test_no_match_is_an_answer() -> None:
    assert list(scan_policy.matches({"results": []})) == []
    assert list(scan_policy.matches({"results": None})) == []
