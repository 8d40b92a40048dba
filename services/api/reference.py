"""The API's reference for people, made from its OpenAPI description.

FastAPI's own pages load their scripts from other servers; this page does not load anything.
"""

import json
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from fastapi import FastAPI
from fastapi.responses import HTMLResponse, Response

from services.api.examples import SOCKET

FOLDER = Path(__file__).parent


def add(app: FastAPI) -> None:
    """Serve the reference at /docs."""
    style = (FOLDER / "reference.css").read_text()

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(page(app.openapi()))

    @app.get("/docs.css", include_in_schema=False)
    async def css() -> Response:
        return Response(style, media_type="text/css")


def page(description: dict[str, Any]) -> str:
    """The page of an OpenAPI description."""
    operations = [
        _operation(f"{method.upper()} {path}", operation)
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    ]
    socket = [f"<h3>{escape(name)}</h3>{_example(value)}" for name, value in SOCKET.items()]
    return Template((FOLDER / "reference.html").read_text()).substitute(
        title=escape(description["info"]["title"]),
        version=escape(description["info"]["version"]),
        summary=escape(description["info"]["summary"]),
        operations="\n".join(operations),
        socket="\n".join(socket),
    )


def _operation(name: str, operation: dict[str, Any]) -> str:
    parts = [f"<h2><code>{escape(name)}</code>{escape(operation['summary'])}</h2>"]
    parts += [
        f"<p><code>?{escape(one['name'])}=</code> {escape(one.get('description', ''))}</p>"
        for one in operation.get("parameters", [])
    ]
    parts += _examples("Body", operation.get("requestBody", {}))
    for code, answer in operation["responses"].items():
        parts += _examples(f"{code}: {answer['description']}", answer)
    return f"<section>{''.join(parts)}</section>"


def _examples(title: str, holder: dict[str, Any]) -> list[str]:
    return [
        f"<h3>{escape(title)} <small>{escape(kind)}</small></h3>{_example(content['example'])}"
        for kind, content in holder.get("content", {}).items()
        if "example" in content
    ]


def _example(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    short = text if len(text) < 2000 else f"{text[:1000]} … {text[-200:]}"  # noqa: PLR2004
    return f"<pre tabindex='0'>{escape(short)}</pre>"
