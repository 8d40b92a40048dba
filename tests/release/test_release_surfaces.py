"""All surfaces of a release, in the order in which they become public, of a plan and of a lock."""

from scripts.core.converge import INTERNAL, NAME, POINTER
from scripts.core.lockfile import unbuilt
from scripts.release.release_surfaces import names, surfaces
from tests.conftest import Bench
from tests.core.values import SHA, a_lock, a_plan, of_tag


def test_names_come_before_pointers_and_the_package_last_of_the_names(bench: Bench) -> None:
    lock = a_lock()
    found = surfaces(bench.context(), lock)
    assert [(one.kind, one.title) for one in found] == [
        (NAME, "git tag v0.2.4"),
        (NAME, "image tag docker.io/mari/api:v0.2.4"),
        (NAME, "package Sample.Thing 0.2.4"),
        (POINTER, "release v0.2.4"),
        *((POINTER, f"image tag docker.io/mari/api:{tag}") for tag in lock.plan.images[0].floating),
        (POINTER, "branch main"),
        (INTERNAL, "branch release/v0.2.4 removed"),
    ]
    planned = {one.title: one.planned for one in found}
    assert planned["git tag v0.2.4"] == lock.commit
    assert planned["image tag docker.io/mari/api:v0.2.4"] == f"sha256:{SHA}"
    assert f"sample_thing-0.2.4.tar.gz sha256:{SHA}" in planned["package Sample.Thing 0.2.4"]


def test_a_plan_has_the_same_surfaces_before_anything_is_built(bench: Bench) -> None:
    context, lock = bench.context(), a_lock()
    found = surfaces(context, unbuilt(lock.plan))
    assert [one.title for one in found] == [one.title for one in surfaces(context, lock)]
    assert all(one.planned and "sha256" not in one.planned for one in found)


def test_a_person_sees_each_where_a_page_shows_it(bench: Bench) -> None:
    context = bench.context()
    page = context.endpoints.page_url
    links = {one.title: one.link for one in surfaces(context, a_lock())}
    assert links["git tag v0.2.4"] == f"{page}/tree/v0.2.4"
    assert links["release v0.2.4"] == f"{page}/releases/tag/v0.2.4"
    assert links["branch main"] == f"{page}/tree/main"
    assert links["package Sample.Thing 0.2.4"] == f"{context.index.simple_url}sample-thing/"


def test_a_pushed_tag_has_no_branch_to_move(bench: Bench) -> None:
    titles = [one.title for one in surfaces(bench.context(), unbuilt(of_tag(a_plan())))]
    assert not [title for title in titles if title.startswith("branch")]
    assert [one.kind for one in names(bench.context(), a_lock())] == [NAME] * 3
