"""Image indexes and tags in the real registry, written by the real buildx."""

import base64
import os
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
import requests
from aiohttp import web

from scripts.core.converge import Matches, Missing, converge
from scripts.core.errors import ConflictError, ServiceError, TransientError
from scripts.surfaces.image_registry import FloatingTag, Found, ImageRegistry, VersionTag
from scripts.surfaces.registry_access import grants_push, may_push
from scripts.tools.environment import Environment
from tests.support.registry import TOKEN, USER, SmallRegistry, registry
from tests.support.serving import serving

pytestmark = pytest.mark.world
PLATFORMS = ("amd64", "arm64")
VERSION = "org.opencontainers.image.version"
NUMBER = count(1)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallRegistry]:
    with registry(tmp_path_factory.mktemp("r")) as made:
        yield made


@pytest.fixture
def path() -> str:
    """A repository that no other test knows."""
    return f"mari/thing{next(NUMBER)}"


def environ(small: SmallRegistry, config: Path | None = None) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(small.folder),
        "DOCKER_CONFIG": str(config or small.docker_config),
        "RELEASE_DEADLINE": "3",
    }


@pytest.fixture
def images(small: SmallRegistry) -> ImageRegistry:
    return ImageRegistry(environ(small))


@pytest.fixture
def environment(small: SmallRegistry) -> Environment:
    return Environment(environ(small))


def pushed(small: SmallRegistry, path: str, version: str) -> list[str]:
    return [small.push(path, {VERSION: version}, platform) for platform in PLATFORMS]


@pytest.fixture
def joined(small: SmallRegistry, images: ImageRegistry, path: str) -> str:
    """The digest of an image index of 0.2.4 that has no tag."""
    return images.join(f"{small.host}/{path}", pushed(small, path, "0.2.4"))


def version_tag(small: SmallRegistry, images: ImageRegistry, path: str, digest: str) -> VersionTag:
    return VersionTag(images, f"{small.host}/{path}", "v0.2.4", digest)


def floating(
    small: SmallRegistry, images: ImageRegistry, path: str, digest: str, version: str = "0.2.4"
) -> FloatingTag:
    return FloatingTag(images, f"{small.host}/{path}", "latest", digest, version)


def test_an_index_is_made_without_a_name_and_the_same_every_time(
    small: SmallRegistry, images: ImageRegistry, path: str
) -> None:
    digests = pushed(small, path, "0.2.4")
    repository = f"{small.host}/{path}"
    made = images.join(repository, digests)
    assert images.find(f"{repository}@{made}") == Found(
        made, dict(zip(("linux/amd64", "linux/arm64"), digests, strict=True))
    )
    tags = requests.get(f"{small.served.url}/v2/{path}/tags/list", timeout=60)
    assert tags.status_code in (401, 404) or not tags.json().get("tags")
    before = small.writes()
    assert images.join(repository, digests) == made
    assert small.writes() == before
    assert images.join(repository, digests[::-1]) != made


def test_an_index_of_one_platform_is_one_too(
    small: SmallRegistry, images: ImageRegistry, path: str
) -> None:
    digest = small.push(path, {VERSION: "0.2.4"}, "amd64")
    made = images.join(f"{small.host}/{path}", [digest])
    assert made != digest
    found = images.find(f"{small.host}/{path}@{made}")
    assert found
    assert found.platforms == {"linux/amd64": digest}


def test_what_is_not_there_is_none(small: SmallRegistry, images: ImageRegistry, path: str) -> None:
    assert images.find(f"{small.host}/{path}:v0.2.4") is None
    assert images.find(f"{small.host}/somebody/else:v0.2.4") is None
    assert images.find(f"{small.host}/{path}@sha256:{'0' * 64}") is None


def test_the_size_of_what_is_not_there_is_none(
    small: SmallRegistry, images: ImageRegistry, path: str
) -> None:
    digest = small.push(path, {VERSION: "0.2.4"}, PLATFORMS[0])
    assert images.size(f"{small.host}/{path}@{digest}")
    assert images.size(f"{small.host}/{path}@sha256:{'0' * 64}") is None


def test_the_size_of_what_cannot_be_read_is_an_error(
    small: SmallRegistry, images: ImageRegistry, path: str
) -> None:
    digest = small.push(path, {VERSION: "0.2.4"}, PLATFORMS[0])
    small.served.fault(path=f"{path}/manifests/", action="status", code=400)
    with pytest.raises(ServiceError):
        images.size(f"{small.host}/{path}@{digest}")


def test_labels_are_read(
    small: SmallRegistry, images: ImageRegistry, path: str, joined: str
) -> None:
    assert images.labels(f"{small.host}/{path}@{joined}") == {VERSION: "0.2.4"}


def test_a_version_tag_names_exactly_the_proven_index(
    small: SmallRegistry, images: ImageRegistry, path: str, joined: str, environment: Environment
) -> None:
    tag = version_tag(small, images, path, joined)
    assert isinstance(tag.observe(), Missing)
    converge([tag], environment.patience)
    assert small.digest(path, "v0.2.4") == joined
    before = small.writes()
    (again,) = converge([tag], environment.patience)
    assert not again.written
    assert small.writes() == before


def test_a_version_tag_of_another_image_is_a_conflict(
    small: SmallRegistry, images: ImageRegistry, path: str, joined: str, environment: Environment
) -> None:
    other = small.push(path, {VERSION: "other"}, "amd64")
    small.point(path, "v0.2.4", other)
    before = small.writes()
    with pytest.raises(ConflictError) as raised:
        converge([version_tag(small, images, path, joined)], environment.patience)
    assert other in raised.value.cause
    assert joined in raised.value.cause
    assert small.writes() == before
    assert small.digest(path, "v0.2.4") == other


def test_a_floating_tag_only_moves_forward(
    small: SmallRegistry, images: ImageRegistry, path: str, joined: str, environment: Environment
) -> None:
    newer = images.join(f"{small.host}/{path}", pushed(small, path, "0.3.0"))
    converge([floating(small, images, path, joined)], environment.patience)
    assert small.digest(path, "latest") == joined
    converge([floating(small, images, path, newer, "0.3.0")], environment.patience)
    assert small.digest(path, "latest") == newer
    (held,) = converge([floating(small, images, path, joined)], environment.patience)
    assert (held.written, held.detail) == (False, "held by the higher version 0.3.0")
    assert small.digest(path, "latest") == newer


@pytest.mark.parametrize("label", [{}, {VERSION: "main"}, {VERSION: "0.2.3"}])
def test_a_floating_tag_of_something_else_is_moved(
    small: SmallRegistry, images: ImageRegistry, path: str, joined: str, label: dict[str, str]
) -> None:
    """An image from before, that says no version, or no such."""
    small.point(path, "latest", small.push(path, label, "amd64"))
    tag = floating(small, images, path, joined)
    assert isinstance(tag.observe(), Missing)
    tag.apply()
    assert isinstance(tag.observe(), Matches)


@pytest.mark.parametrize("action", ["drop-after", "drop-before", "status"])
def test_a_tag_whose_writing_fails_in_passing_comes_all_the_same(
    small: SmallRegistry, images: ImageRegistry, path: str, joined: str, action: str
) -> None:
    small.served.fault(method="PUT", path=f"{path}/manifests/v0.2.4$", occurrence=1, action=action)
    slow = Environment({**environ(small), "RELEASE_DEADLINE": "20"})
    converge([version_tag(small, images, path, joined)], slow.patience)
    assert small.digest(path, "v0.2.4") == joined


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallRegistry]:
    """A registry with Docker Hub's immutable version tags and limit of pulls."""
    with registry(tmp_path_factory.mktemp("h"), immutable=r"v\d.*", account=60) as made:
        yield made


def of_hub(hub: SmallRegistry, path: str) -> tuple[ImageRegistry, str]:
    images = ImageRegistry(environ(hub))
    return images, images.join(f"{hub.host}/{path}", pushed(hub, path, "0.2.4"))


@pytest.mark.parametrize("action", ["drop-after", "drop-before", "status"])
def test_an_immutable_tag_is_there_after_a_fault_of_its_first_writing(
    hub: SmallRegistry, path: str, action: str
) -> None:
    """The client repeats the request by itself, and the registry refuses the same tag then."""
    images, digest = of_hub(hub, path)
    hub.served.fault(method="PUT", path=f"{path}/manifests/v0.2.4$", occurrence=1, action=action)
    slow = Environment({**environ(hub), "RELEASE_DEADLINE": "20"})
    converge([version_tag(hub, images, path, digest)], slow.patience)
    assert hub.digest(path, "v0.2.4") == digest


def test_a_lookup_is_one_pull(hub: SmallRegistry, path: str) -> None:
    images, digest = of_hub(hub, path)
    before = len(hub.served.journal())
    assert images.find(f"{hub.host}/{path}@{digest}")
    assert [one.method for one in hub.served.journal()[before:] if "/manifests/" in one.path].count(
        "GET"
    ) == 1


def test_a_used_up_limit_of_pulls_is_explained_and_not_waited_for(tmp_path: Path) -> None:
    with registry(tmp_path, account=1) as used_up:
        digest = used_up.push("mari/thing", {}, "amd64")
        images = ImageRegistry(environ(used_up))
        images.find(f"{used_up.host}/mari/thing@{digest}")
        with pytest.raises(ServiceError) as raised:
            images.find(f"{used_up.host}/mari/thing@{digest}")
    assert not isinstance(raised.value, TransientError)
    assert "pull rate limit" in raised.value.cause
    assert "six hours" in raised.value.remedy


def test_a_registry_that_fails_for_long_is_left_at_the_deadline(
    small: SmallRegistry, images: ImageRegistry, path: str, joined: str, environment: Environment
) -> None:
    small.served.fault(path=f"{path}/manifests/", action="status", code=503)
    with pytest.raises(TransientError):
        converge([version_tag(small, images, path, joined)], environment.patience)


def test_a_refusal_is_an_answer(
    small: SmallRegistry, path: str, joined: str, tmp_path: Path
) -> None:
    """Without a login, asked for minutes it would still be no."""
    (tmp_path / "cli-plugins").symlink_to(small.docker_config / "cli-plugins")
    nobody = ImageRegistry(environ(small, tmp_path))
    slow = Environment({**environ(small), "RELEASE_DEADLINE": "600"})
    with pytest.raises(ServiceError) as raised:
        converge([version_tag(small, nobody, path, joined)], slow.patience)
    assert not isinstance(raised.value, TransientError)
    assert small.digest(path, "v0.2.4") is None


@pytest.mark.parametrize(
    ("token", "allowed"),
    [(TOKEN, True), ("wrong", False)],
)
def test_who_may_push_is_asked_without_pushing(
    small: SmallRegistry, token: str, allowed: bool
) -> None:
    before = small.writes()
    assert may_push(f"{small.host}/mari/thing", USER, token) is allowed
    assert small.writes() == before


def door(challenge: str | None) -> Callable[[str], web.Application]:
    """A registry's door that asks for a password itself (RFC 7617), or says nothing of how."""

    async def answer(request: web.Request) -> web.Response:
        given = request.headers.get("Authorization")
        if given == f"Basic {base64.b64encode(f'{USER}:{TOKEN}'.encode()).decode()}":
            return web.Response()
        return web.Response(
            status=401, headers={"WWW-Authenticate": challenge} if challenge else {}
        )

    def make(_url: str) -> web.Application:
        app = web.Application()
        app.router.add_get("/v2/", answer)
        return app

    return make


@pytest.mark.parametrize(("token", "allowed"), [(TOKEN, True), ("wrong", False)])
@pytest.mark.parametrize("challenge", ['Basic realm="Registry"', None])
def test_a_registry_may_ask_for_the_password_itself(
    tmp_path: Path, challenge: str | None, token: str, allowed: bool
) -> None:
    with serving("door", tmp_path, door(challenge)) as served:
        host = served.url.removeprefix("http://")
        assert may_push(f"{host}/mari/thing", USER, token) is allowed


@pytest.mark.parametrize(
    ("answer", "granted"),
    [
        ({"token": "opaque"}, True),
        ({"access_token": "opaque"}, True),
        ({"token": ""}, False),
        ({}, False),
        # {"access": [{"actions": ["pull"]}]} and the same with push, as a JWT's payload
        ({"token": "x.eyJhY2Nlc3MiOiBbeyJhY3Rpb25zIjogWyJwdWxsIl19XX0.y"}, False),
        ({"token": "x.eyJhY2Nlc3MiOiBbeyJhY3Rpb25zIjogWyJwdWxsIiwgInB1c2giXX1dfQ.y"}, True),
    ],
)
def test_what_a_token_grants_is_read_from_it(answer: dict[str, str], granted: bool) -> None:
    assert grants_push(answer) is granted
