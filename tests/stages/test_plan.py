"""The plan decides by reading only: whatever it refuses, nothing changed anywhere."""

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from scripts.core import lockfile, planning
from scripts.core.converge import converge
from scripts.core.errors import (
    ConflictError,
    ReleaseError,
    ServiceError,
    TransientError,
    UsageError,
)
from scripts.core.lockfile import Lock
from scripts.core.planning import Plan
from scripts.release import attempt, configuration, release_commit, starting_point
from scripts.release.context import Context
from scripts.stages.plan import run
from scripts.surfaces import git_remote
from scripts.surfaces.git_remote import GitTag, ReleaseBranch
from scripts.surfaces.github_release import Draft
from tests.conftest import READER, Bench
from tests.support.project import CHANGELOG, FILES, PYPROJECT
from tests.support.releases import IMAGE, Releases

WHEEL, SDIST = "sample_thing-0.2.4-py3-none-any.whl", "sample_thing-0.2.4.tar.gz"


def planned(context: Context) -> Plan:
    """Run the stage, and read what it hands over."""
    run(context)
    return planning.read((context.outputs / "plan.json").read_text("utf-8"))


def refused(bench: Bench, context: Context) -> ReleaseError:
    """Run the stage, which must refuse and change nothing."""
    before = bench.world()
    with pytest.raises(ReleaseError) as raised:
        run(context)
    assert bench.world() == before
    assert not (context.outputs / "plan.json").exists()
    assert raised.value.remedy
    return raised.value


# What goes.


def test_a_plan_of_a_branch(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    output = bench.folder / "output"
    before = bench.world()
    plan = planned(bench.context(GITHUB_OUTPUT=str(output)))
    assert (plan.version, plan.branch, plan.base) == ("0.2.4", "main", bench.project.sha("main"))
    assert (plan.previous_tag, plan.dists) == ("v0.2.3", (WHEEL, SDIST))
    assert bench.world() == before
    assert "Plan for sample_thing 0.2.4" in capsys.readouterr().out
    assert "platforms<<" in output.read_text()


@pytest.mark.parametrize(
    ("typed", "version"),
    [("patch", "0.2.4"), ("minor", "0.3.0"), ("rc", "0.2.4rc1"), ("v0.3.0-rc1", "0.3.0rc1")],
)
def test_a_version_can_be_asked_for_in_words(bench: Bench, typed: str, version: str) -> None:
    assert planned(bench.context(RELEASE_VERSION=typed)).version == version


def test_the_same_start_gives_the_same_plan(bench: Bench) -> None:
    first = planned(bench.context())
    second = planned(bench.context(RELEASE_VERSION="patch"))
    assert first == second


def test_a_plan_is_of_one_day(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its date and its time, which every file gets, though midnight passes between two looks."""
    days = iter(f"2030-01-{day:02}" for day in range(1, 32))
    monkeypatch.setattr(starting_point, "today", lambda: next(days))
    context = bench.context()
    made = starting_point.base_of(context, starting_point.find(context))
    assert datetime.fromtimestamp(made.source_date_epoch, UTC).date().isoformat() == made.date


def test_a_dry_run_needs_no_right_to_write(bench: Bench) -> None:
    plan = planned(bench.context(RELEASE_DRY_RUN="true", GITHUB_TOKEN=READER))
    assert plan.dry_run
    assert plan == planned(bench.context()).for_mode(planning.DRY_RUN)


def test_it_plans_the_remotes_branch_not_the_checkout(bench: Bench) -> None:
    head = bench.project.sha("main")
    bench.project.git("commit", "-q", "--allow-empty", "-m", "not pushed")
    assert planned(bench.context()).base == head


def test_it_runs_on_a_laptop(bench: Bench) -> None:
    """Without what Actions sets: the branch is the checkout's, the repository the remote's."""
    bench.project.git("remote", "set-url", "origin", "git@github.com:mari/sample_thing.git")
    plan = planned(bench.context(GITHUB_REF_NAME="", GITHUB_REF_TYPE="", GITHUB_REPOSITORY=""))
    assert plan.branch == "main"


def tagged(bench: Bench, **files: str) -> Context:
    """Tag a commit that says 0.2.4 everywhere, but for `files`."""
    texts = {
        "pyproject.toml": PYPROJECT.replace("0.2.3", "0.2.4"),
        "CITATION.cff": FILES["CITATION.cff"].replace("0.2.3", "0.2.4"),
        "CHANGELOG.md": CHANGELOG.replace(
            "## [Unreleased]", "## [Unreleased]\n\n## [0.2.4] - 2026-01-02"
        ),
    }
    bench.project.commit({**texts, **{name.replace("_", "."): t for name, t in files.items()}})
    bench.project.git("tag", "-am", "0.2.4", "v0.2.4")
    bench.project.git("push", "-q", "origin", "v0.2.4")
    return bench.pushed("v0.2.4")


def test_a_plan_of_a_pushed_tag(bench: Bench) -> None:
    plan = planned(tagged(bench))
    assert (plan.version, plan.branch, plan.release_branch) == ("0.2.4", None, None)
    assert (plan.base, plan.date) == (bench.project.sha("v0.2.4"), "2026-01-02")
    assert plan.previous_tag == "v0.2.3"


# What does not go.


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("0.2", "is lower than"),
        ("0.2.2", "is lower than the version of this branch, 0.2.3"),
        ("banana", "'banana' is not a version"),
        ("0.2.4.dev1", "has a development release"),
        ("", "no version was given"),
    ],
)
def test_a_version_that_cannot_be_released(bench: Bench, version: str, said: str) -> None:
    error = refused(bench, bench.context(RELEASE_VERSION=version))
    assert said in error.cause
    assert error.exit_code == 2


def test_a_version_released_from_another_branch(bench: Bench) -> None:
    """The tag is there, but no lock, and its commit says another version."""
    bench.project.git("tag", "v0.3.0", "v0.2.3^{commit}")
    bench.project.git("push", "-q", "origin", "v0.3.0")
    error = refused(bench, bench.context(RELEASE_VERSION="0.3.0"))
    assert isinstance(error, ConflictError)
    assert "that commit says 0.2.3" in error.cause


@pytest.mark.parametrize("name", [WHEEL, "sample_thing-0.2.4-cp311-cp311-linux_x86_64.whl"])
def test_a_version_taken_on_the_index(bench: Bench, name: str) -> None:
    bench.index.files[name] = b"somebody else's"
    error = refused(bench, bench.context())
    assert error.exit_code == 3
    assert "0.2.4 is taken (package sample_thing 0.2.4)" in error.cause
    assert "next version" in error.remedy


@pytest.mark.service
def test_a_version_taken_by_an_image_tag(released: Releases) -> None:
    """Somebody pushed an image under the name that the next version's will have."""
    released.begin()
    log = (released.project.clone / "CHANGELOG.md").read_text()
    entry = log.replace("## [Unreleased]\n", "## [Unreleased]\n\n### Added\n\n- More.\n", 1)
    released.project.commit({"CHANGELOG.md": entry})
    released.images.point(IMAGE, "v0.3.1", released.digest("0.3.0"))
    before = released.state()
    with pytest.raises(ConflictError) as raised:
        run(released.context(RELEASE_VERSION="0.3.1"))
    assert f"0.3.1 is taken (image tag {released.images.host}/{IMAGE}:v0.3.1)" in raised.value.cause
    assert "next version" in raised.value.remedy
    assert released.state() == before


@pytest.mark.parametrize("version", ["0.2.3", "0.2.4"])
def test_a_version_taken_by_a_tag_that_no_run_from_a_branch_made(
    bench: Bench, version: str
) -> None:
    """What was released by hand, or by a pushed tag, is not begun again from a branch."""
    tagged(bench)
    error = refused(bench, bench.context(RELEASE_VERSION=version))
    assert f"{version} is taken (git tag v{version})" in error.cause
    assert error.exit_code == 3


@pytest.mark.parametrize(
    ("changelog", "said"),
    [
        (CHANGELOG.replace("### Added\n\n- A thing.\n", ""), "Unreleased has no entries"),
        (CHANGELOG.replace("## [Unreleased]\n\n### Added\n\n- A thing.\n", ""), "no Unreleased"),
        (CHANGELOG + "\n## [Unreleased]\n\n- More.\n", "is here again"),
        (CHANGELOG + "\n## [0.2.3] - 2025-08-19\n\n- More.\n", "0.2.3 has a heading here and"),
        (CHANGELOG + "\n## [0.2.4] - 2025-08-19\n\n- More.\n", "0.2.4 has a heading already"),
    ],
)
def test_a_changelog_that_cannot_be_cut(bench: Bench, changelog: str, said: str) -> None:
    bench.project.commit({"CHANGELOG.md": changelog})
    error = refused(bench, bench.context())
    assert said in error.cause
    assert error.place
    assert error.place.path == "CHANGELOG.md"
    assert error.exit_code == 2


def test_what_the_table_names_is_looked_for_before_anything_is_built(bench: Bench) -> None:
    image = """
[[tool.release.images]]
name = "api"
dockerfile = "api/Dockerfil"
repository = "mari/api"
platforms = ["linux/amd64"]
"""
    table = PYPROJECT.replace('["sample_thing"]', '["sample"]') + image
    files = {"pyproject.toml": table.replace("[tool.release]", '[tool.release]\ncompose = "c.yml"')}
    bench.project.commit({**files, "c.yml": "services: {web: {}}\n"})
    context = bench.context()
    start = starting_point.find(context)
    with pytest.raises(UsageError) as raised:
        starting_point.check(context, start, start.style.read("v0.2.4"))  # type: ignore[arg-type]
    for said in ("api/Dockerfil is not in", "sample is not in", "not a service of c.yml"):
        assert said in raised.value.cause
    assert raised.value.place


def test_a_name_that_does_not_resolve_is_given_up_soon_on_a_laptop(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    context = bench.context(
        GITHUB_SERVER_URL="https://no-such-host.invalid", RELEASE_DEADLINE="600"
    )
    start = time.monotonic()
    with pytest.raises(ServiceError, match=r"no-such-host\.invalid") as raised:
        run(context)
    assert time.monotonic() - start < 30
    assert "network" in raised.value.remedy
    assert "no-such-host.invalid" in capsys.readouterr().err


def test_a_runner_goes_on_asking_for_a_name(bench: Bench) -> None:
    """Its network comes back: the deadline is what the job was given."""
    context = bench.context(
        GITHUB_SERVER_URL="https://no-such-host.invalid",
        GITHUB_ACTIONS="true",
        RELEASE_DEADLINE="1",
    )
    with pytest.raises(TransientError):
        run(context)


def test_every_reason_is_told_at_once(bench: Bench) -> None:
    bench.project.commit({"CHANGELOG.md": CHANGELOG.replace("- A thing.", "")})
    error = refused(bench, bench.context(RELEASE_VERSION="0.2.2"))
    assert "is lower than" in error.cause
    assert "Unreleased has no entries" in error.cause


@pytest.mark.parametrize(
    ("path", "content", "said"),
    [
        ("CITATION.cff", "version: 1.0.0\n", "'version: 0.2.3' 0 times"),
        ("uv.lock", "version = 1\n", "0 entries for sample-thing"),
    ],
)
def test_a_file_in_which_the_version_cannot_be_set(
    bench: Bench, path: str, content: str, said: str
) -> None:
    """`prepare` would find it: too late, for no reason."""
    bench.project.commit({path: content})
    error = refused(bench, bench.context())
    assert said in error.cause
    assert error.place
    assert error.place.path == path


@pytest.mark.parametrize("path", ["CHANGELOG.md", "CITATION.cff", "pyproject.toml"])
def test_a_file_that_is_not_there(bench: Bench, path: str) -> None:
    bench.project.commit({path: None})
    error = refused(bench, bench.context())
    assert f"{path} is not in commit" in error.cause
    assert error.exit_code == 2


def test_a_configuration_with_three_mistakes(bench: Bench) -> None:
    wrong = PYPROJECT.replace("line =", "lines =").replace("modules =", "module =")
    bench.project.commit({"pyproject.toml": wrong.replace("version-files", "version-file")})
    error = refused(bench, bench.context())
    assert error.cause.count("pyproject.toml:") >= 3
    assert error.exit_code == 2


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"pyproject_toml": PYPROJECT}, "says version 0.2.3, the tag says 0.2.4"),
        ({"CITATION_cff": "version: 0.2.3\n"}, "CITATION.cff does not say"),
        ({"CHANGELOG_md": CHANGELOG}, "no section for 0.2.4"),
    ],
)
def test_a_pushed_tag_whose_commit_does_not_say_so(
    bench: Bench, files: dict[str, str], said: str
) -> None:
    error = refused(bench, tagged(bench, **files))
    assert said in error.cause
    assert error.exit_code == 2


@pytest.mark.parametrize("tag", ["v0.2.3-rc1", "v0.2", "v0.2.3.0", "vanilla"])
def test_a_pushed_tag_that_is_not_the_versions_name(bench: Bench, tag: str) -> None:
    bench.project.git("tag", tag)
    bench.project.git("push", "-q", "origin", tag)
    error = refused(bench, bench.pushed(tag))
    assert tag.removeprefix("v") in error.cause or tag in error.cause
    assert error.exit_code == 2


@pytest.mark.parametrize("typed", ["0.2.5", "patch", "nonsense"])
def test_a_version_that_is_typed_beside_a_tag_must_be_the_tags(bench: Bench, typed: str) -> None:
    tagged(bench)
    error = refused(bench, bench.pushed("v0.2.4", RELEASE_VERSION=typed))
    assert typed in error.cause
    assert "v0.2.4" in error.cause
    assert planned(bench.pushed("v0.2.4", RELEASE_VERSION="0.2.4")).version == "0.2.4"


def test_a_branch_that_is_not_on_the_remote(bench: Bench) -> None:
    error = refused(bench, bench.context(GITHUB_REF_NAME="nowhere"))
    assert "refs/heads/nowhere is not on the remote" in error.cause


def test_a_checkout_without_a_branch_on_a_laptop(bench: Bench) -> None:
    bench.project.git("checkout", "-q", "--detach")
    error = refused(bench, bench.context(GITHUB_REF_NAME=""))
    assert error.exit_code == 2


def test_a_token_that_may_only_read(bench: Bench) -> None:
    over_http = {"GITHUB_SERVER_URL": bench.github.url}  # where a token counts
    error = refused(bench, bench.context(GITHUB_TOKEN=READER, **over_http))
    assert "the token may write: read only" in error.cause
    assert "contents: write" in error.remedy
    assert error.exit_code == 4


def test_a_token_that_is_none(bench: Bench) -> None:
    error = refused(bench, bench.context(GITHUB_TOKEN="wrong"))
    assert error.exit_code == 4
    assert "GITHUB_TOKEN" in error.remedy


def test_without_a_token_it_says_what_it_could_not_look_at(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    assert planned(bench.context(GITHUB_TOKEN="")).version == "0.2.4"
    assert "no GITHUB_TOKEN here" in capsys.readouterr().out


@pytest.mark.parametrize("variable", ["PACKAGE_INDEX_URL", "GITHUB_API_URL", "GITHUB_SERVER_URL"])
def test_a_service_that_does_not_answer(bench: Bench, variable: str) -> None:
    nobody = {variable: "http://localhost:9", "RELEASE_DEADLINE": "0.5"}
    error = refused(bench, bench.context(**nobody))
    assert error.exit_code == 4


def test_an_address_that_is_none_is_not_asked_again(bench: Bench) -> None:
    error = refused(bench, bench.context(PACKAGE_INDEX_URL="nowhere", RELEASE_DEADLINE="600"))
    assert "does not have that address" in error.cause
    assert error.exit_code == 4


@pytest.mark.parametrize("service", ["github", "index"])
def test_a_service_that_fails_for_a_while_is_asked_again(bench: Bench, service: str) -> None:
    served = bench.github if service == "github" else bench.index_served
    served.fault(occurrence=1, action="status", code=503)
    served.fault(occurrence=2, action="drop-after")
    served.fault(occurrence=3, action="status", code=429, headers={"Retry-After": "0"})
    assert planned(bench.context()).version == "0.2.4"


def test_a_service_that_fails_for_long_is_left_at_the_deadline(bench: Bench) -> None:
    bench.index_served.fault(action="status", code=503)
    error = refused(bench, bench.context(RELEASE_DEADLINE="0.5"))
    assert "answered 503" in error.cause
    assert error.exit_code == 4


# What an earlier attempt left.


@pytest.fixture
def tried(bench: Bench) -> Lock:
    """A try that came to its draft: release branch, lock and files, nothing public."""
    context = bench.context()
    plan = planned(context)
    commit = release_commit.make(context.knowing(plan=plan))
    folder = bench.folder / "assets"
    folder.mkdir()
    for name in plan.dists:
        (folder / name).write_bytes(name.encode() * 100)
    dists = tuple(lockfile.locked_dist(name, (folder / name).read_bytes()) for name in plan.dists)
    lock = Lock(plan, commit, dists, ())
    (folder / lockfile.NAME).write_text(lockfile.write(lock))
    assets = tuple(folder / name for name in (*plan.dists, lockfile.NAME))
    draft = Draft(context.forge, plan, "The notes.", assets)
    converge([ReleaseBranch(context.git, plan, commit), draft], context.environment.patience)
    shutil.rmtree(context.outputs)
    return lock


Publish = Callable[[Bench, Lock], None]


def publish_tag(bench: Bench, lock: Lock) -> None:
    context = bench.context()
    converge([GitTag(context.git, lock)], context.environment.patience)


def publish_package(bench: Bench, lock: Lock) -> None:
    for dist in lock.dists:
        content = (bench.folder / "assets" / dist.name).read_bytes()
        bench.index.files[dist.name] = content


def delete_draft(bench: Bench) -> None:
    release = bench.context().forge.release("v0.2.4")
    assert release
    release.delete_release()


def earlier(context: Context) -> Path:
    return context.outputs / "earlier"


def test_the_same_plan_again_takes_up_what_was_proven(bench: Bench, tried: Lock) -> None:
    context = bench.context()
    assert planned(context) == tried.plan
    assert lockfile.read((earlier(context) / lockfile.NAME).read_text()) == tried
    for dist in tried.dists:
        assert (earlier(context) / dist.name).read_bytes() == dist.name.encode() * 100


def test_until_a_name_is_public_a_moved_branch_starts_anew(bench: Bench, tried: Lock) -> None:
    head = bench.project.commit({"fix.txt": "fixed\n"})
    context = bench.context()
    plan = planned(context)
    assert plan.base == head
    assert plan.id != tried.plan.id
    assert not earlier(context).exists()


@pytest.mark.parametrize("publish", [publish_tag, publish_package])
def test_from_then_on_the_earlier_plan_rules(bench: Bench, tried: Lock, publish: Publish) -> None:
    publish(bench, tried)
    bench.project.commit({"fix.txt": "fixed\n"})
    context = bench.context()
    done = run(context)
    assert planning.read((context.outputs / "plan.json").read_text()) == tried.plan
    assert dict(done.facts)["commit"] == tried.commit
    assert lockfile.read((earlier(context) / lockfile.NAME).read_text()) == tried


def test_only_one_file_on_the_index_binds_too(bench: Bench, tried: Lock) -> None:
    publish_package(bench, tried)
    del bench.index.files[SDIST]
    bench.project.commit({"fix.txt": "fixed\n"})
    assert planned(bench.context()) == tried.plan


def test_a_deleted_draft_is_recovered_from_the_tag(bench: Bench, tried: Lock) -> None:
    publish_tag(bench, tried)
    delete_draft(bench)
    bench.project.commit({"fix.txt": "fixed\n"})
    context = bench.context()
    done = run(context)
    assert planning.read((context.outputs / "plan.json").read_text()) == tried.plan
    assert dict(done.facts)["commit"] == tried.commit


def test_a_deleted_draft_is_recovered_from_the_release_branch(bench: Bench, tried: Lock) -> None:
    publish_package(bench, tried)
    delete_draft(bench)
    assert planned(bench.context()) == tried.plan


def test_a_deleted_asset_is_fetched_from_the_index(bench: Bench, tried: Lock) -> None:
    publish_package(bench, tried)
    release = bench.context().forge.release("v0.2.4")
    assert release
    next(asset for asset in release.get_assets() if asset.name == WHEEL).delete_asset()
    context = bench.context()
    assert planned(context) == tried.plan
    assert (earlier(context) / WHEEL).read_bytes() == WHEEL.encode() * 100


def test_a_deleted_asset_that_is_nowhere_is_said(bench: Bench, tried: Lock) -> None:
    assert tried
    release = bench.context().forge.release("v0.2.4")
    assert release
    next(asset for asset in release.get_assets() if asset.name == WHEEL).delete_asset()
    before = bench.world()
    with pytest.raises(ServiceError) as raised:
        run(bench.context())
    assert bench.world() == before
    assert "draft" in raised.value.remedy


def test_other_bytes_under_an_assets_name_are_refused(bench: Bench, tried: Lock) -> None:
    assert tried
    release = bench.context().forge.release("v0.2.4")
    assert release
    next(asset for asset in release.get_assets() if asset.name == WHEEL).delete_asset()
    other = bench.folder / "other.whl"
    other.write_bytes(b"other bytes")
    release.upload_asset(str(other), name=WHEEL)
    before = bench.world()
    with pytest.raises(ConflictError, match="is not the file that its lock describes"):
        run(bench.context())
    assert bench.world() == before


def test_an_altered_lock_is_refused(bench: Bench, tried: Lock) -> None:
    release = bench.context().forge.release("v0.2.4")
    assert release
    next(asset for asset in release.get_assets() if asset.name == lockfile.NAME).delete_asset()
    altered = json.loads(lockfile.write(tried))
    altered["plan"]["version"] = "0.2.5"
    path = bench.folder / "altered.json"
    path.write_text(json.dumps(altered))
    release.upload_asset(str(path), name=lockfile.NAME)
    error = refused(bench, bench.context())
    assert "was altered" in error.cause
    assert error.exit_code == 3


def test_a_lock_with_other_names_than_those_that_are_public_is_a_conflict(
    bench: Bench, tried: Lock
) -> None:
    """Found by the plan, not by the job that would publish the rest."""
    publish_tag(bench, tried)
    bench.index.files[WHEEL] = b"somebody else's"
    error = refused(bench, bench.context())
    assert error.exit_code == 3
    assert f"the index holds {WHEEL}" in error.cause


def test_a_tag_moved_away_from_the_lock_is_a_conflict(bench: Bench, tried: Lock) -> None:
    publish_package(bench, tried)
    bench.project.git("push", "-q", "origin", "HEAD:refs/tags/v0.2.4")
    error = refused(bench, bench.context())
    assert error.exit_code == 3
    assert "git tag v0.2.4: names commit" in error.cause


@pytest.mark.parametrize("publish", [publish_tag, publish_package])
@pytest.mark.parametrize("draft", [True, False], ids=["draft", "no-draft"])
def test_the_release_of_another_branch_is_refused(
    bench: Bench, tried: Lock, publish: Publish, draft: bool
) -> None:
    publish(bench, tried)
    if not draft:
        delete_draft(bench)
    bench.project.commit({"fix.txt": "fixed\n"}, branch="hotfix")
    error = refused(bench, bench.context(GITHUB_REF_NAME="hotfix"))
    assert "was started from branch main, this is hotfix" in error.cause
    assert isinstance(error, UsageError)


def test_a_finished_release_is_planned_again_as_it_was(bench: Bench, tried: Lock) -> None:
    publish_package(bench, tried)
    publish_tag(bench, tried)
    release = bench.context().forge.release("v0.2.4")
    assert release
    release.update_release("v0.2.4", "", draft=False)
    bench.project.git("push", "-q", "origin", f"{bench.project.sha('v0.2.4')}:main")
    bench.project.git("push", "-q", "origin", ":release/v0.2.4")
    before = bench.world()
    assert planned(bench.context()) == tried.plan
    assert planned(bench.pushed("v0.2.4")) == tried.plan
    assert bench.world() == before


def test_the_tag_that_starts_a_run_is_not_an_attempt(bench: Bench, tried: Lock) -> None:
    def names(context: Context) -> tuple[str, ...]:
        start = starting_point.find(context)
        return attempt.look(context, start, starting_point.wanted(context, start)).names

    publish_tag(bench, tried)
    assert names(bench.context()) == ("git tag v0.2.4",)
    assert names(bench.pushed("v0.2.4")) == ()
    publish_package(bench, tried)
    package, *rest = names(bench.pushed("v0.2.4"))
    assert not rest
    assert names(bench.context()) == ("git tag v0.2.4", package)


def test_the_registry_is_not_asked_for_projects_without_images(bench: Bench) -> None:
    context = bench.context()
    start = starting_point.find(context)
    product = starting_point.product(context, start.config)
    assert product.images == ()
    found = attempt.look(context, start, starting_point.wanted(context, start))
    assert (found.names, found.lock) == ((), None)
    assert "registry" not in context.__dict__
    assert replace(start.config, project="x").project == "x"
    assert configuration.FILE == "pyproject.toml"


HEADED = CHANGELOG.replace("## [Unreleased]\n", "## [Unreleased]\n\nFaster streams\n")


def test_a_release_is_called_as_its_changelog_says(bench: Bench) -> None:
    """The title, the commit and the tag have the headline; so does the section."""
    bench.project.commit({"CHANGELOG.md": HEADED})
    context = bench.context()
    run(context)
    bench.hand_over(context)
    plan = context.plan
    assert (plan.title, plan.headline) == ("v0.2.4 - Faster streams", "Faster streams")
    commit = release_commit.make(context)
    subject = bench.project.git("show", "--no-patch", "--format=%s", commit)
    assert subject == "Release sample_thing 0.2.4: Faster streams"
    tag = git_remote.tag_object(Lock(plan, commit, (), ()))
    assert "\n\nsample_thing 0.2.4: Faster streams\n" in tag
    text = context.git.show(commit, "CHANGELOG.md")
    assert "## [0.2.4] - " in text
    assert "Faster streams\n" in text


def test_a_typed_title_comes_before_the_changelogs(bench: Bench) -> None:
    bench.project.commit({"CHANGELOG.md": HEADED})
    context = bench.context(RELEASE_TITLE="  The quick\none. ")
    run(context)
    bench.hand_over(context)
    assert context.plan.title == "v0.2.4 - The quick one"


def test_a_release_without_a_headline_is_called_by_its_tag(bench: Bench) -> None:
    context = bench.context()
    run(context)
    bench.hand_over(context)
    assert (context.plan.title, context.plan.headline) == ("v0.2.4", "")
