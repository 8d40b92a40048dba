"""Holds every request and answer against GitHub's own description of its API."""

import json
import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema
from aiohttp import web
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

CHECKOUT = Path(__file__).parents[3]
DESCRIPTION = CHECKOUT.parent / "shared" / "github-openapi-releases.json"
ADDRESS = "urn:github"
WIDE = ("path", "ref", "branch", "basehead", "tag", "tree_sha")
# Statuses of any request, described once for all of GitHub and not for each of its addresses.
GENERAL = {400, 401, 403, 404, 422}
# Asked for by the project, not part of the description at hand.
UNDESCRIBED = re.compile(
    r".*/(attestations(/.*)?|immutable-releases|actions/permissions/workflow)$"
)

FORMATS = jsonschema.FormatChecker(formats=())


@FORMATS.checks("date-time", ValueError)
def is_moment(value: object) -> bool:
    return not isinstance(value, str) or bool(datetime.fromisoformat(value))


@FORMATS.checks("uri", ValueError)
def is_uri(value: object) -> bool:
    return not isinstance(value, str) or bool(urlsplit(value).scheme and " " not in value)


def modern(node: Any) -> Any:
    """Return OpenAPI 3.0's `nullable` in the words of today's JSON Schema."""
    if isinstance(node, list):
        return [modern(item) for item in node]
    if not isinstance(node, dict):
        return node
    plain = {key: modern(value) for key, value in node.items() if key != "nullable"}
    plain.pop("discriminator", None)
    # GitHub's alternatives overlap: what is said to fit one of them often fits several.
    if "oneOf" in plain:
        plain["anyOf"] = plain.pop("oneOf")
    return {"anyOf": [plain, {"type": "null"}]} if node.get("nullable") is True else plain


class Description:
    """GitHub's description, and everything found to break it."""

    def __init__(self) -> None:
        document = modern(json.loads(DESCRIPTION.read_text(encoding="utf-8")))
        resource = Resource(contents=document, specification=DRAFT202012)
        self.registry = Registry().with_resource(ADDRESS, resource)
        self.document = document
        self.paths = sorted(document["paths"], key=lambda path: -len(re.sub(r"{\w+}", "", path)))
        self.problems: list[str] = []
        self.seen: set[str] = set()

    def middleware(self) -> Any:
        @web.middleware
        async def hold_against(
            request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
        ) -> web.StreamResponse:
            described = request.path.startswith("/api/v3/")  # all else is read as it comes
            body = await request.read() if described else b""
            response = await handler(request)
            if request.path.startswith("/api/v3/"):
                self.check(request, body, response)
            return response

        return hold_against

    def check(self, request: web.Request, body: bytes, response: web.StreamResponse) -> None:
        path = "/" + request.path.split("/", 3)[3]
        operation, name = self.operation(request.method, path)
        if operation is None:
            known = UNDESCRIBED.fullmatch(path) or response.status == 404
            if not known and request.method != "HEAD":
                self.problems.append(f"{request.method} {path}: not in the description")
            return
        self.seen.add(name)
        if response.status < 300 and body and not path.endswith("/assets"):
            content = operation["requestBody"]["content"]["application/json"]
            self.hold(f"{name} request", content["schema"], json.loads(body))
        self.check_answer(name, operation, response)

    def check_answer(self, name: str, operation: Any, response: web.StreamResponse) -> None:
        where = f"{name} answer {response.status}"
        described = operation["responses"].get(str(response.status))
        if described is None and response.status not in GENERAL:
            self.problems.append(f"{where}: no such answer")
        if not isinstance(response, web.Response) or response.content_type != "application/json":
            return
        schema: Any = {"$ref": "#/components/schemas/basic-error"}
        if described is not None:
            content = self.resolve(described).get("content", {})
            schema = content.get("application/json", {}).get("schema", schema)
        if response.status == 422:
            schema = {"$ref": "#/components/schemas/validation-error"}
        self.hold(where, schema, json.loads(response.text or "null"))

    def operation(self, method: str, path: str) -> tuple[Any, str]:
        for template in self.paths:
            if re.fullmatch(pattern_of(template), path):
                operation = self.document["paths"][template].get(method.lower())
                if operation is not None:
                    return operation, f"{method} {template}"
        return None, ""

    def resolve(self, node: Any) -> Any:
        if "$ref" not in node:
            return node
        return self.registry.resolver(ADDRESS).lookup(node["$ref"]).contents

    def hold(self, where: str, schema: Any, instance: Any) -> None:
        anchored = json.loads(json.dumps(schema).replace('"#/', f'"{ADDRESS}#/'))
        validator = jsonschema.Draft202012Validator(
            anchored, registry=self.registry, format_checker=FORMATS
        )
        for error in validator.iter_errors(instance):
            if error.instance == "starter":
                continue  # what GitHub really answers, and does not describe
            self.problems.append(f"{where}: {error.json_path}: {error.message[:300]}")


def pattern_of(template: str) -> str:
    def part(match: re.Match[str]) -> str:
        return ".*" if match[1] in WIDE else "[^/]+"

    return re.sub(r"\\{(\w+)\\}", part, re.escape(template)).replace(r"\.\.\.", "\\.\\.\\.")
