"""The gateway of a world: each service has its own port, behind the journal and the faults.

`python -m rehearsal.gateway.server --config FILE` runs it as a separate process, so that a kept
world outlives its command. It listens on free ports of 127.0.0.1, writes them to the
configuration's `ports` file when all of them answer, and ends on SIGTERM.
"""

import argparse
import asyncio
import dataclasses
import json
import re
import signal
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from rehearsal.gateway import hub_rules
from rehearsal.gateway.hub_rules import HubRules
from rehearsal.gateway.journal import Journal
from rehearsal.gateway.journaling import SAFE_METHODS, attach, changes_something
from rehearsal.gateway.proxy import CHUNK, Proxy
from rehearsal.gateway.registry_auth import Account, TokenAuthority
from rehearsal.gateway.request_faults import Faults
from rehearsal.index.front import LARGEST, MINT, Behind, Front

HOST = "127.0.0.1"


@dataclass(frozen=True)
class GatewayConfig:
    """The configuration of the gateway. It holds secrets, so only the owner can read its file.

    `registry` and `index` are the Unix sockets of the services behind, `index_elsewhere` the simple
    index for the projects that `index` does not have (empty: it has them all). `front` holds the
    fields of Behind, without `issuer`, and `folder`, where its state lies; empty for an index
    without rules. `hub` holds those fields of HubRules that differ from the defaults. `github`
    holds the fields of GitHubSettings without `base_url`, empty for a world without GitHub.
    """

    journal: str
    faults: str
    ports: str
    registry: str = ""
    index: str = ""
    front: dict[str, Any] = field(default_factory=dict)
    index_elsewhere: str = ""
    registry_username: str = ""
    registry_token: str = field(default="", repr=False)
    registry_namespaces: tuple[str, ...] = ()
    hub: dict[str, Any] = field(default_factory=dict)
    github: dict[str, Any] = field(default_factory=dict, repr=False)

    def save(self, path: Path) -> None:
        """Write the configuration, readable by its owner only."""
        path.touch(mode=0o600)
        path.write_text(json.dumps(dataclasses.asdict(self)))

    @classmethod
    def load(cls, path: Path) -> "GatewayConfig":
        """Read what `save` wrote."""
        raw = json.loads(path.read_text())
        return cls(**{**raw, "registry_namespaces": tuple(raw["registry_namespaces"])})


def registry_app(config: GatewayConfig, journal: Journal, faults: Faults) -> web.Application:
    """Make the registry's door, journaled like the others."""

    def is_write(request: web.Request) -> bool:
        return changes_something(request) and request.path != "/token"

    app = registry_door(config)
    attach(app, "registry", journal, faults, is_write)
    return app


def registry_door(config: GatewayConfig) -> web.Application:
    """Put Docker Hub's tokens and rules in front of the registry itself."""
    account = Account(config.registry_username, config.registry_token, config.registry_namespaces)
    authority = TokenAuthority(account)
    proxy = Proxy(config.registry, without=("Authorization",))
    rules = hub_rules.guard(HubRules(**config.hub), proxy)
    app = web.Application(middlewares=[authority.guard(), rules])
    app.on_response_prepare.append(hub_rules.count)
    app.cleanup_ctx.append(proxy.run)
    app.router.add_get("/token", authority.get_token)
    app.router.add_post("/token", authority.post_token)
    app.router.add_route("*", "/{path:.*}", proxy.handle)
    return app


def index_app(
    config: GatewayConfig, journal: Journal, faults: Faults, github: str = ""
) -> web.Application:
    """Make the package index's door; `github` is the service whose jobs may be publishers."""

    def elsewhere(request: web.Request) -> str:
        project = re.fullmatch(r".*/\+simple/([^/]+)/?", request.path)
        found = config.index_elsewhere and project and request.method in SAFE_METHODS
        return f"{config.index_elsewhere}{project[1]}/" if found and project else ""

    proxy = Proxy(config.index, outside_header="X-Outside-Url", elsewhere=elsewhere)

    def is_write(request: web.Request) -> bool:
        return changes_something(request) and request.path not in ("/+login", MINT)

    app = web.Application(client_max_size=2 * LARGEST)
    attach(app, "index", journal, faults, is_write)
    app.cleanup_ctx.append(proxy.run)
    if config.front:
        _front(config.front, proxy, github).add_routes(app)
    app.router.add_route("*", "/{path:.*}", proxy.handle)
    return app


def _front(raw: dict[str, Any], proxy: Proxy, github: str) -> Front:
    from rehearsal.github.oidc import ISSUER  # noqa: PLC0415 - not every world has it

    changes = {"password": Path(raw["password"]), "own": tuple(raw["own"])}
    issuer = f"{github}{ISSUER}" if github else ""
    settings = {key: value for key, value in raw.items() if key != "folder"}
    return Front(Path(raw["folder"]), Behind(**{**settings, **changes, "issuer": issuer}), proxy)


def github_app(
    config: GatewayConfig, base_url: str, journal: Journal, faults: Faults
) -> web.Application:
    """Make the GitHub service, journaled like the others."""
    from rehearsal.github.app import is_write, make_app  # noqa: PLC0415 - not every world has it

    app = make_app(github_settings(config.github, base_url))
    attach(app, "github", journal, faults, is_write)
    return app


def github_settings(raw: dict[str, Any], base_url: str) -> Any:
    """Make the GitHub service's settings from their JSON form and the address it is reached at."""
    from rehearsal.github.settings import GitHubSettings, Token  # noqa: PLC0415 - as above

    changes = {
        "folder": Path(raw["folder"]),
        "repository": Path(raw["repository"]),
        "runs": Path(raw["runs"]) if raw.get("runs") else None,
        "base_url": base_url,
        "tokens": {name: Token(**token) for name, token in raw.get("tokens", {}).items()},
        "protected_branches": tuple(raw.get("protected_branches", ())),
        "environments": {
            name: tuple(people) for name, people in raw.get("environments", {}).items()
        },
    }
    return GitHubSettings(**{**raw, **changes})


def listener() -> socket.socket:
    """Open a listening socket on a free port."""
    one = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.bind((HOST, 0))
    return one


async def serve(config: GatewayConfig, ended: asyncio.Event) -> None:
    """Serve until `ended` is set."""
    journal, faults = Journal(Path(config.journal)), Faults(Path(config.faults))
    sockets = {name: listener() for name in ("registry", "index", "github")}
    ports = {name: one.getsockname()[1] for name, one in sockets.items()}
    apps = {}
    github = f"http://{HOST}:{ports['github']}" if config.github else ""
    if config.registry:
        apps["registry"] = registry_app(config, journal, faults)
    if config.index:
        apps["index"] = index_app(config, journal, faults, github)
    if config.github:
        apps["github"] = github_app(config, github, journal, faults)
    runners = [await _start(app, sockets[name]) for name, app in apps.items()]
    _write_at_once(Path(config.ports), json.dumps({name: ports[name] for name in apps}))
    await ended.wait()
    for runner in runners:
        await runner.cleanup()
    for one in sockets.values():
        one.close()
    journal.close()


async def _start(app: web.Application, where: socket.socket) -> web.AppRunner:
    runner = web.AppRunner(app, read_bufsize=4 * CHUNK, shutdown_timeout=1, access_log=None)
    await runner.setup()
    await web.SockSite(runner, where).start()
    return runner


def _write_at_once(path: Path, text: str) -> None:
    draft = path.with_suffix(".part")
    draft.write_text(text)
    draft.replace(path)


async def _run(config: GatewayConfig) -> None:
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    await serve(config, ended)


def main(argv: list[str] | None = None) -> int:
    """Run the gateway of one world."""
    parser = argparse.ArgumentParser(prog="python -m rehearsal.gateway.server", description=__doc__)
    parser.add_argument("--config", required=True, type=Path)
    asyncio.run(_run(GatewayConfig.load(parser.parse_args(argv).config)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
