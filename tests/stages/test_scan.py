"""The scan, with the real scanner: what stops before anything is staged, and what is recorded."""

import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from rehearsal.world import provision
from rehearsal.world.advisories import LOW, Advisory, write
from scripts.core import lockfile, proof
from scripts.core.errors import CheckError, ServiceError, UsageError
from scripts.core.sbom import OURS, Component, Package
from tests.support.releases import CONFIGURED, INSTALLED, PLATFORMS, Releases

pytestmark = pytest.mark.service

FIXABLE = Advisory("PYSEC-2026-1", "PyPI", "jinja2", fixed="3.1.6", aliases=("CVE-2026-1",))
UNFIXED = Advisory("DEBIAN-CVE-2026-2", "Debian:13", "zlib")
MINOR = Advisory("DEBIAN-CVE-2026-3", "Debian:13", "openssl", fixed="3.5.2-1", severity=LOW)
SCANNED = '\n[tool.release.scan]\nstop = "fixable high"\n'
LATER = "2999-01-01"


@pytest.fixture
def bench(released: Releases) -> Releases:
    """A project that scans, and is about to release 0.3.1."""
    configured(released)
    return released


def configured(bench: Releases, more: str = "") -> None:
    bench.begin()
    bench.project.commit({"pyproject.toml": released_as(bench) + SCANNED + more})


def released_as(bench: Releases) -> str:
    """The table as it stands, with the version of the last release."""
    return (bench.project.clone / "pyproject.toml").read_text().partition(SCANNED)[0]


def exception(name: str, until: str = LATER) -> str:
    return f'exceptions = [{{ id = "{name}", until = "{until}", reason = "not reachable" }}]\n'


def scan(bench: Releases, *found: Advisory, version: str = "0.3.1", **more: str) -> None:
    """Do all that comes before the scan, then scan with these advisories."""
    folder = bench.folder / "advisories"
    harmless = Advisory("PYSEC-2026-0", "PyPI", "nothing")
    of: dict[str, Sequence[Advisory]] = {
        "PyPI": [harmless, *(one for one in found if one.ecosystem == "PyPI")],
        "Debian": [
            replace(harmless, ecosystem="Debian:13"),
            *(one for one in found if one.ecosystem != "PyPI"),
        ],
    }
    write(folder, of)
    before(bench, version)
    again(bench, version, **more)


def before(bench: Releases, version: str = "0.3.1") -> None:
    bench.begin()
    log = (bench.project.clone / "CHANGELOG.md").read_text()
    if "## [Unreleased]\n\n### Added" not in log:
        log = log.replace("## [Unreleased]\n", "## [Unreleased]\n\n### Added\n\n- More.\n", 1)
    bench.project.commit({"CHANGELOG.md": log, "more.txt": str(len(bench.contexts))})
    for verb in ("plan", "prepare", "dists"):
        bench.step(verb, RELEASE_VERSION=version)
    bench.build()


def again(bench: Releases, version: str = "0.3.1", **more: str) -> None:
    tools = provision.ensure(["osv-scanner"], lambda _line: None)
    where = (bench.folder / "advisories").as_uri()
    # No credentials: the job is given none.
    given = {"RELEASE_VERSION": version, "GITHUB_TOKEN": "", "REGISTRY_TOKEN": ""}
    given |= {"VULNERABILITY_DATABASE_URL": where, "REGISTRY_USERNAME": ""}
    path = f"{tools.bin}:{bench.environment()['PATH']}"
    bench.step("scan", **{"PATH": path, **given, **more})


def verdict(bench: Releases) -> Path:
    return bench.context().inputs / "scan.json"


def test_a_fixable_high_stops_before_anything_is_staged(bench: Releases) -> None:
    at = bench.github.writes()
    with pytest.raises(CheckError, match=r"CVE-2026-1 in jinja2 3\.1\.2 .*fixed in 3\.1\.6") as one:
        scan(bench, FIXABLE, UNFIXED)
    assert "exceptions" in one.value.remedy
    assert bench.github.writes() == at
    with pytest.raises(CheckError):
        again(bench)


def test_in_one_platform_only_it_is_named_as_that_one(bench: Releases) -> None:
    bench.installed = INSTALLED[:2]
    before(bench)
    bench.installed = INSTALLED
    context = bench.context()
    digest = context.results("image-api-arm64")[0].facts["digest"]
    bench.write_sbom(context, PLATFORMS[1], digest)
    write(bench.folder / "advisories", {"PyPI": [FIXABLE], "Debian": [UNFIXED]})
    with pytest.raises(CheckError):
        again(bench)
    (found,) = json.loads(verdict(bench).read_text())["findings"][:1]
    assert found["where"] == ["api-linux-arm64"]
    assert found["layer"] == OURS


def test_what_does_not_stop_is_recorded_with_the_reason(
    bench: Releases, capsys: pytest.CaptureFixture[str]
) -> None:
    scan(bench, UNFIXED, MINOR)
    shown = capsys.readouterr().out
    assert "Security: 0 stopping, 1 known unfixable, 1 that can wait" in shown
    bench.step("stage", RELEASE_VERSION="0.3.1")
    made = bench.context().lock
    assert made.scan
    assert {(one.id, one.why, one.layer) for one in made.scan.findings} == {
        ("DEBIAN-CVE-2026-2", "no fix exists", "base"),
        ("DEBIAN-CVE-2026-3", "below high", "base"),
    }
    assert set(made.scan.databases) == {"Debian", "PyPI"}
    assert made.scan.scanner.startswith("osv-scanner ")
    line = proof.security(made.scan).text
    gate = capsys.readouterr().out
    release = bench.context().forge.release("v0.3.1")
    assert release
    assert gate.count(line) == 2, "once for the gate, once in the notes"
    assert line in (release.body or "")


def test_the_same_database_twice_gives_the_same_bytes(bench: Releases) -> None:
    scan(bench, UNFIXED, MINOR)
    first = verdict(bench).read_bytes()
    again(bench)
    assert verdict(bench).read_bytes() == first


def test_the_next_release_knows_what_this_one_had(bench: Releases) -> None:
    scan(bench, UNFIXED)
    for verb in ("stage", "publish-tags", "publish-package", "promote"):
        bench.step(verb, RELEASE_VERSION="0.3.1")
    bench.installed = (replace(INSTALLED[0], package=newer_ssl()), *INSTALLED[1:])
    scan(bench, UNFIXED, MINOR, version="0.3.2")
    found = json.loads(verdict(bench).read_text())
    known = {one["id"]: one["known"] for one in found["findings"]}
    assert known == {"DEBIAN-CVE-2026-2": True, "DEBIAN-CVE-2026-3": False}
    assert found["since"] == "v0.3.1"
    bench.step("stage", RELEASE_VERSION="0.3.2")
    release = bench.context().forge.release("v0.3.2")
    assert release
    assert re.search(r"Size: api .*, 1 package change\b", release.body or "")
    assert "| api-linux-amd64, api-linux-arm64 | deb libssl3t64 | 3.5.1-1 | 3.5.1-2 |" in (
        release.body or ""
    )


def newer_ssl() -> Package:
    return replace(INSTALLED[0].package, version="3.5.1-2")


def test_an_exception_lets_it_pass_and_an_expired_one_does_not(bench: Releases) -> None:
    configured(bench, exception("CVE-2026-1"))
    scan(bench, FIXABLE)
    found = json.loads(verdict(bench).read_text())
    assert found["findings"][0]["why"] == f"accepted until {LATER}: not reachable"
    assert found["exceptions"] == []
    configured(bench, exception("CVE-2026-1", "2020-01-01"))
    with pytest.raises(CheckError, match="its exception ended on 2020-01-01"):
        scan(bench, FIXABLE)
    assert "it ended on 2020-01-01" in json.loads(verdict(bench).read_text())["exceptions"][0]


def test_an_exception_that_nothing_matches_is_a_finding(bench: Releases) -> None:
    configured(bench, exception("CVE-2026-77"))
    scan(bench, UNFIXED)
    (said,) = json.loads(verdict(bench).read_text())["exceptions"]
    assert said.startswith("CVE-2026-77: the database does not know it")
    other = replace(FIXABLE, package="elsewhere", aliases=("CVE-2026-77",))
    scan(bench, UNFIXED, other)
    (said,) = json.loads(verdict(bench).read_text())["exceptions"]
    assert said.startswith("CVE-2026-77: no package has it any more")


def test_without_a_database_the_release_stops(bench: Releases) -> None:
    before(bench)
    with pytest.raises(ServiceError, match=r"has no .*all\.zip"):
        again(bench, VULNERABILITY_DATABASE_URL="file:///nowhere")


def test_a_copy_is_taken_where_the_table_names_one(
    bench: Releases, capsys: pytest.CaptureFixture[str]
) -> None:
    configured(bench, f'fallback = "{(bench.folder / "advisories").as_uri()}"\n')
    scan(bench, UNFIXED, VULNERABILITY_DATABASE_URL="file:///nowhere")
    shown = capsys.readouterr()
    assert "has no /nowhere" in shown.err
    assert "advisories until 2026-01-05T00:00:00 UTC" in shown.out


def test_an_ecosystem_without_an_archive_is_no_silence(bench: Releases) -> None:
    bench.installed = (*INSTALLED, Component(Package("npm", "x", "1.0.0")))
    with pytest.raises(ServiceError, match=r"npm/all\.zip"):
        scan(bench, UNFIXED)


def test_a_project_without_the_table_is_released_as_before(released: Releases) -> None:
    before(released)
    again(released, VULNERABILITY_DATABASE_URL="file:///nowhere")
    (result,) = released.context().results("scan")
    assert [one.skipped for one in result.outcomes] == [True]
    released.step("stage", RELEASE_VERSION="0.3.1")
    made = released.context().lock
    assert made.scan is None
    assert '"scan"' not in lockfile.write(made)


def test_a_run_that_goes_on_keeps_the_verdict_that_was_locked(bench: Releases) -> None:
    scan(bench, UNFIXED)
    bench.step("stage", RELEASE_VERSION="0.3.1")
    bench.step("publish-tags", RELEASE_VERSION="0.3.1")
    locked = lockfile.write(bench.context().lock)
    bench.begin()
    for verb in ("plan", "prepare", "dists"):
        bench.step(verb, RELEASE_VERSION="0.3.1")
    bench.build()
    again(bench, VULNERABILITY_DATABASE_URL="file:///nowhere")
    bench.step("stage", RELEASE_VERSION="0.3.1")
    assert lockfile.write(bench.context().lock) == locked


@pytest.mark.parametrize("path", ["scan.json", "sboms/api-linux-arm64.cdx.json"])
def test_what_the_scan_did_not_hand_over_is_named(bench: Releases, path: str) -> None:
    scan(bench, UNFIXED)
    (bench.context().inputs / path).unlink()
    with pytest.raises(UsageError, match=path.rpartition("/")[2]):
        bench.step("stage", RELEASE_VERSION="0.3.1")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ('exceptions = [{ id = "CVE-1", reason = "x" }]\n', r"exceptions\[0\]\.until is missing"),
        (exception("CVE-1", "soon"), "until is 'soon'"),
        (exception("CVE-1", "2026-13-01"), "until is '2026-13-01'"),
    ],
)
def test_an_exception_without_a_day_is_refused_with_its_place(
    bench: Releases, more: str, said: str
) -> None:
    configured(bench, more)
    with pytest.raises(UsageError, match=said):
        before(bench)


# The distribution's own archive.


def archive(bench: Releases, *entries: str) -> str:
    folder = bench.folder / "archive"
    folder.mkdir(exist_ok=True)
    (folder / "Packages").write_text("\n".join(entries))
    source = f"deb [trusted=yes] file:{folder} ./"
    return f'archives = [{{ distro = "debian-13", source = "{source}" }}]\n'


def opinions(bench: Releases) -> dict[str, tuple[str, bool]]:
    (result,) = bench.context().results("scan")
    return {one.title.partition(": ")[2]: (one.detail, one.skipped) for one in result.outcomes[1:]}


NEWER = (
    "Package: libssl3t64\nArchitecture: amd64\nVersion: 3.5.1-1+deb13u1\nFilename: ./x.deb\n"
    f"Size: 1\nSHA256: {'0' * 64}\n"
)


@pytest.mark.skipif(not shutil.which("apt"), reason="this machine has no apt")
def test_the_archive_is_a_second_opinion_and_not_a_part_of_the_verdict(bench: Releases) -> None:
    configured(bench, archive(bench, NEWER))
    scan(bench, UNFIXED)
    before = verdict(bench).read_bytes()
    waiting = ("1 updates wait: libssl3t64 3.5.1-1 → 3.5.1-1+deb13u1", False)
    assert opinions(bench) == dict.fromkeys(("api-linux-amd64", "api-linux-arm64"), waiting)
    (bench.folder / "archive" / "Packages").write_text("")
    again(bench)
    assert set(opinions(bench).values()) == {("no update waits", False)}
    assert verdict(bench).read_bytes() == before


def test_an_archive_that_cannot_be_asked_is_said_and_stops_nothing(bench: Releases) -> None:
    scan(bench, UNFIXED)
    assert set(opinions(bench).values()) == {
        ("not asked: `archives` of [tool.release.scan] has no debian-13", True)
    }
    configured(bench, archive(bench))
    scan(bench, UNFIXED)
    shutil.rmtree(bench.folder / "archive")
    again(bench)
    assert all("not asked: " in said for said, _ in opinions(bench).values())
    tools = bench.folder / "few"
    tools.mkdir()
    for name in ("git", "osv-scanner"):
        where = shutil.which(name) or provision.ensure([name], lambda _line: None).path(name)
        (tools / name).symlink_to(where)
    again(bench, PATH=str(tools))
    assert set(opinions(bench).values()) == {("not asked: apt is not installed here", True)}


def test_the_table_of_the_bench_scans_nothing_by_itself() -> None:
    assert "scan" not in CONFIGURED
