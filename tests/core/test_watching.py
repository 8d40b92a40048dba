"""What the watch reports: one finding for each fingerprint, about the newest release."""

from dataclasses import replace
from datetime import date

import pytest

from scripts.core import watching
from scripts.core.lockfile import LockedBase
from scripts.core.sbom import BASE, OURS, Component, Inventory, Package
from scripts.core.scan_policy import Verdict, Vulnerability
from scripts.core.watching import Moved

HIGH = Vulnerability(
    *("CVE-2026-1", "jinja2", "3.1.2", "3.1.6", "high"),
    where=("api-linux-amd64", "api-linux-arm64"),
    layer=OURS,
    known=False,
    stops=True,
    why="high, fixed in 3.1.6",
)
DIGESTS = [f"sha256:{letter * 64}" for letter in "abcd"]
PYTHON = "docker.io/library/python:3.13-slim"


def verdict(*found: Vulnerability, since: str = "v0.3.0") -> Verdict:
    return Verdict("2026-11-25", "fixable high", "x", {}, "", found, since=since)


def locked(
    digest: str = DIGESTS[0], reference: str = PYTHON, platform: str = "amd64"
) -> LockedBase:
    return LockedBase("api", f"linux/{platform}", reference, digest)


def test_a_vulnerability_of_three_releases_and_two_packages_is_one_finding() -> None:
    older = replace(HIGH, known=True)
    also = replace(HIGH, version="3.1.3")
    (one,) = watching.vulnerabilities(
        {"v0.3.0": verdict(HIGH, also), "v0.2.5": verdict(older), "v0.2.4": verdict()}
    )
    assert one.fingerprint == "vulnerability CVE-2026-1 jinja2"
    assert one.title == "v0.3.0 has a known vulnerability: CVE-2026-1 in jinja2"
    assert "It is new since v0.3.0 was released." in one.text
    assert "Also in v0.2.5, which" in one.text
    assert "3.1.2 (ours), high, fixed in 3.1.6: api-linux-amd64, api-linux-arm64" in one.text
    assert "jinja2 3.1.3" in one.text
    assert "Update the package in its lock file" in one.text


@pytest.mark.parametrize(
    ("found", "since", "told"),
    [
        (HIGH, "", "It was not scanned when v0.3.0 was released."),
        (replace(HIGH, known=True), "v0.3.0", "It was known when v0.3.0 was released, and now"),
        (HIGH, "v0.3.0", "It is new since"),
    ],
)
def test_it_says_whether_it_was_known(found: Vulnerability, since: str, told: str) -> None:
    (one,) = watching.vulnerabilities({"v0.3.0": verdict(found, since=since)})
    assert told in one.text


def test_what_does_not_stop_a_release_and_what_a_newer_one_cleared_is_no_finding() -> None:
    waits = replace(HIGH, stops=False)
    assert not list(watching.vulnerabilities({"v0.3.0": verdict(waits), "v0.2.5": verdict(HIGH)}))


def test_a_base_images_vulnerability_needs_only_a_release() -> None:
    (one,) = watching.vulnerabilities({"v0.3.0": verdict(replace(HIGH, layer=BASE))})
    assert watching.AGAIN in one.text


def test_python_packages_with_a_fix_are_to_be_updated() -> None:
    installed = (
        Component(Package("pypi", "jinja2", "3.1.2")),
        Component(Package("deb", "zlib", "1")),
    )
    found = [Inventory("api", "1", DIGESTS[0], installed)]
    zlib, unfixed = replace(HIGH, package="zlib"), replace(HIGH, package="jinja2", fixed="")
    assert watching.outdated(verdict(HIGH, zlib), found) == ("jinja2",)
    assert watching.outdated(verdict(unfixed), found) == ()


def test_a_base_image_is_compared_with_the_index_and_its_platforms() -> None:
    bases = (locked(), locked(DIGESTS[1], platform="arm64"))
    groups = watching.recorded(bases)
    for today in ([DIGESTS[0], DIGESTS[1]], [DIGESTS[2], *DIGESTS[:2]]):
        assert not list(watching.moved(groups, {PYTHON: today}))
    (one,) = watching.moved(groups, {PYTHON: [DIGESTS[2], DIGESTS[0]]})
    assert one == Moved(
        PYTHON, (DIGESTS[0], DIGESTS[1]), DIGESTS[2], ("api for linux/amd64", "api for linux/arm64")
    )
    said = watching.base("v0.3.0", one)
    assert said.fingerprint == f"base {PYTHON}"
    assert all(digest in said.text for digest in DIGESTS[:3])
    assert "moved since v0.3.0" in said.title


def test_a_base_image_that_vanished_is_said_to_be_gone() -> None:
    (one,) = watching.moved(watching.recorded([locked()]), {PYTHON: []})
    assert one.today == ""
    said = watching.base("v0.3.0", one)
    assert said.title == f"The base image {PYTHON} is gone"
    assert "Choose another tag" in said.text


def test_a_base_image_without_a_tag_cannot_move() -> None:
    bases = [locked(reference="localhost:5000/python"), locked(reference="localhost:5000/a:1")]
    assert list(watching.recorded(bases)) == ["localhost:5000/a:1"]


TABLE = {
    "python": {"source": "https://example.org", "3.13": date(2029, 10, 31)},
    "debian": {"source": "https://example.org", "13": date(2030, 6, 30)},
}
NAMED = {"python 3.13.5": ["api"], "python 3.13": ["web"], "debian 13": ["api"], "x 1": ["api"]}


@pytest.mark.parametrize(
    ("day", "count"), [("2029-08-02", 0), ("2029-08-03", 1), ("2029-12-01", 1), ("2030-06-30", 2)]
)
def test_a_runtime_is_reported_90_days_before_its_end(day: str, count: int) -> None:
    found = list(watching.ending("v0.3.0", NAMED, TABLE, date.fromisoformat(day)))
    assert len(found) == count
    if found:
        assert found[-1].fingerprint == "runtime python 3.13"
        assert "2029-10-31 (<https://example.org>)" in found[-1].text
        assert "in api, web." in found[-1].text


def test_runtimes_are_those_of_base_images_and_distributions() -> None:
    bases = [locked(), locked(reference="docker.io/library/nginx:stable"), locked(reference="a/b")]
    found = [Inventory("api-linux-amd64", "1", DIGESTS[0], (), "alpine-3.22.1")]
    assert watching.runtimes(bases, [*found, replace(found[0], distro="")]) == {
        "python 3.13": {"api-linux-amd64"},
        "alpine 3.22.1": {"api-linux-amd64"},
    }


@pytest.mark.parametrize(
    ("origin", "todo"), [(BASE, "take a newer base image"), (OURS, "update it in its lock file")]
)
def test_a_yanked_package_is_updated_where_it_comes_from(origin: str, todo: str) -> None:
    found = watching.yanked("v1", "wheel", "0.46.1", {"api-linux-amd64": BASE, "mlflow": origin})
    assert f"in api-linux-amd64, mlflow.\n\n**What to do:** read at the index why, {todo}, " in (
        found.text
    )


MOVED = Moved(PYTHON, (DIGESTS[0], DIGESTS[1]), DIGESTS[2], ("api for linux/amd64",))
GONE = replace(MOVED, reference="docker.io/library/gone:1", today="")


def test_the_entries_of_a_patch_release_are_in_their_groups() -> None:
    assert watching.updated([MOVED, GONE], ["jinja2"]) == {
        "Changed": [f"Update the base image {PYTHON}."],
        "Security": ["Update jinja2, which has known vulnerabilities."],
    }
    assert watching.updated([GONE], []) == {}


def test_only_the_digests_of_a_base_image_that_moved_are_replaced() -> None:
    text = f"FROM a@{DIGESTS[0]}\nFROM b@{DIGESTS[1]}\nFROM c@{DIGESTS[3]}\n"
    new = f"FROM a@{DIGESTS[2]}\nFROM b@{DIGESTS[2]}\nFROM c@{DIGESTS[3]}\n"
    assert watching.pinned(text, [MOVED]) == new
    assert watching.pinned(text, [GONE]) == text


def test_a_proposal_says_what_was_found_and_what_it_changes() -> None:
    finding = watching.Watched("x", "A title", "Words.")
    found = watching.Found("v0.3.0", (finding,), (MOVED, GONE))
    end = "Merge this and release the next patch version. A later watch closes the issues."
    bases = f"- {PYTHON}: `{DIGESTS[0]}`, `{DIGESTS[1]}` → `{DIGESTS[2]}`"
    assert watching.proposal(found, {}) == (
        "Found in v0.3.0 by the watch:\n\n- A title\n\n"
        f"Base images, as recorded and today:\n\n{bases}\n\n{end}"
    )
    changes = {"jinja2 3.1.2 → 3.1.6": ["api.txt", "dev.txt"]}
    assert watching.proposal(replace(found, moved=()), changes) == (
        "Found in v0.3.0 by the watch:\n\n- A title\n\n"
        "Packages, then and now:\n\n- jinja2 3.1.2 → 3.1.6: api.txt, dev.txt\n\n"
        f"A scan of the updated lock files finds nothing that stops a release.\n\n{end}"
    )
    left = watching.proposal(replace(found, left=("CVE-1 in a",)), changes)
    assert "A scan of the updated lock files still finds: CVE-1 in a." in left


def test_a_base_image_that_moved_has_what_was_recorded_and_what_is_there_today() -> None:
    one = watching.base("v0.3.0", MOVED)
    assert one.fingerprint == f"base {PYTHON}"
    assert one.text.splitlines()[2:5] == [
        f"- recorded in v0.3.0: `{DIGESTS[0]}`, `{DIGESTS[1]}`",
        f"- today: `{DIGESTS[2]}`",
        "- used by api for linux/amd64",
    ]


def test_a_yanked_package_has_one_finding_for_each_version() -> None:
    one = watching.yanked("v0.3.0", "jinja2", "3.1.2", {"the wheel": OURS})
    assert one.fingerprint == "yanked jinja2 3.1.2"
    assert one.title == "v0.3.0 contains jinja2 3.1.2, which was yanked"
