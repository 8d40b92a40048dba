"""The pages for people."""

import re

import pytest
from bs4 import BeautifulSoup

from tests.rehearsal.github.conftest import Served, World

NOTES = """## 🚀 Added

- **one** <script>alert(1)</script>

| a | b |
|---|---|
| `x` | [bad](javascript:alert(1)) |
"""


def soup(hub: Served, path: str) -> BeautifulSoup:
    answer = hub.page(path)
    assert answer.status_code == 200
    assert "script-src" not in answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    return BeautifulSoup(answer.text, "html.parser")


def test_a_release_shows_notes_files_tag_and_commit(hub: Served, world: World) -> None:
    draft = hub.repo().create_git_release("v1", "One & <all>", NOTES, draft=True)
    asset = draft.upload_asset(__file__, name="a.whl")
    draft.update_release("One & <all>", NOTES, draft=False)
    page = soup(hub, "/releases/tag/v1")
    assert page.h1 is not None
    assert page.h1.text == "One & <all>"
    assert page.select_one(".badge.latest") is not None
    assert page.select_one(".notes strong, .notes table") is not None
    link = page.select_one(".assets a")
    assert link is not None
    assert link["href"] == hub.settings.html("/releases/download/v1/a.whl")
    assert asset.raw_data["digest"] in page.text
    assert f"commit/{world.sha('main')}" in str(page)


def test_a_table_is_aligned_without_a_style_of_its_own(hub: Served) -> None:
    hub.repo().create_git_release("v1", "One", "| a | b | c |\n|--:|:-:|---|\n| 1 | 2 | 3 |\n")
    cells = soup(hub, "/releases/tag/v1").select(".notes td")
    assert [cell.get("align") for cell in cells] == ["right", "center", None]
    assert not any(cell.has_attr("style") for cell in cells)


def test_nothing_written_by_others_runs(hub: Served) -> None:
    hub.repo().create_git_release("v1", "<img src=x onerror=alert(1)>", NOTES)
    for path in ("", "/releases", "/releases/tag/v1"):
        page = soup(hub, path)
        assert page.find("script") is None
        assert page.find("img") is None
        assert not [a for a in page.find_all("a") if str(a["href"]).startswith("javascript:")]


@pytest.mark.parametrize(
    ("options", "badge"),
    [({"prerelease": True}, "Pre-release"), ({}, "Latest"), ({"make_latest": "false"}, None)],
)
def test_badges(hub: Served, options: dict[str, object], badge: str | None) -> None:
    hub.repo().create_git_release("v1", "x", "y", **options)
    found = soup(hub, "/releases/tag/v1").select_one(".badge")
    assert (found and found.text) == badge


def test_a_draft_is_shown_to_writers_at_its_stand_in(hub: Served) -> None:
    draft = hub.repo().create_git_release("v1", "Secret", "y", draft=True)
    path = draft.html_url.removeprefix(hub.settings.html())
    assert hub.page(path).status_code == 404
    assert hub.page("/releases/tag/v1", auth=("x", "writer")).status_code == 404
    answer = hub.page(path, auth=("x", "writer"))
    assert re.search(r'class="badge draft">Draft', answer.text)
    assert "Secret" not in hub.page("/releases").text
    assert "Secret" in hub.page("/releases", auth=("x", "writer")).text


def test_the_index_leads_everywhere(hub: Served, world: World) -> None:
    hub.repo().create_git_release("odd/tag+1", "x", "y")
    world.commit("feature", {"a": "a"})
    hub.repo().create_pull(base="main", head="feature", title="Feature <b>")
    page = soup(hub, "")
    assert {"main", "feature"} <= {code.text for code in page.select("code")}
    addresses = {str(a["href"]) for a in page.find_all("a")}
    for address in addresses:
        path = address.removeprefix(hub.settings.html())
        assert hub.page(path).status_code == 200, address
    assert any("/pull/1" in address for address in addresses)
    assert "Feature <b>" in soup(hub, "/pull/1").text


def test_the_checks_of_a_runs_own_pull_request_wait_for_somebody(hub: Served, world: World) -> None:
    for branch in ("one", "two"):
        world.commit(branch, {branch: "a"})
    body = {"base": "main", "title": "By the run"}
    assert hub.api("POST", "/pulls", "workflow", json={**body, "head": "one"}).status_code == 201
    assert hub.api("POST", "/pulls", "writer", json={**body, "head": "two"}).status_code == 201
    assert "Approve workflows to run" in soup(hub, "/pull/1").text
    assert "Approve workflows to run" not in soup(hub, "/pull/2").text


def test_latest_leads_to_the_latest(hub: Served) -> None:
    assert hub.page("/releases/latest").url == hub.settings.html("/releases")
    hub.repo().create_git_release("v1", "x", "y")
    assert hub.page("/releases/latest").url == hub.settings.html("/releases/tag/v1")


def test_a_commit_shows_its_changes(hub: Served, world: World) -> None:
    page = soup(hub, f"/commit/{world.sha('main')}")
    assert "+- change 3" in page.text
    assert page.select_one(".added") is not None


@pytest.mark.parametrize(
    "path",
    ["/releases/tag/none", "/releases/download/none/x", "/commit/none", "/pull/7", "/raw/main/no"],
)
def test_what_is_not_there(hub: Served, path: str) -> None:
    assert hub.page(path).status_code == 404
