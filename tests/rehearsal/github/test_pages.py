"""The pages for people."""

import re

import pytest
import requests
from bs4 import BeautifulSoup

from rehearsal.github.store import Issue, Pull, Store
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


def test_notes_are_shown_as_on_github(hub: Served) -> None:
    notes = (
        "> [!IMPORTANT]\n> A candidate.\n\n<details>\n<summary>More</summary>\n\n"
        "| image |\n|---|\n| `docker.io/somebody/some_image:v0.2.4` |\n\n</details>\n\n"
        "<!-- release-notes sha256:0123 -->\n"
    )
    hub.repo().create_git_release("v1", "One", notes)
    page = soup(hub, "/releases/tag/v1")
    assert "release-notes" not in page.text
    assert page.select_one(".alert.important") is not None
    assert page.select_one("details > summary") is not None
    assert page.select_one("details .wide wbr") is not None


def test_every_style_of_a_page_is_served_and_names_a_font_for_emoji(hub: Served) -> None:
    styles = [str(link["href"]) for link in soup(hub, "").select('link[rel="stylesheet"]')]
    answers = [requests.get(f"{hub.base}{style}", timeout=60) for style in styles]
    assert {answer.status_code for answer in answers} == {200}
    assert "Noto Color Emoji" in "".join(answer.text for answer in answers)


def test_a_run_shows_what_its_jobs_wrote(world: World) -> None:
    runs = world.folder / "runs"
    for number in ("1001", "1002"):
        (runs / number).mkdir(parents=True)
    (runs / "1001" / "summary.md").write_text("<!-- report -->\n## Release of 0.2.4\n")
    hub = world.serve(runs=runs)
    page = soup(hub, "/actions/runs/1001")
    assert "Release of 0.2.4" in page.text
    assert "has not ended" in soup(hub, "/actions/runs/1002").text
    assert "1001" in soup(hub, "/actions").text
    assert hub.page("/actions/runs/1003").status_code == 404


def test_runs_that_no_world_keeps(hub: Served) -> None:
    assert soup(hub, "/actions").select_one(".empty") is not None
    assert hub.page("/actions/runs/1001").status_code == 404


def test_a_workflow_shows_its_file_and_its_runs(hub: Served) -> None:
    assert "on: push" in soup(hub, "/actions/workflows/release.yml").text
    assert hub.page("/actions/workflows/none.yml").status_code == 404


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("", "immutable"),
        ("/environments", "olga"),
        ("/rules", "protected"),
        ("/actions", "pull requests"),
        ("/actions/runners", "this machine"),
        ("/secrets/actions", "REGISTRY_TOKEN"),
    ],
)
def test_a_page_of_settings_says_what_the_world_has(world: World, path: str, said: str) -> None:
    hub = world.serve(environments={"release": ("olga",)}, protected_branches=("main",))
    assert said in soup(hub, f"/settings{path}").text


def test_a_tree_leads_to_its_files(hub: Served, world: World) -> None:
    world.commit("wip/of+me", {"docs/new one.md": "# New\n"})
    page = soup(hub, "/tree/wip/of+me")
    folder = next(str(a["href"]) for a in page.select(".rows a") if a.text == "docs/")
    listed = BeautifulSoup(requests.get(folder, timeout=60).text, "html.parser")
    file = next(str(a["href"]) for a in listed.select(".rows a") if a.text == "new one.md")
    shown = BeautifulSoup(requests.get(file, timeout=60).text, "html.parser")
    assert "New" in [heading.text for heading in shown.select(".notes h1")]
    assert "on: push" in soup(hub, "/blob/v0.2.3/.github/workflows/release.yml").text


def test_commits_and_a_comparison_are_listed(hub: Served) -> None:
    assert "Change 3" in soup(hub, "/commits/main").text
    page = soup(hub, "/compare/v0.2.3...main")
    assert "Change 3" in page.text
    assert "Change 2" not in page.text
    assert "CHANGELOG.md" in page.text


def comment(text: str) -> dict[str, object]:
    return {"user": {"login": "mari"}, "created_at": "2026-01-02T03:04:05Z", "body": text}


def test_an_issue_a_pull_request_and_a_discussion_show_what_was_said(world: World) -> None:
    store, moment = Store(world.folder / "state"), "2026-01-02T03:04:05Z"
    said = [comment("Released in v1.\n<!-- mark -->")]
    issue = Issue(1, "Broken <b>", "It **broke**.", "mari", moment, moment, comments=said)
    head, base = world.commit("feature", {"a": "a"}), world.sha("main")
    pull = Pull(2, "New", "", "mari", "feature", "main", head, base, False, moment, moment)
    pull.comments = [comment("Released too.")]
    store.state.issues[1], store.state.pulls[2] = issue, pull
    store.save()
    hub = world.serve()
    page = soup(hub, "/issues/1")
    assert "Broken <b>" in page.text
    assert "Released in v1." in page.text
    assert "mark" not in page.text
    assert "Released too." in soup(hub, "/pull/2").text
    assert hub.page("/issues/2").url == hub.settings.html("/pull/2")
    assert "Broken <b>" in soup(hub, "/issues").text
    release = hub.repo().create_git_release("v1", "One", "Hello")
    body = {"discussion_category_name": "General"}
    address = hub.api("PATCH", f"/releases/{release.id}", json=body).json()["discussion_url"]
    assert address == hub.settings.html("/discussions/3")
    assert "Hello" in soup(hub, "/discussions/3").text
    world.commit("another", {"b": "b"})
    assert hub.repo().create_pull(base="main", head="another", title="Again").number == 4


@pytest.mark.parametrize(
    "path",
    [
        *("/issues/7", "/discussions/7", "/settings/none", "/tree/none", "/tree/main/none"),
        *("/blob/main/none", "/blob/main/docs", "/commits/none", "/compare/none...main"),
        *("/compare/main", "/actions/runs/..%2f..", "/actions/workflows/..%2fx"),
    ],
)
def test_addresses_that_lead_nowhere(hub: Served, path: str) -> None:
    assert hub.page(path).status_code == 404
