"""The package index: twine uploads what is missing, and names are compared by their bytes."""

import hashlib
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest
from aiohttp import web
from packaging.version import Version

from scripts.core import lockfile, planning
from scripts.core.converge import Matches, Missing, converge
from scripts.core.errors import ConflictError, ServiceError, TransientError, UsageError
from scripts.core.lockfile import Lock
from scripts.release.context import Context
from scripts.stages.publish_package import credentials
from scripts.surfaces.package_index import Dists, PackageIndex
from tests.conftest import Bench
from tests.core.values import BASE, COMMIT
from tests.support.dists import sdist, wheel
from tests.support.index import TOKEN
from tests.support.serving import serving

WHEEL, SDIST = "sample_thing-0.2.4-py3-none-any.whl", "sample_thing-0.2.4.tar.gz"


@pytest.fixture
def folder(bench: Bench) -> Path:
    made = bench.folder / "dist"
    made.mkdir()
    (made / WHEEL).write_bytes(wheel("sample_thing", "0.2.4"))
    (made / SDIST).write_bytes(sdist("sample_thing", "0.2.4"))
    return made


@pytest.fixture
def lock(folder: Path) -> Lock:
    product = planning.Product("sample_thing", "Mari <mari@example.org>", True, ())
    plan = planning.decide(product, Version("0.2.4"), BASE, {})
    dists = tuple(lockfile.locked_dist(n, (folder / n).read_bytes()) for n in plan.dists)
    return Lock(plan, COMMIT, dists, ())


Make = Callable[..., Dists]


@pytest.fixture
def surface(bench: Bench, folder: Path, lock: Lock) -> Make:
    def make(**environ: str) -> Dists:
        context = bench.context(**environ)
        return Dists(context.index, lock, folder, partial(credentials, context))

    return make


@pytest.fixture
def context(bench: Bench) -> Context:
    return bench.context()


def test_both_files_are_uploaded_once(bench: Bench, surface: Make, context: Context) -> None:
    assert isinstance(surface().observe(), Missing)
    (outcome,) = converge([surface()], context.environment.patience)
    assert outcome.written
    assert sorted(bench.index.uploads) == [WHEEL, SDIST]
    (again,) = converge([surface()], context.environment.patience)
    assert not again.written
    assert len(bench.index_served.writes()) == 2


def test_only_the_missing_file_is_uploaded(
    bench: Bench, surface: Make, folder: Path, context: Context
) -> None:
    bench.index.files[WHEEL] = (folder / WHEEL).read_bytes()
    converge([surface()], context.environment.patience)
    assert bench.index.uploads == [SDIST]


def test_the_same_name_with_other_bytes_is_a_conflict(
    bench: Bench, surface: Make, folder: Path, context: Context
) -> None:
    bench.index.files[SDIST] = b"other bytes"
    with pytest.raises(ConflictError) as raised:
        converge([surface()], context.environment.patience)
    for content in (b"other bytes", (folder / SDIST).read_bytes()):
        assert hashlib.sha256(content).hexdigest() in raised.value.cause
    assert "release the next one" in raised.value.remedy
    assert bench.index_served.writes() == []


def test_a_file_that_is_not_of_this_release_is_a_conflict(
    bench: Bench, surface: Make, context: Context
) -> None:
    bench.index.files["sample_thing-0.2.4-cp311-cp311-linux_x86_64.whl"] = b"a wheel"
    with pytest.raises(ConflictError, match="this release lacks that file"):
        converge([surface()], context.environment.patience)


def test_other_versions_are_no_matter(bench: Bench, surface: Make, context: Context) -> None:
    bench.index.files["sample_thing-0.2.3.tar.gz"] = b"older"
    converge([surface()], context.environment.patience)
    assert context.index.versions("sample_thing") == {Version("0.2.3"), Version("0.2.4")}


@pytest.mark.parametrize("occurrence", [1, 2])
@pytest.mark.parametrize("action", ["drop-after", "drop-before", "status"])
def test_an_upload_that_fails_in_passing_comes_to_the_same_end(
    bench: Bench, surface: Make, context: Context, occurrence: int, action: str
) -> None:
    """After a lost answer the wheel may be there without the sdist."""
    bench.index_served.fault(method="POST", occurrence=occurrence, action=action)
    converge([surface()], context.environment.patience)
    assert isinstance(surface().observe(), Matches)
    assert sorted(set(bench.index.uploads)) == [WHEEL, SDIST]
    assert len(bench.index.uploads) == 2


def test_an_index_that_shows_files_late_is_awaited(
    bench: Bench, surface: Make, context: Context
) -> None:
    bench.index.lag = 2
    converge([surface()], context.environment.patience)
    assert len(bench.index.uploads) == 2


def test_wrong_credentials_are_an_answer(bench: Bench, surface: Make, context: Context) -> None:
    with pytest.raises(ServiceError) as raised:
        converge([surface(PACKAGE_INDEX_TOKEN="wrong-s3cret")], context.environment.patience)
    assert not isinstance(raised.value, TransientError)
    assert "403" in raised.value.cause
    assert "PACKAGE_INDEX_TOKEN" in raised.value.remedy
    assert "wrong-s3cret" not in str(raised.value)
    assert bench.index.files == {}


def test_the_token_is_in_no_argument(
    bench: Bench, surface: Make, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    original = bench.index._upload

    def look() -> None:
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                seen.append(path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
            except OSError:
                continue

    async def looking(request: web.Request) -> web.Response:
        look()
        return await original(request)

    monkeypatch.setattr(bench.index, "_upload", looking)
    with ExitStack() as stack:
        again = stack.enter_context(serving("index", bench.folder / "again", bench.index.app))
        url = {"PACKAGE_INDEX_UPLOAD_URL": f"{again.url}/upload/"}
        converge([surface(**url)], context.environment.patience)
    assert any("twine upload" in line for line in seen)
    assert not any(TOKEN in line for line in seen)


def test_a_configured_token_comes_before_trusted_publishing(bench: Bench) -> None:
    """Nothing answers at that address: a request to it would fail."""
    asking = {
        "ACTIONS_ID_TOKEN_REQUEST_URL": "http://localhost:1/id?x=y",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "request",
    }
    given = credentials(bench.context(**asking))
    assert (given["TWINE_USERNAME"], given["TWINE_PASSWORD"]) == ("__token__", TOKEN)
    assert not asking.keys() & given.keys()
    given = credentials(bench.context(PACKAGE_INDEX_USERNAME="mari"))
    assert given["TWINE_USERNAME"] == "mari"


@pytest.mark.parametrize(
    "absent", ["ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"]
)
def test_a_job_without_a_way_to_upload_says_both(bench: Bench, absent: str) -> None:
    given = {
        "ACTIONS_ID_TOKEN_REQUEST_URL": "http://localhost:1/id?x=y",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "request",
        "PACKAGE_INDEX_TOKEN": "",
    }
    with pytest.raises(UsageError) as raised:
        credentials(bench.context(**{**given, absent: ""}))
    for way in ("`id-token: write`", "PACKAGE_INDEX_TOKEN"):
        assert way in raised.value.remedy


def test_an_index_without_trusted_publishing_wants_a_token(bench: Bench) -> None:
    asking = {
        "ACTIONS_ID_TOKEN_REQUEST_URL": "http://localhost:1/id?x=y",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "request",
    }
    with pytest.raises(ServiceError) as raised:
        credentials(bench.context(PACKAGE_INDEX_TOKEN="", **asking))
    assert "has no trusted publishing" in raised.value.cause
    assert "set the secret PACKAGE_INDEX_TOKEN" in raised.value.remedy


def test_a_file_is_downloaded_and_checked(bench: Bench, context: Context) -> None:
    bench.index.files[WHEEL] = b"a wheel"
    path = context.index.download("sample_thing", WHEEL, bench.folder)
    assert path.read_bytes() == b"a wheel"
    with pytest.raises(ServiceError, match=r"has no other\.whl"):
        context.index.download("sample_thing", "other.whl", bench.folder)


@pytest.mark.parametrize(
    ("fault", "passing"),
    [
        ({"action": "status", "code": 503}, True),
        ({"action": "status", "code": 429, "headers": {"Retry-After": "3"}}, True),
        ({"action": "drop-before"}, True),
        ({"action": "truncate"}, True),
        ({"action": "status", "code": 403}, False),
        ({"action": "status", "code": 200}, False),
    ],
)
def test_what_passes_is_told_from_what_is_an_answer(
    bench: Bench, context: Context, fault: dict[str, object], passing: bool
) -> None:
    bench.index.files[WHEEL] = b"a wheel"
    bench.index_served.fault(**fault)
    with pytest.raises(ServiceError) as raised:
        context.index.hashes("sample_thing", "0.2.4")
    assert isinstance(raised.value, TransientError) is passing
    if isinstance(raised.value, TransientError):
        assert raised.value.after == (3 if "headers" in fault else 0)


def test_a_project_that_the_index_does_not_know_has_no_file(context: Context) -> None:
    assert context.index.hashes("sample_thing", "0.2.4") == {}


def test_the_public_index_is_the_default() -> None:
    found = PackageIndex(None, None)
    assert found.simple_url.startswith("https://")
    assert found.upload_url.startswith("https://")
    assert found.is_public
    assert not PackageIndex(None, "http://localhost:3141/upload").is_public
