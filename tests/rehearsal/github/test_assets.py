"""A release's files: their bytes, names, digests, and what happens to an upload that is cut."""

import hashlib
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import github
import pytest
import requests
from github.GitRelease import GitRelease
from hypothesis import given
from hypothesis import strategies as st

from rehearsal.github.assets import asset_name
from tests.rehearsal.github.conftest import Served, World

BYTES = bytes(range(256)) * 1000


@pytest.fixture
def draft(hub: Served) -> GitRelease:
    return hub.repo().create_git_release("v0.2.4", "x", "y", draft=True)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "stream_pose_ml-0.2.4-py3-none-any.whl"
    path.write_bytes(BYTES)
    return path


def post(hub: Served, draft: GitRelease, name: str, data: bytes = b"x") -> requests.Response:
    headers = {"Authorization": "token writer", "Content-Type": "text/plain"}
    url = hub.settings.upload(f"/releases/{draft.id}/assets")
    return requests.post(url, params={"name": name}, data=data, headers=headers, timeout=60)


def test_bytes_are_kept_and_their_digest_told(
    draft: GitRelease, file: Path, tmp_path: Path
) -> None:
    asset = draft.upload_asset(str(file), label="the wheel", content_type="application/zip")
    digest = f"sha256:{hashlib.sha256(BYTES).hexdigest()}"
    assert (asset.name, asset.size, asset.state) == (file.name, len(BYTES), "uploaded")
    assert (asset.label, asset.content_type) == ("the wheel", "application/zip")
    assert asset.raw_data["digest"] == digest
    asset.download_asset(str(tmp_path / "back"), chunk_size=None)
    assert (tmp_path / "back").read_bytes() == BYTES


def test_a_second_file_of_the_name_is_refused(draft: GitRelease, file: Path) -> None:
    first = draft.upload_asset(str(file))
    with pytest.raises(github.GithubException) as caught:
        draft.upload_asset(str(file))
    assert caught.value.status == 422
    assert caught.value.data["errors"][0]["code"] == "already_exists"
    first.delete_asset()
    assert draft.upload_asset(str(file)).id != first.id


def test_a_published_file_is_downloaded_by_anybody_and_counted(
    hub: Served, draft: GitRelease, file: Path
) -> None:
    asset = draft.upload_asset(str(file))
    path = f"/releases/download/v0.2.4/{file.name}"
    assert hub.page(path).status_code == 404
    assert requests.get(asset.browser_download_url, timeout=60).status_code == 404
    draft.update_release("x", "y", draft=False)
    answer = hub.page(path)
    assert answer.content == BYTES
    assert answer.headers["Content-Disposition"].endswith(file.name)
    (after,) = hub.repo().get_release("v0.2.4").get_assets()
    assert after.browser_download_url == hub.settings.html(path)
    assert after.download_count == 1


def test_a_drafts_file_is_nothing_to_a_reader(hub: Served, draft: GitRelease, file: Path) -> None:
    asset = draft.upload_asset(str(file))
    for token in ("", "reader"):
        headers = {"Accept": "application/octet-stream"}
        answer = hub.api("GET", f"/releases/assets/{asset.id}", token, headers=headers)
        assert answer.status_code == 404


@pytest.mark.parametrize(("token", "status"), [("", 401), ("wrong", 401), ("reader", 403)])
def test_an_upload_needs_the_permission(
    hub: Served, draft: GitRelease, token: str, status: int
) -> None:
    headers = {"Authorization": f"token {token}"} if token else {}
    url = hub.settings.upload(f"/releases/{draft.id}/assets?name=a")
    answer = requests.post(url, data=b"x", headers=headers, timeout=60)
    assert answer.status_code == status
    assert list(draft.get_assets()) == []


def test_an_upload_needs_a_name_and_a_release(hub: Served, draft: GitRelease) -> None:
    assert post(hub, draft, "").status_code == 422
    draft.delete_release()
    assert post(hub, draft, "a").status_code == 404


def test_a_cut_upload_leaves_a_starter_that_must_be_deleted(hub: Served, draft: GitRelease) -> None:
    begin_upload(hub, draft, "wheel.whl", said=1000, sent=b"only this").close()
    starter = wait_for_assets(draft, 1)[0]
    assert (starter.state, starter.size, starter.raw_data["digest"]) == ("starter", 0, None)
    assert post(hub, draft, "wheel.whl").json()["errors"][0]["code"] == "already_exists"
    assert hub.repo().get_release(draft.id).raw_data["assets"][0]["state"] == "starter"
    starter.delete_asset()
    assert post(hub, draft, "wheel.whl").status_code == 201


def begin_upload(
    hub: Served, draft: GitRelease, name: str, said: int, sent: bytes
) -> socket.socket:
    path = hub.settings.upload(f"/releases/{draft.id}/assets?name={name}").partition("/api/")[2]
    port = int(hub.base.rpartition(":")[2])
    client = socket.create_connection(("127.0.0.1", port))
    head = f"POST /api/{path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: token writer\r\n"
    client.sendall(f"{head}Content-Length: {said}\r\n\r\n".encode() + sent)
    return client


def wait_for_assets(
    draft: GitRelease, count: int, seconds: float = 60
) -> list[github.GitReleaseAsset.GitReleaseAsset]:
    deadline = time.monotonic() + seconds
    while len(assets := list(draft.get_assets())) != count:
        assert time.monotonic() < deadline
    return assets


def test_a_slow_upload_stops_nobody_else(hub: Served, draft: GitRelease) -> None:
    slow = begin_upload(hub, draft, "slow", said=10, sent=b"12345")
    wait_for_assets(draft, 1)
    assert post(hub, draft, "quick").status_code == 201
    slow.sendall(b"67890")
    assert b"201 Created" in slow.recv(4096)
    slow.close()
    assert {asset.state for asset in draft.get_assets()} == {"uploaded"}


def test_a_release_deleted_during_an_upload_keeps_nothing(
    hub: Served, draft: GitRelease, world: World
) -> None:
    slow = begin_upload(hub, draft, "slow", said=10, sent=b"12345")
    wait_for_assets(draft, 1)
    draft.delete_release()
    slow.sendall(b"67890")
    assert b"404 Not Found" in slow.recv(4096)
    slow.close()
    assert list((world.folder / "state" / "assets").iterdir()) == []


def test_many_uploads_at_once_all_arrive(hub: Served, draft: GitRelease) -> None:
    names = [f"file-{number}" for number in range(24)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda name: post(hub, draft, name, name.encode()), names))
    assert {answer.status_code for answer in answers} == {201}
    assert sorted(asset.name for asset in draft.get_assets()) == sorted(names)


def test_of_the_same_file_at_once_one_arrives(hub: Served, draft: GitRelease) -> None:
    start = threading.Barrier(8)

    def send(_: int) -> int:
        start.wait()
        return post(hub, draft, "same").status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(send, range(8)))
    assert statuses == [201] + [422] * 7


def test_of_the_same_tag_at_once_one_is_published(hub: Served) -> None:
    def create(_: int) -> int:
        return hub.api("POST", "/releases", json={"tag_name": "v7"}).status_code

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(create, range(6))) == [201] + [422] * 5


@pytest.mark.parametrize(
    ("wanted", "kept"),
    [
        ("a b~c.txt", "a.b.c.txt"),
        ("stream_pose_ml-0.2.4+cu11-py3.whl", "stream_pose_ml-0.2.4+cu11-py3.whl"),
        (".env", "default.env"),
        ("two..dots.", "two.dots"),
        ("../../etc/passwd", "default.etc.passwd"),
        ("größe", "gr.e"),
        ("日本", "default"),
    ],
)
def test_names_are_changed_as_github_does(
    hub: Served, draft: GitRelease, wanted: str, kept: str
) -> None:
    assert post(hub, draft, wanted).json()["name"] == kept


@given(st.text(min_size=1))
def test_any_name_becomes_one_that_stays(wanted: str) -> None:
    name = asset_name(wanted)
    assert name == asset_name(name)
    assert name
    assert all(char.isascii() and (char.isalnum() or char in "_+-.") for char in name)
    assert not name.startswith(".")
    assert not name.endswith(".")
    assert ".." not in name


@given(st.from_regex(r"[a-z][a-z0-9]*([._+-][a-z0-9]+)*", fullmatch=True))
def test_a_plain_name_is_kept(name: str) -> None:
    assert asset_name(name) == name
