"""What no lock explains gives one issue with its name within one audit; what is ours gives none."""

import hashlib
import shutil
from collections.abc import Callable, Iterator

import pytest

from rehearsal.github.settings import Token
from scripts.core.errors import CheckError
from scripts.release.released import every
from scripts.stages import audit
from tests.conftest import TOKENS, WRITER
from tests.support.releases import IMAGE, PLATFORMS, WORKFLOW, Releases

pytestmark = pytest.mark.service

FIRST = ("plan", "prepare", "dists", "stage")
LAST = ("publish-tags", "publish-package", "promote")
WHEEL = "sample_thing-{}-py3-none-any.whl"


@pytest.fixture
def bench(released: Releases) -> Iterator[Releases]:
    """Three releases are out, and a weekly audit may keep issues."""
    tokens = {**TOKENS, "keeper": Token("github-actions[bot]", {"issues": "write"})}
    shutil.copytree(released.folder / "github-0", released.folder / "github-1")
    released.github = released.serve_github(tokens=tokens)
    return released


def audited(bench: Releases) -> list[str]:
    """Run the weekly audit twice; the second run writes nothing. Give the open issues' titles."""
    alone = {"REGISTRY_USERNAME": "", "REGISTRY_TOKEN": "", "RELEASE_VERSION": ""}
    found: list[list[str]] = []
    writes: list[int] = []
    remedies: list[str] = []
    for _ in range(2):
        bench.begin()
        context = bench.context(GITHUB_TOKEN="keeper", **alone)
        before = len(bench.github.writes())
        try:
            audit.run(context, issue=True)
        except CheckError as error:
            remedies.append(error.remedy)
        writes.append(len(bench.github.writes()) - before)
        found.append([one.title for one in context.forge.repository.get_issues(state="open")])
    assert found[0] == found[1]
    assert writes[1] == 0
    assert all(remedies)
    return [title.removeprefix("No release made this: ") for title in found[0]]


def image(bench: Releases, label: str) -> str:
    labels = {"org.opencontainers.image.version": label}
    digests = [bench.images.push(IMAGE, labels, one.partition("/")[2]) for one in PLATFORMS]
    context = bench.context(GITHUB_TOKEN=WRITER)
    return context.registry.join(f"{bench.images.host}/{IMAGE}", digests)


def a_version(bench: Releases) -> None:
    bench.index.files[WHEEL.format("9.9.9")] = b"a wheel"


def a_file(bench: Releases) -> None:
    released = bench.index.files[WHEEL.format("0.3.0")]
    bench.index.files["sample_thing-0.3.0-cp313-none-any.whl"] = released


def a_tag(bench: Releases) -> None:
    bench.project.git("push", "-q", "origin", "HEAD:refs/tags/v9.9.9")


def a_moved_tag(bench: Releases) -> None:
    bench.project.git("push", "-qf", "origin", "origin/main~:refs/tags/v0.3.0")


def a_release(bench: Releases) -> None:
    forge = bench.context(GITHUB_TOKEN=WRITER).forge
    forge.repository.create_git_release("v9.9.9", name="9.9.9", message="Take this.")


def an_image_tag(bench: Releases) -> None:
    bench.images.point(IMAGE, "v9.9.9", image(bench, "9.9.9"))


def a_moved_image_tag(bench: Releases) -> None:
    bench.images.point(IMAGE, "v0.3.0", image(bench, "0.3.0"))


def another_image_tag(bench: Releases) -> None:
    bench.images.point(IMAGE, "nightly", bench.digest("0.3.0"))


def a_pointer(bench: Releases) -> None:
    bench.images.point(IMAGE, "latest", image(bench, "0.3.0"))


def a_new_pointer(bench: Releases) -> None:
    bench.images.point(IMAGE, "9", image(bench, "9.0.0"))


def an_asset(bench: Releases) -> None:
    release = bench.context(GITHUB_TOKEN=WRITER).forge.release("v0.2.4")
    path = bench.folder / "setup.exe"
    path.write_bytes(b"x")
    assert release
    release.upload_asset(str(path))


def a_changed_asset(bench: Releases) -> None:
    release = bench.context(GITHUB_TOKEN=WRITER).forge.release("v0.2.4")
    assert release
    next(one for one in release.get_assets() if one.name == "compose.yaml").delete_asset()
    path = bench.folder / "compose.yaml"
    path.write_bytes(b"services: {}\n")
    release.upload_asset(str(path))


def an_attestation(bench: Releases) -> None:
    """Sign two parts of a release as another workflow of the repository."""
    digests = {"api": bench.digest("0.2.4").removeprefix("sha256:"), "wheel": wheel(bench)}
    commit = bench.project.sha("main")
    bench.attest(digests, commit, job_workflow_ref=WORKFLOW.replace("release.yml", "ci.yml"))


def wheel(bench: Releases) -> str:
    return hashlib.sha256(bench.index.files[WHEEL.format("0.2.4")]).hexdigest()


ROGUE: list[tuple[Callable[[Releases], None], str]] = [
    (a_version, "version 9.9.9"),
    (a_file, "package sample_thing 0.3.0"),
    (a_tag, "version 9.9.9"),
    (a_moved_tag, "git tag v0.3.0"),
    (a_release, "version 9.9.9"),
    (an_image_tag, "version 9.9.9"),
    (a_moved_image_tag, f"image tag HOST/{IMAGE}:v0.3.0"),
    (another_image_tag, f"image tag HOST/{IMAGE}:nightly"),
    (a_pointer, f"image tag HOST/{IMAGE}:latest"),
    (a_new_pointer, f"image tag HOST/{IMAGE}:9"),
    (an_asset, "asset setup.exe of v0.2.4"),
    (a_changed_asset, "asset compose.yaml of v0.2.4"),
    (an_attestation, "attestations of v0.2.4 by .github/workflows/ci.yml@refs/heads/main"),
]


@pytest.mark.parametrize(("act", "named"), ROGUE, ids=[act.__name__ for act, _ in ROGUE])
def test_what_no_lock_explains_gives_one_issue_with_its_name(
    bench: Releases, act: Callable[[Releases], None], named: str
) -> None:
    act(bench)
    found = audited(bench)
    others = [one for one in found if "no longer agree" not in one]
    assert others == [named.replace("HOST", bench.images.host)]
    # A moved tag also takes files and labels with it: what they say is drift.
    drifting = {a_moved_tag, a_moved_image_tag}
    assert (len(found) == 1) or act in drifting


def test_an_issue_names_every_place_and_ends_with_its_cause(bench: Releases) -> None:
    a_version(bench)
    an_image_tag(bench)
    assert audited(bench) == ["version 9.9.9"]
    context = bench.context(GITHUB_TOKEN="keeper")
    (issue,) = context.forge.repository.get_issues(state="open")
    assert f"package sample_thing 9.9.9, image tag {bench.images.host}/{IMAGE}:v9.9.9" in issue.body
    assert "revoke the credential" in issue.body
    del bench.index.files[WHEEL.format("9.9.9")]
    bench.images.remove(IMAGE, bench.images.digest(IMAGE, "v9.9.9") or "")
    assert audited(bench) == []


def test_before_this_system_there_was_no_lock(bench: Releases) -> None:
    bench.index.files[WHEEL.format("0.1.0")] = b"a wheel"
    bench.images.point(IMAGE, "v0.1.0", image(bench, "0.1.0"))
    bench.images.point(IMAGE, "0.1", image(bench, "0.1.0"))
    assert audited(bench) == []


def test_a_tag_that_the_table_names_is_accepted(bench: Releases) -> None:
    another_image_tag(bench)
    bench.begin()
    digest = bench.digest("0.3.0").replace(":", "-")
    bench.images.point(IMAGE, f"{digest}.sig", bench.digest("0.3.0"))
    text = (bench.project.clone / "pyproject.toml").read_text()
    own = '\n[tool.release.watch]\nimage-tags = ["nightly"]\n'
    bench.project.commit({"pyproject.toml": text + own})
    assert audited(bench) == []


def test_a_rollback_raises_none(bench: Releases) -> None:
    bench.begin()
    bench.step("rollback", RELEASE_VERSION="0.3.0")
    assert audited(bench) == []


@pytest.mark.parametrize("until", ["stage", "publish-tags", "publish-package"])
def test_a_release_that_is_under_way_raises_none(bench: Releases, until: str) -> None:
    bench.release("0.3.1", until=until)
    assert audited(bench) == []


def test_a_release_that_was_withdrawn_halfway_raises_none(bench: Releases) -> None:
    bench.release("0.3.1", until="publish-tags")
    bench.step("rollback", RELEASE_VERSION="0.3.1")
    assert audited(bench) == []


def test_a_hotfix_of_an_older_line_raises_none(bench: Releases) -> None:
    bench.project.git("push", "-q", "origin", "v0.2.5^{commit}:refs/heads/0.2.x")
    bench.project.git("checkout", "-q", "v0.2.5")
    log = (bench.project.clone / "CHANGELOG.md").read_text()
    log = log.replace("## [Unreleased]\n", "## [Unreleased]\n\n### Fixed\n\n- One.\n", 1)
    start = bench.project.commit({"CHANGELOG.md": log}, branch="0.2.x")
    for verb in (*FIRST, *LAST):
        bench.project.git("checkout", "-q", start)
        if verb == "stage":
            bench.build()
        if verb == LAST[0]:
            bench.sign()
        bench.step(verb, RELEASE_VERSION="0.2.6", GITHUB_REF_NAME="0.2.x", GITHUB_SHA=start)
        if verb in ("stage", "publish-package"):
            audit_beside(bench)
    shutil.rmtree(bench.project.clone / "release")
    assert bench.tag("0.2") == bench.digest("0.2.6")
    assert bench.tag("latest") == bench.digest("0.3.0")
    assert audited(bench) == []


def audit_beside(bench: Releases) -> None:
    """Look in the middle of a release, and find nothing that is not ours."""
    context = bench.context(GITHUB_TOKEN="keeper", RELEASE_VERSION="")
    found = audit.beside(context, every(context))
    assert [one.what for one in found.values() if one.foreign] == []


def test_a_pushed_tag_whose_run_is_under_way_raises_none(
    bench: Releases, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_tag(bench)
    context = bench.context()
    for runs, running in (([], False), ([{"status": "completed"}], False)):
        context.forge.setting = lambda _, runs=runs: {"workflow_runs": runs}  # type: ignore[misc]
        assert context.forge.is_running("v9.9.9") is running
    kind = type(context.forge)
    monkeypatch.setattr(kind, "is_running", lambda _, tag: tag == "v9.9.9")
    assert audited(bench) == []


def test_a_registry_that_shows_no_tags_is_named(
    bench: Releases, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scripts.surfaces.registry_access._base", lambda _: bench.github.url)
    monkeypatch.setattr("scripts.surfaces.registry_access.MISSING", 0)
    assert audited(bench) == []
    assert f"image tags of {bench.images.host}/{IMAGE}" in capsys.readouterr().out
