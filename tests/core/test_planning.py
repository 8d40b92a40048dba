"""The plan: the same start gives the same plan, and an altered one is refused."""

import json
from dataclasses import fields, replace
from typing import Any

import pytest
from packaging.version import Version

from scripts.core import codec, planning
from scripts.core.errors import ConflictError, UsageError
from scripts.core.planning import Base, Plan
from scripts.core.tags import Style
from tests.core.values import BASE, COMMIT, PRODUCT, a_plan


def test_a_plan_says_everything() -> None:
    plan = a_plan("0.2.4", "0.2.3", "0.2.2")
    assert (plan.version, plan.tag, plan.previous_tag) == ("0.2.4", "v0.2.4", "v0.2.3")
    assert plan.release_branch == "release/v0.2.4"
    assert plan.dists == ("sample_thing-0.2.4-py3-none-any.whl", "sample_thing-0.2.4.tar.gz")
    (image,) = plan.images
    assert image.reference == "docker.io/mari/api:v0.2.4"
    assert image.floating == ("latest", "0", "0.2")
    assert (plan.prerelease, plan.latest, plan.dry_run) == (False, True, False)


def test_a_candidate_moves_no_pointer() -> None:
    plan = a_plan("0.3.0rc1", "0.2.3")
    assert (plan.prerelease, plan.latest, plan.images[0].floating) == (True, False, ())
    assert plan.dists[0] == "sample_thing-0.3.0rc1-py3-none-any.whl"


def test_an_older_line_is_not_latest() -> None:
    plan = a_plan("0.2.4", "0.2.3", "0.3.0")
    assert (plan.latest, plan.images[0].floating) == (False, ("0.2",))


@pytest.mark.parametrize(
    ("template", "tag", "of_images"),
    [
        ("v{version}", "v0.2.4", "v0.2.4"),
        ("{version}", "0.2.4", "0.2.4"),
        ("api-{version}", "api-0.2.4", "api-0.2.4"),
        ("api/v{version}", "api/v0.2.4", "0.2.4"),
        ("api@{version}", "api@0.2.4", "0.2.4"),
        ("a+{version}", "a+0.2.4", "0.2.4"),
        ("x" * 200 + "{version}", "x" * 200 + "0.2.4", "0.2.4"),
    ],
)
def test_an_image_has_the_git_tag_where_a_registry_takes_it(
    template: str, tag: str, of_images: str
) -> None:
    style = Style(template)
    plan = planning.decide(PRODUCT, Version("0.2.4"), BASE, {Version("0.2.3"): "v0.2.3"}, style)
    assert (plan.tag, plan.images[0].tag, plan.previous_tag) == (tag, of_images, "v0.2.3")
    assert plan.release_branch == f"release/{tag}"
    assert (plan.style, planning.read(codec.encode(plan))) == (style, plan)


@pytest.mark.parametrize(
    ("wanted", "tag", "of_images"),
    [
        ("0.3.0", "v0.3", "v0.3.0"),
        ("0.3.0rc1", "v0.3rc1", "v0.3.0rc1"),
        ("0.3.1", "v0.3.1", "v0.3.1"),
    ],
)
def test_a_short_tag_is_no_tag_of_an_image(wanted: str, tag: str, of_images: str) -> None:
    """An image's `0.3` is the pointer of that line."""
    style, version = Style("v{short}"), Version(wanted)
    plan = planning.decide(PRODUCT, version, BASE, {Version("0.2.0"): "v0.2"}, style)
    assert (plan.tag, plan.images[0].tag, plan.previous_tag) == (tag, of_images, "v0.2")
    assert planning.read(codec.encode(plan)) == plan
    assert plan.style.either.read(tag) == version
    assert plan.style.tag(version) == tag


@pytest.mark.parametrize(
    "tag", ["-v0.2.4", "v0.2.5", "v 0.2.4", "a..b0.2.4", "v0.2.4.lock", "/0.2.4"]
)
def test_a_plan_with_a_tag_that_cannot_be_is_refused(tag: str) -> None:
    plan = a_plan()
    images = tuple(replace(one, tag=planning.image_tag(tag, "0.2.4")) for one in plan.images)
    changed = replace(plan, tag=tag, title=tag, release_branch=f"release/{tag}", images=images)
    with pytest.raises(ConflictError, match="cannot be"):
        planning.checked(planning.identified(changed))


def test_a_pushed_tag_has_no_branch() -> None:
    plan = a_plan(base=Base(COMMIT, None, "2026-01-02", 1))
    assert (plan.branch, plan.release_branch) == (None, None)


def test_without_a_package_there_are_no_dists() -> None:
    product = replace(PRODUCT, package=False)
    assert planning.decide(product, Version("0.2.4"), BASE, {}).dists == ()


def test_the_first_release_follows_nothing() -> None:
    assert a_plan("0.1.0").previous_tag is None


def test_the_id_is_of_everything_but_the_mode() -> None:
    plan = a_plan()
    assert plan.for_mode(planning.DRY_RUN).dry_run
    assert planning.identified(plan.for_mode(planning.DRY_RUN)).id == plan.id == a_plan().id
    others: dict[str, Any] = {
        f.name: None for f in fields(Plan) if f.name not in ("id", "mode", "schema")
    }
    for name in others:
        assert planning.identified(replace(plan, **{name: "other"})).id != plan.id, name


def test_a_plan_reads_back() -> None:
    plan = a_plan("0.2.4", "0.2.3")
    assert planning.read(codec.encode(plan)) == plan


@pytest.mark.parametrize(
    ("key", "value"), [("version", "0.2.5"), ("base", "f" * 40), ("id", "0" * 64), ("dists", [])]
)
def test_an_altered_plan_is_refused(key: str, value: Any) -> None:
    data = {**json.loads(codec.encode(a_plan())), key: value}
    with pytest.raises(ConflictError, match="was altered") as raised:
        planning.read(json.dumps(data))
    assert "delete the draft" in raised.value.remedy


@pytest.mark.parametrize("more", [{}, {"of_schema_2": True}])
def test_a_plan_of_another_schema_is_refused(more: dict[str, Any]) -> None:
    """The release system was upgraded between two attempts of a release."""
    data = {**json.loads(codec.encode(a_plan())), "schema": 2, **more}
    with pytest.raises(UsageError, match="schema 2") as raised:
        planning.read(json.dumps(data))
    assert data["version"] in raised.value.cause
    assert "Re-run failed jobs" in raised.value.remedy


def test_a_plan_without_a_field_of_this_schema_is_refused_as_older() -> None:
    data = {**json.loads(codec.encode(a_plan())), "schema": 0}
    del data["branch"]
    with pytest.raises(UsageError, match="schema 0"):
        planning.read(json.dumps(data))


@pytest.mark.parametrize(
    ("base", "date", "seconds"),
    [
        (0, "2026-01-02", 1767312000),
        (1767312000, "2026-01-02", 1767312001),
        (1767398400, "2026-01-02", 1767398401),
    ],
)
def test_the_commits_time_follows_from_its_parent_and_the_day(
    base: int, date: str, seconds: int
) -> None:
    assert planning.epoch(base, date) == seconds
