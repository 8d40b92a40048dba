"""Access rules: by the server name in a request (`Host`), and by the page that sends it (`Origin`).

A browser sends requests of any page to any server, also of this machine, and names the page in
`Origin`. A page whose own name points to this machine's address (DNS rebinding) has the right
`Origin`, but the wrong `Host`.
"""

from fnmatch import fnmatchcase
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send


class Doors:
    """Answer 403 to a host name or a page that is not known; a web socket is not opened.

    `hosts` are names or patterns, with or without a port; an address as such is always known: no
    page can have it by pretence. `origins` are those of other pages, such as
    `https://page.example`; a server's own page is known by having its host and port. Programs send
    no origin.
    """

    def __init__(self, app: ASGIApp, hosts: str, origins: str = "") -> None:
        self._app = app
        self._hosts = _split(hosts)
        self._origins = _split(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or web socket."""
        refusal = self._refusal(scope) if scope["type"] in ("http", "websocket") else None
        if refusal is None:
            await self._app(scope, receive, send)
        else:
            await JSONResponse({"detail": refusal}, 403)(scope, receive, send)

    def _refusal(self, scope: Scope) -> str | None:
        host = ",".join(_headers(scope, b"host"))
        if not known_host(host, self._hosts):
            return f"the host {host[:100]!r} is not known: add its name to the allowed hosts"
        for origin in _headers(scope, b"origin"):
            if not known_origin(origin, host, self._origins):
                return f"the origin {origin[:100]!r} is not known: add it to the allowed origins"
        return None


def known_host(host: str, known: list[str]) -> bool:
    """Whether a `Host` is an address, or fits a name or pattern that is known."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    try:
        ip_address(name)
    except ValueError:
        return any(fnmatchcase(one, pattern) for pattern in known for one in (name, host.lower()))
    return True


def known_origin(origin: str, host: str, known: list[str]) -> bool:
    """Whether an `Origin` is that of the server's own page, or known.

    RFC 6454 §6.2: scheme, host and port; a page without one says `null`.
    """
    _, _, place = origin.partition("://")
    return origin in known or (bool(place) and place == host)


def _headers(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


def _split(names: str) -> list[str]:
    return [name.strip().lower() for name in names.split(",") if name.strip()]
