"""The release on the GitHub service: a draft with every asset first, public last."""

import gc
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
import requests
from github import GithubException
from github.GitRelease import GitRelease
from packaging.version import Version

from scripts.core.converge import Matches, Missing, converge
from scripts.core.errors import ConflictError, ServiceError, TransientError
from scripts.core.planning import Plan
from scripts.release import attempt, starting_point
from scripts.release.context import Context
from scripts.surfaces.github_release import Draft, Published, edited, failures, marked
from tests.conftest import READER, WRITER, Bench


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """PyGithub leaves the file of an upload open whose connection ended: collect it here."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def plan_of(context: Context, version: str) -> Plan:
    start = starting_point.find(context)
    return attempt._decide(context, start, Version(version), starting_point.base_of(context, start))


@pytest.fixture
def context(bench: Bench) -> Context:
    return bench.context()


@pytest.fixture
def assets(bench: Bench) -> tuple[Path, ...]:
    folder = bench.folder / "assets"
    folder.mkdir()
    paths = [folder / name for name in ("thing.whl", "compose.yaml", "release.json")]
    for path in paths:
        path.write_text(f"what is in {path.name}")
    return tuple(paths)


@pytest.fixture
def draft(context: Context, assets: tuple[Path, ...]) -> Draft:
    return Draft(context.forge, plan_of(context, "0.2.4"), "# What is new\n\nThings.", assets)


def made(draft: Draft, context: Context) -> GitRelease:
    converge([draft], context.environment.patience)
    release = draft.forge.release(draft.plan.tag)
    assert release
    return release


def content(release: GitRelease) -> dict[str, str]:
    """Read every asset back as its bytes."""
    headers = {"Authorization": f"Bearer {WRITER}", "Accept": "application/octet-stream"}
    return {
        asset.name: requests.get(asset.url, headers=headers, timeout=60).text
        for asset in release.get_assets()
    }


def posts(bench: Bench, what: str) -> int:
    return sum(line.startswith("POST") and what in line for line in bench.github.writes())


def test_a_draft_is_made_once_with_every_asset(
    bench: Bench, context: Context, draft: Draft, assets: tuple[Path, ...]
) -> None:
    assert isinstance(draft.observe(), Missing)
    release = made(draft, context)
    assert release.draft
    assert not release.prerelease
    assert (release.tag_name, release.name) == ("v0.2.4", "v0.2.4")
    assert content(release) == {path.name: f"what is in {path.name}" for path in assets}
    assert "refs/tags/v0.2.4" not in bench.project.refs()
    before = bench.world()
    (again,) = converge([draft], context.environment.patience)
    assert not again.written
    assert bench.world() == before


def test_the_lock_is_uploaded_last(bench: Bench, context: Context, draft: Draft) -> None:
    release = made(draft, context)
    names = [asset.name for asset in sorted(release.get_assets(), key=lambda a: a.id)]
    assert names[-1] == "release.json"
    assert bench


Spoil = Callable[[GitRelease, Path], None]


def lost(release: GitRelease, _: Path) -> None:
    next(iter(release.get_assets())).delete_asset()


def other_bytes(release: GitRelease, folder: Path) -> None:
    first = next(iter(release.get_assets()))
    first.delete_asset()
    (folder / "other").write_text("other bytes")
    release.upload_asset(str(folder / "other"), name=first.name)


def extra(release: GitRelease, folder: Path) -> None:
    (folder / "extra").write_text("does not belong")
    release.upload_asset(str(folder / "extra"))


@pytest.mark.parametrize("spoil", [lost, other_bytes, extra])
def test_what_is_wrong_in_a_draft_is_mended(
    bench: Bench, context: Context, draft: Draft, assets: tuple[Path, ...], spoil: Spoil
) -> None:
    spoil(made(draft, context), bench.folder)
    assert isinstance(draft.observe(), Missing)
    release = made(draft, context)
    assert content(release) == {path.name: f"what is in {path.name}" for path in assets}
    assert release.name == "v0.2.4"
    assert posts(bench, "/releases 201") == 1


def test_a_title_that_a_person_edited_is_kept(draft: Draft, context: Context) -> None:
    release = made(draft, context)
    release.update_release("Faster streams", release.body or "", draft=True)
    assert isinstance(draft.observe(), Matches)
    draft.apply()
    assert made(draft, context).name == "Faster streams"


def test_a_title_of_an_earlier_plan_is_replaced(draft: Draft, context: Context) -> None:
    before = replace(draft, plan=replace(draft.plan, title="v0.2.4 - As it was called"))
    assert made(before, context).name == "v0.2.4 - As it was called"
    assert isinstance(draft.observe(), Missing)
    assert made(draft, context).name == "v0.2.4"


def test_an_asset_that_came_only_in_part_is_replaced(
    bench: Bench, context: Context, draft: Draft, assets: tuple[Path, ...]
) -> None:
    """GitHub answers 502 and keeps an empty asset in the state `starter`."""
    bench.github.fault(method="POST", path="/uploads/", occurrence=2, action="status", code=502)
    release = made(draft, context)
    assert content(release) == {path.name: f"what is in {path.name}" for path in assets}
    assert posts(bench, "/releases 201") == 1


@pytest.mark.parametrize("path", ["/repos/[^/]+/[^/]+/releases$", "/uploads/"])
@pytest.mark.parametrize("action", ["drop-after", "drop-before"])
def test_a_write_whose_answer_is_lost_is_done_once(
    bench: Bench, context: Context, draft: Draft, path: str, action: str
) -> None:
    bench.github.fault(method="POST", path=path, occurrence=1, action=action)
    release = made(draft, context)
    assert len(content(release)) == 3
    assert len([one for one in draft.forge.releases() if one.tag_name == "v0.2.4"]) == 1


def test_notes_that_a_person_edited_are_kept(context: Context, draft: Draft) -> None:
    release = made(draft, context)
    body = (release.body or "").replace("Things.", "Better words.")
    release.update_release(release.name, body, draft=True)
    assert isinstance(draft.observe(), Matches)
    again = Draft(draft.forge, draft.plan, "# Other notes", draft.assets)
    assert "Better words." in (made(again, context).body or "")
    converge([Published(draft.forge, draft.plan)], context.environment.patience)
    release = draft.forge.release("v0.2.4")  # type: ignore[assignment]
    assert "Better words." in (release.body or "")


def test_notes_that_nobody_edited_are_renewed(context: Context, draft: Draft) -> None:
    made(draft, context)
    again = Draft(draft.forge, draft.plan, "# Other notes", draft.assets)
    body = made(again, context).body or ""
    assert body.startswith("# Other notes")
    assert "Things." not in body


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_line_endings_are_no_edit(newline: str) -> None:
    body = marked("# One\n\nTwo.\n").replace("\n", newline)
    assert not edited(body)
    assert edited(body.replace("Two", "Three"))
    assert edited(body.split("<!--", maxsplit=1)[0])
    assert not edited("")
    assert not edited(None)


def test_of_two_drafts_the_older_is_used_and_the_other_left(
    bench: Bench, context: Context, draft: Draft
) -> None:
    first = made(draft, context)
    second = context.forge.repository.create_git_release(
        "v0.2.4", name="A person's", message="words", draft=True
    )
    before = bench.world()
    converge([draft], context.environment.patience)
    assert bench.world() == before
    converge([Published(draft.forge, draft.plan)], context.environment.patience)
    found = draft.forge.release("v0.2.4")
    assert found
    assert (found.id, found.draft) == (first.id, False)
    assert {one.id for one in draft.forge.releases() if one.draft} == {second.id}


def test_what_is_published_and_differs_is_a_conflict(
    bench: Bench, context: Context, draft: Draft
) -> None:
    release = made(draft, context)
    converge([Published(draft.forge, draft.plan)], context.environment.patience)
    (again,) = converge([draft], context.environment.patience)
    assert not again.written
    lost(release, bench.folder)
    before = bench.world()
    with pytest.raises(ConflictError, match="is published, but differs in"):
        converge([draft], context.environment.patience)
    assert bench.world() == before


def publish(context: Context, version: str) -> Plan:
    plan = plan_of(context, version)
    converge(
        [Draft(context.forge, plan, "notes", ()), Published(context.forge, plan)],
        context.environment.patience,
    )
    return plan


def test_the_highest_stable_version_is_latest(bench: Bench, context: Context) -> None:
    publish(context, "0.2.4")
    assert context.forge.latest() == "v0.2.4"
    plan = publish(context, "0.3.0")
    assert context.forge.latest() == "v0.3.0"
    before = bench.world()
    converge([Published(context.forge, plan)], context.environment.patience)
    assert bench.world() == before


def test_a_higher_version_that_came_meanwhile_keeps_latest(context: Context) -> None:
    """Planned when it was the highest; another run was quicker."""
    older = plan_of(context, "0.2.4")
    assert older.latest
    publish(context, "0.3.0")
    converge(
        [Draft(context.forge, older, "notes", ()), Published(context.forge, older)],
        context.environment.patience,
    )
    assert context.forge.latest() == "v0.3.0"


def test_a_candidate_is_never_latest(context: Context) -> None:
    publish(context, "0.3.0rc1")
    assert context.forge.latest() is None
    publish(context, "0.2.4")
    publish(context, "0.3.0rc2")
    assert context.forge.latest() == "v0.2.4"
    found = context.forge.release("v0.3.0rc2")
    assert found
    assert found.prerelease


def test_latest_that_stands_wrong_is_mended(context: Context) -> None:
    plan = publish(context, "0.2.4")
    publish(context, "0.2.3")
    context.forge.repository.get_release("v0.2.3").update_release("v0.2.3", "", make_latest="true")
    assert context.forge.latest() == "v0.2.3"
    (outcome,) = converge([Published(context.forge, plan)], context.environment.patience)
    assert outcome.written
    assert context.forge.latest() == "v0.2.4"


def test_a_draft_that_is_gone_cannot_be_published(context: Context) -> None:
    with pytest.raises(ServiceError) as raised:
        converge(
            [Published(context.forge, plan_of(context, "0.2.4"))], context.environment.patience
        )
    assert "gone" in raised.value.cause
    assert raised.value.remedy


def test_an_asset_reads_back_or_is_none(
    bench: Bench, context: Context, draft: Draft, assets: tuple[Path, ...]
) -> None:
    release = made(draft, context)
    assert context.forge.asset(release, "release.json") == assets[-1].read_bytes()
    assert context.forge.asset(release, "nothing") is None
    reader = bench.context(GITHUB_TOKEN=READER).forge
    assert reader.release("v0.2.4") is None


def test_a_used_up_rate_limit_passes() -> None:
    with pytest.raises(TransientError, match="rate limit"), failures():
        raise GithubException(403, {"message": "rate limit"}, {"x-ratelimit-remaining": "0"})


@pytest.mark.parametrize(
    ("fault", "passing", "after"),
    [
        ({"code": 500}, True, 0),
        ({"code": 429, "headers": {"Retry-After": "9"}}, True, 9),
        ({"code": 403, "headers": {"Retry-After": "9"}}, True, 9),
        ({"code": 403}, False, 0),
        ({"code": 401}, False, 0),
        ({"code": 422}, False, 0),
    ],
)
def test_what_passes_is_told_from_what_is_an_answer(
    bench: Bench, context: Context, fault: dict[str, object], passing: bool, after: float
) -> None:
    bench.github.fault(action="status", **fault)
    with pytest.raises(ServiceError) as raised:
        context.forge.releases()
    assert isinstance(raised.value, TransientError) is passing
    assert str(fault["code"]) in raised.value.cause
    if isinstance(raised.value, TransientError):
        assert raised.value.after == after


def test_a_pull_request_says_that_its_checks_wait_for_a_person(
    bench: Bench, context: Context
) -> None:
    """GitHub starts no checks for what a workflow's token opened (changelog of 2026-06-11)."""
    bench.project.git("push", "-q", "origin", "HEAD:refs/heads/mine")
    bench.project.commit({"more.txt": "x"})
    bench.project.git("push", "-q", "origin", "HEAD:refs/heads/mine")
    bench.project.git("push", "-qf", "origin", "HEAD~:refs/heads/main")
    context.forge.open_pull_request("mine", "main", "A title", "What it is for.")
    (pull,) = context.forge.repository.get_pulls()
    assert pull.body.startswith("What it is for.")
    assert "Approve workflows to run" in pull.body


def test_the_rules_of_branches_and_tags_are_those_that_github_lists(bench: Bench) -> None:
    versions = {"versions": ("update", "deletion")}
    bench.github = bench.serve_github(branch_rules=("deletion",), tag_rulesets=versions)
    forge = bench.context().forge
    assert forge.rules("main") == ["deletion"]
    assert forge.rules("other") == []
    assert forge.tag_rulesets() == {"versions": ["update", "deletion"]}


def test_the_digests_of_assets_are_githubs_own(
    bench: Bench, context: Context, draft: Draft, assets: tuple[Path, ...]
) -> None:
    release = made(draft, context)
    before = len(bench.github.journal())
    digests = context.forge.digests(release)
    assert digests == {path.name: sha256(path.read_bytes()).hexdigest() for path in assets}
    asked = [one.path for one in bench.github.journal()[before:]]
    assert not [path for path in asked if "/assets/" in path]


def test_the_release_is_called_by_its_tag_in_reports(context: Context) -> None:
    plan = plan_of(context, "0.2.4")
    assert Published(context.forge, plan, "https://example.org").title == "release v0.2.4"
    assert Draft(context.forge, plan, "", ()).title == "draft release v0.2.4"
