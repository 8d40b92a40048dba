"""The front before a real devpi, and an issuer whose tokens it trusts."""

import hashlib
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from aiohttp import web

from rehearsal.gateway.proxy import Proxy
from rehearsal.github.app import make_app
from rehearsal.github.oidc import ISSUER, Issuer, repository_claims
from rehearsal.github.people import identifier
from rehearsal.github.settings import GitHubSettings
from rehearsal.index.front import SIMPLE, Behind, Front
from rehearsal.index.state import Publisher, State, Store, begin
from rehearsal.world import index, processes, provision
from tests.support.dists import sdist, wheel
from tests.support.serving import Served, serving


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """They start devpi."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.service)


CLAIMS = {
    "ref": "refs/heads/main",
    "sha": "1" * 40,
    "event_name": "workflow_dispatch",
    "actor": "mari",
    "job_workflow_ref": "mari/thing/.github/workflows/release.yml@refs/heads/main",
    "environment": "pypi",
}
PUBLISHER = Publisher("mari", str(identifier("mari")), "thing", "release.yml", "pypi")


@pytest.fixture(scope="session")
def devpi() -> Iterator[Path]:
    """A devpi on a socket; beside it lies the uploader's password."""
    with tempfile.TemporaryDirectory() as short:
        folder, where = Path(short) / "devpi", Path(short) / "s"
        index.start(folder, where, provision.Tools(folder))
        (Path(short) / "password").write_text(index.prepare(where, "http://x:y@none.invalid/", []))
        try:
            yield where
        finally:
            processes.stop(processes.Service(folder))


@dataclass
class Index:
    """The front at work."""

    folder: Path
    served: Served
    issuer: Issuer
    settings: GitHubSettings
    account: str

    @property
    def state(self) -> State:
        return Store(self.folder).load()

    def change(self, **more: Any) -> None:
        """Change the state as a maintainer, or time, would."""
        state = self.state
        for name, value in more.items():
            setattr(state, name, value)
        Store(self.folder).save(state)

    def identity(self, now: float | None = None, audience: str = "", **claims: Any) -> str:
        """Sign an identity token with these claims; None leaves one out."""
        given = {key: one for key, one in {**CLAIMS, **claims}.items() if one is not None}
        whole = {**repository_claims(self.settings, {**CLAIMS, **given}), **given}
        kept = {key: one for key, one in whole.items() if claims.get(key, "") is not None}
        return self.issuer.issue(kept, audience or self.audience(), now=now)

    def audience(self) -> str:
        answer = requests.get(f"{self.served.url}/_/oidc/audience", timeout=20)
        return str(answer.json()["audience"])

    def mint(self, identity: Any) -> requests.Response:
        url = f"{self.served.url}/_/oidc/mint-token"
        return requests.post(url, json={"token": identity}, timeout=20)

    def token(self, **claims: Any) -> str:
        """Come by an upload token as a trusted publisher."""
        answer = self.mint(self.identity(**claims))
        assert answer.ok, answer.text
        return str(answer.json()["token"])

    def upload(
        self, token: str, name: str, content: bytes, /, **form: str | None
    ) -> requests.Response:
        """Upload a file of the project and version that its name says."""
        project, version = name.removesuffix(".tar.gz").split("-")[:2]
        fields: Mapping[str, str | None] = {
            ":action": "file_upload",
            "protocol_version": "1",
            "metadata_version": "2.1",
            "name": project,
            "version": version,
            "filetype": "bdist_wheel" if name.endswith(".whl") else "sdist",
            "pyversion": "py3" if name.endswith(".whl") else "source",
            "sha256_digest": hashlib.sha256(content).hexdigest(),
            **form,
        }
        return requests.post(
            f"{self.served.url}/{index.INDEX}/",
            data={key: value for key, value in fields.items() if value is not None},
            files={"content": (name, content)},
            auth=("__token__", token),
            timeout=20,
        )

    def page(self, project: str, accept: str = SIMPLE) -> requests.Response:
        url = f"{self.served.url}/{index.INDEX}/+simple/{project}/"
        return requests.get(url, headers={"Accept": accept}, timeout=20)

    def names(self, project: str) -> list[str]:
        return [one["filename"] for one in self.page(project).json()["files"]]


@pytest.fixture
def thing(request: pytest.FixtureRequest) -> str:
    """A project of this test's own: devpi is everybody's."""
    return (
        hashlib.sha256(request.node.nodeid.encode())
        .hexdigest()[:12]
        .translate(str.maketrans("0123456789", "ghijklmnop"))
    )


@pytest.fixture
def front(devpi: Path, tmp_path: Path, thing: str) -> Iterator[Index]:
    """The front, with a pending publisher for the test's project."""
    folder = tmp_path / "state"
    with ExitStack() as stack:
        settings: list[GitHubSettings] = []

        def github(url: str) -> web.Application:
            one = GitHubSettings(tmp_path / "github", tmp_path / "none.git", "mari", "thing", url)
            settings.append(one)
            return make_app(one)

        hub = stack.enter_context(serving("github", tmp_path / "hub", github))

        def make(_url: str) -> web.Application:
            app = web.Application(client_max_size=1 << 28)
            proxy = Proxy(str(devpi), outside_header="X-Outside-Url")
            app.cleanup_ctx.append(proxy.run)
            password, issuer = devpi.with_name("password"), f"{hub.url}{ISSUER}"
            behind = Behind(index.INDEX, index.USERNAME, password, issuer, (thing,))
            Front(folder, behind, proxy).add_routes(app)
            app.router.add_route("*", "/{path:.*}", proxy.handle)
            return app

        served = stack.enter_context(serving("index", tmp_path / "index", make))
        issuer = Issuer(f"{hub.url}{ISSUER}", settings[0].folder)
        account = begin(folder, thing, PUBLISHER)
        yield Index(folder, served, issuer, settings[0], account)


def dists(project: str, version: str = "1.0") -> dict[str, bytes]:
    """Make a release's two files."""
    return {
        f"{project}-{version}-py3-none-any.whl": wheel(project, version),
        f"{project}-{version}.tar.gz": sdist(project, version),
    }
