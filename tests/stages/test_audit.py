"""The audit finds every drift, from public surfaces only, and changes nothing."""

import dataclasses
import hashlib
import io
import json
import re
import shutil
import zipfile
from collections.abc import Callable

import pytest
from github.GitRelease import GitRelease

from rehearsal.github.settings import Token
from scripts.core import lockfile
from scripts.core.errors import CheckError, UsageError
from scripts.core.findings import NOT_CHECKED, OK, PROBLEM, Finding
from scripts.core.lockfile import Signing
from scripts.release.released import Subject, every, find
from scripts.stages import audit
from tests.conftest import TOKENS, WRITER
from tests.support.releases import IMAGE, PLATFORMS, Releases

pytestmark = pytest.mark.service
BY = ".github/workflows/release.yml@refs/heads/main"


def examined(bench: Releases, version: str = "0.3.0", **more: str) -> dict[str, Finding]:
    """Examine a release as somebody without any token; give the findings by name."""
    before = bench.state()
    alone = {"GITHUB_TOKEN": "", "REGISTRY_USERNAME": "", "REGISTRY_TOKEN": ""}
    context = bench.context(RELEASE_VERSION=version, **{**alone, **more})
    findings = audit.examine(context, find(context))
    assert bench.state() == before
    return {one.what: one for one in findings}


def drift(bench: Releases, version: str = "0.3.0") -> set[str]:
    found = examined(bench, version)
    for one in found.values():
        assert one.status != PROBLEM or one.remedy
    return {what for what, one in found.items() if one.status == PROBLEM}


def image_tag(bench: Releases, tag: str) -> str:
    return f"image tag {bench.images.host}/{IMAGE}:{tag}"


def forge_release(bench: Releases, version: str = "0.3.0") -> GitRelease:
    release = bench.context(GITHUB_TOKEN=WRITER).forge.release(f"v{version}")
    assert release
    return release


def test_every_release_says_one_version(released: Releases) -> None:
    for version in ("0.2.4", "0.2.5", "0.3.0"):
        found = examined(released, version)
        assert {what for what, one in found.items() if one.status == PROBLEM} == set()
    assert found.keys() >= {
        *(
            "git tag v0.3.0",
            "pyproject.toml",
            "CITATION.cff",
            "CHANGELOG.md",
            "uv.lock",
        ),
        *("label of api for linux/amd64", "label of api for linux/arm64"),
        *(image_tag(released, tag) for tag in ("v0.3.0", "latest", "0", "0.3")),
        *("GitHub's Latest", "asset release.json", "asset compose.yaml"),
        *("package sample_thing 0.3.0", "metadata of sample_thing-0.3.0.tar.gz"),
    }


def test_the_highest_release_is_the_default(
    released: Releases, capsys: pytest.CaptureFixture[str]
) -> None:
    audit.run(released.context(RELEASE_VERSION="", GITHUB_TOKEN=""))
    assert capsys.readouterr().out.startswith("## Audit of v0.3.0")


def test_a_tag_that_was_moved(released: Releases) -> None:
    released.project.git("push", "-qf", "origin", "origin/main~:refs/tags/v0.3.0")
    assert "git tag v0.3.0" in drift(released)


def amend(bench: Releases, path: str, old: str, new: str) -> None:
    """Move the tag to a commit in which one file says something else."""
    bench.begin()
    text = (bench.project.clone / path).read_text()
    assert old in text
    (bench.project.clone / path).write_text(text.replace(old, new))
    bench.project.git("commit", "-qam", "Change")
    bench.project.git("push", "-qf", "origin", "HEAD:refs/tags/v0.3.0")


@pytest.mark.parametrize(
    ("path", "old", "new", "what"),
    [
        ("CITATION.cff", "0.3.0", "0.2.9", "CITATION.cff"),
        ("pyproject.toml", 'version = "0.3.0"', 'version = "0.2.9"', "pyproject.toml"),
        ("uv.lock", 'version = "0.3.0"', 'version = "0.2.9"', "uv.lock"),
        ("CHANGELOG.md", "## [0.3.0]", "## [0.2.9]", "The files of the tagged commit"),
    ],
)
def test_a_file_that_says_another_version(
    released: Releases, path: str, old: str, new: str, what: str
) -> None:
    amend(released, path, old, new)
    assert drift(released) == {"git tag v0.3.0", what}


def change_wheel(bench: Releases, edit: Callable[[bytes], bytes]) -> str:
    """Put another wheel in the place of the released one, as no index should allow."""
    name = "sample_thing-0.3.0-py3-none-any.whl"
    changed = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(bench.index.files[name])) as old,
        zipfile.ZipFile(changed, "w") as new,
    ):
        for member in old.namelist():
            new.writestr(member, edit(old.read(member)))
    bench.index.files[name] = changed.getvalue()
    return name


def test_a_wheel_with_other_metadata(released: Releases) -> None:
    name = change_wheel(released, lambda text: text.replace(b"\nVersion: 0.3.0", b"\nVersion: 9.9"))
    assert drift(released) == {"package sample_thing 0.3.0", f"metadata of {name}"}


def test_a_file_that_is_missing_on_the_index(released: Releases) -> None:
    del released.index.files["sample_thing-0.3.0.tar.gz"]
    assert drift(released) == {"package sample_thing 0.3.0", "package"}


def test_a_file_on_the_index_that_was_not_released(released: Releases) -> None:
    name = "sample_thing-0.3.0-cp313-none-any.whl"
    released.index.files[name] = released.index.files["sample_thing-0.3.0-py3-none-any.whl"]
    found = examined(released)["package sample_thing 0.3.0"]
    assert (found.status, name in found.found) == (PROBLEM, True)


def rebuilt(bench: Releases, version: str) -> str:
    """Make an image index of the same release whose labels say a version; give its digest."""
    labels = {"org.opencontainers.image.version": version}
    digests = [bench.images.push(IMAGE, labels, one.partition("/")[2]) for one in PLATFORMS]
    context = bench.context(GITHUB_TOKEN=WRITER)
    return context.registry.join(f"{bench.images.host}/{IMAGE}", digests)


def test_a_version_tag_with_other_bytes(released: Releases) -> None:
    released.images.point(IMAGE, "v0.3.0", rebuilt(released, "0.2.9"))
    labels = {f"label of api for {platform}" for platform in PLATFORMS}
    assert drift(released) == {image_tag(released, "v0.3.0"), *labels}


def test_a_version_tag_that_is_gone(released: Releases) -> None:
    released.images.remove(IMAGE, released.digest("0.3.0"))
    assert image_tag(released, "v0.3.0") in drift(released)


def test_a_floating_tag_that_leads_elsewhere(released: Releases) -> None:
    released.images.point(IMAGE, "latest", released.digest("0.2.4"))
    released.images.point(IMAGE, "0.2", released.digest("0.2.4"))
    assert drift(released) == {image_tag(released, "latest")}
    assert drift(released, "0.2.5") == {image_tag(released, "0.2")}


def test_a_floating_tag_that_a_higher_version_holds(released: Releases) -> None:
    """`promote` leaves it there; no release of that version is here, so it is drift."""
    released.images.point(IMAGE, "latest", rebuilt(released, "9.9.9"))
    assert drift(released) == {image_tag(released, "latest")}


def test_latest_on_github(released: Releases) -> None:
    released.context(GITHUB_TOKEN=WRITER).forge.edit("v0.2.4", make_latest="true")
    assert drift(released) == {"GitHub's Latest"}


def test_a_title_that_was_edited_is_a_persons_business(released: Releases) -> None:
    release = forge_release(released)
    release.update_release("The best one", release.body, make_latest="true")
    assert drift(released) == set()


def replace_asset(bench: Releases, name: str, content: bytes) -> None:
    release = forge_release(bench)
    next(one for one in release.get_assets() if one.name == name).delete_asset()
    path = bench.folder / name
    path.write_bytes(content)
    release.upload_asset(str(path))


def test_an_asset_that_was_changed(released: Releases) -> None:
    replace_asset(released, "compose.yaml", b"services: {}\n")
    assert drift(released) == {"asset compose.yaml"}


def test_an_asset_that_is_gone_and_one_too_many(released: Releases) -> None:
    release = forge_release(released)
    next(one for one in release.get_assets() if one.name == "compose.yaml").delete_asset()
    path = released.folder / "virus.exe"
    path.write_bytes(b"x")
    release.upload_asset(str(path))
    assert drift(released) == {"asset compose.yaml", "asset virus.exe"}


def test_a_list_of_hashes_that_is_gone(released: Releases) -> None:
    release = forge_release(released)
    next(one for one in release.get_assets() if one.name == "SHA256SUMS").delete_asset()
    assert "asset SHA256SUMS" in drift(released)


def test_a_part_that_nobody_signed_is_named(released: Releases) -> None:
    assert examined(released)["attestations"].found == "10 of 10 by " + BY
    digest = released.digest("0.3.0").removeprefix("sha256:")
    for path in (released.github.folder / "attestations").glob("*.json"):
        kept = json.loads(path.read_text())
        kept["subjects"] = [one for one in kept["subjects"] if one != digest]
        path.write_text(json.dumps(kept))
    assert drift(released) == {f"attestation of {released.images.host}/{IMAGE}@sha256:{digest}"}


def test_a_certificate_that_cannot_be_read_is_somebody_elses(released: Releases) -> None:
    path = max((released.github.folder / "attestations").glob("*.json"))
    kept = json.loads(path.read_text())
    kept["bundle"]["verificationMaterial"]["certificate"]["rawBytes"] = "AAAA"
    path.write_text(json.dumps(kept))
    found = drift(released)
    assert "attestations of v0.3.0 by somebody whose certificate cannot be read" in found
    assert "attestation of release.json" in found


def test_a_lock_that_names_no_signer_has_no_attestations_to_check(released: Releases) -> None:
    context = released.context(RELEASE_VERSION="0.3.0")
    subject = find(context)
    lock = subject.lock
    assert lock
    for signing, found in (
        (None, "the lock does not say who signs"),
        (Signing(reason="a private repository"), "a private repository"),
    ):
        unsigned = dataclasses.replace(lock, signing=signing)
        (one,) = audit.attestations(context, dataclasses.replace(subject, lock=unsigned))
        assert (one.status, one.found) == (NOT_CHECKED, found)


def test_the_attestations_of_the_highest_releases_are_asked_for(
    released: Releases, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(audit, "RECENT", 2)
    audit.run(released.context(RELEASE_VERSION="", GITHUB_TOKEN=""), issue=True)
    said = capsys.readouterr().out
    assert said.count("10 of 10 by") == 2
    assert said.count("only the weekly audit asks, for the 2 highest releases") == 1


def test_a_lock_altered_by_hand_with_its_hash(released: Releases) -> None:
    """Whoever changes the lock changes the list of hashes too: tag and notes name the lock."""
    text = asset(released, lockfile.NAME).decode()
    digest = released.digest("0.3.0")
    other = text.replace(digest, f"sha256:{'0' * 64}")
    sums = asset(released, "SHA256SUMS").decode()
    for content in (other, text):
        digest_of = hashlib.sha256(content.encode()).hexdigest()
        sums = re.sub(r"[0-9a-f]{64}  release.json", f"{digest_of}  release.json", sums)
        replace_asset(released, lockfile.NAME, content.encode())
        replace_asset(released, "SHA256SUMS", sums.encode())
        assert (lockfile.NAME in drift(released)) is (content == other)


def asset(bench: Releases, name: str) -> bytes:
    return bench.context().forge.asset(forge_release(bench), name) or b""


def test_a_lock_that_contradicts_itself(released: Releases) -> None:
    content = json.loads(asset(released, lockfile.NAME))
    content["plan"]["latest"] = False
    replace_asset(released, lockfile.NAME, json.dumps(content).encode())
    assert f"{lockfile.NAME}" in drift(released)


# What a release made before this system, or one that was taken back, can tell.


def test_a_release_without_a_lock_says_what_it_can(released: Releases) -> None:
    released.context(GITHUB_TOKEN=WRITER).forge.repository.create_git_release(
        "v0.2.3", name="v0.2.3", message="Before."
    )
    found = examined(released, "0.2.3")
    by_status = {one.what: one.status for one in found.values()}
    assert by_status["pyproject.toml"] == OK
    assert by_status["assets"] == by_status["floating tags"] == NOT_CHECKED
    # Drift that was real: its lock file says another version.
    assert by_status["uv.lock"] == PROBLEM
    assert by_status["package"] == PROBLEM


def test_a_tag_without_a_release(released: Releases) -> None:
    assert examined(released, "0.2.3")["release"].status == PROBLEM


def test_a_release_that_was_rolled_back_is_no_drift(released: Releases) -> None:
    released.begin()
    released.step("rollback", RELEASE_VERSION="0.3.0")
    assert drift(released, "0.3.0") == set()
    assert drift(released, "0.2.5") == set()


@pytest.mark.parametrize("version", ["9.9.9", "nonsense"])
def test_a_version_that_was_never_released(released: Releases, version: str) -> None:
    with pytest.raises(UsageError, match=version):
        examined(released, version)


def test_drift_fails_and_names_itself(released: Releases) -> None:
    released.images.point(IMAGE, "latest", released.digest("0.2.4"))
    with pytest.raises(CheckError, match=r"latest: .* expected") as raised:
        audit.run(released.context(RELEASE_VERSION="0.3.0"))
    assert "run the release again" in raised.value.remedy


def test_starting_needs_an_engine(released: Releases) -> None:
    socket = f"unix://{released.folder}/no-engine"
    context = released.context(RELEASE_VERSION="0.3.0", DOCKER_HOST=socket)
    (finding,) = audit.started(context, find(context))
    assert finding.status == NOT_CHECKED
    assert "no Docker engine answers" in finding.found


# The weekly audit.


def test_it_keeps_one_issue_about_every_release(released: Releases) -> None:
    tokens = {**TOKENS, "keeper": Token("github-actions[bot]", {"issues": "write"})}
    shutil.copytree(released.folder / "github-0", released.folder / "github-1")
    released.github = released.serve_github(tokens=tokens)
    weekly = {"RELEASE_VERSION": "", "GITHUB_TOKEN": "keeper"}
    forge = released.context(**weekly).forge

    def bodies() -> list[str]:
        return [issue.body for issue in forge.repository.get_issues(state="open")]

    assert not audit.run(released.context(**weekly), issue=True).outcomes[0].written
    released.images.point(IMAGE, "0.2", released.digest("0.2.4"))
    for _ in range(2):
        with pytest.raises(CheckError, match=r"v0\.2\.5: .*:0\.2: "):
            audit.run(released.context(**weekly), issue=True)
    (body,) = bodies()
    assert "## v0.2.5" in body
    assert "v0.3.0" not in body
    # Of one release alone it says nothing there.
    audit.run(released.context(**{**weekly, "RELEASE_VERSION": "0.3.0"}), issue=True)
    assert bodies() == [body]
    released.images.point(IMAGE, "0.2", released.digest("0.2.5"))
    audit.run(released.context(**weekly), issue=True)
    assert bodies() == []


def test_of_every_release_only_the_highest_is_started(
    released: Releases, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No runner's disk holds the images of all."""
    monkeypatch.setattr(audit, "started", lambda _, subject: iter([_begun(subject)]))
    weekly = released.context(RELEASE_VERSION="", DOCKER_HOST=f"unix://{released.folder}/no")
    audit.run(weekly, start=True, issue=True)
    said = capsys.readouterr().out
    assert re.findall(r"began (v[\d.]+)", said) == ["v0.3.0"]
    assert "only the highest is started" in said
    alone = {"RELEASE_VERSION": "0.2.4"}
    audit.run(released.context(**alone), start=True, issue=True)
    assert re.findall(r"began (v[\d.]+)", capsys.readouterr().out) == ["v0.2.4"]


def _begun(subject: Subject) -> Finding:
    return Finding(f"began {subject.tag}", OK, "")


def test_a_run_audits_the_release_that_it_made(released: Releases) -> None:
    released.release("0.3.1")
    context = released.step("audit", RELEASE_VERSION="patch")
    assert context.results("audit")[0].failure is None


def test_a_tag_that_is_spelt_otherwise_is_no_trouble(released: Releases) -> None:
    """The release's own tag counts, and not the one that this system would give."""
    released.project.git("push", "-q", "origin", "origin/main~:refs/tags/v0.1.2-rc1")
    forge = released.context(GITHUB_TOKEN=WRITER).forge
    forge.repository.create_git_release("v0.1.2-rc1", name="0.1.2-rc1", message="Before.")
    weekly = released.context(RELEASE_VERSION="")
    assert [one.tag for one in every(weekly)] == ["v0.3.0", "v0.2.5", "v0.2.4"]
    assert find(released.context(RELEASE_VERSION="0.1.2rc1")).tag == "v0.1.2-rc1"


def test_a_release_whose_tag_is_gone_is_a_finding_among_the_others(released: Releases) -> None:
    released.project.git("push", "-q", "origin", ":refs/tags/v0.2.4")
    context = released.context(RELEASE_VERSION="")
    one = next(one for one in every(context) if one.tag == "v0.2.4")
    wrong = {finding.what for finding in audit.examine(context, one) if finding.status == PROBLEM}
    assert "git tag v0.2.4" in wrong


# Requests to GitHub: the token of a run has 1,000 an hour, for all of its repository.

AN_HOUR = 1000
REQUESTS = 44  # of a whole release by its stages; pages of the listing come on top


def test_an_audit_of_a_hundred_releases_needs_a_third_of_an_hours_requests(
    released: Releases,
) -> None:
    sums, lock = asset(released, "SHA256SUMS"), asset(released, lockfile.NAME)
    repository = released.context(GITHUB_TOKEN=WRITER).forge.repository
    for name, content in (("SHA256SUMS", sums), (lockfile.NAME, lock)):
        (released.folder / name).write_bytes(content)
    numbers = range(97)
    refs = [f"origin/main:refs/tags/v0.4.{number}" for number in numbers]
    released.project.git("push", "-q", "origin", *refs)
    for number in numbers:
        made = repository.create_git_release(f"v0.4.{number}", name="x", message="x")
        for name in ("SHA256SUMS", lockfile.NAME):
            made.upload_asset(str(released.folder / name))
    before = len(released.github.journal())
    context = released.context(RELEASE_VERSION="")
    subjects = every(context)
    for one in subjects:
        audit.examine(context, one, (audit.release, audit.tag, audit.pointers))
    assert len(subjects) == 100
    assert len(released.github.journal()) - before < AN_HOUR / 3


def test_a_release_needs_few_requests(released: Releases) -> None:
    before = len(released.github.journal())
    released.release("0.3.1")
    released.step("audit", RELEASE_VERSION="0.3.1")
    assert len(released.github.journal()) - before < REQUESTS
