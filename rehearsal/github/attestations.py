"""The attestations of a repository, by the digest of what they are about."""

import base64
import json
from pathlib import Path

from aiohttp import web

from rehearsal.github.call import Call, Endpoints, reply
from rehearsal.github.errors import Json, not_found, unprocessable
from rehearsal.github.people import identifier

endpoints = Endpoints()


@endpoints.on("POST", "/attestations", needs="attestations:write")
async def create_attestation(call: Call) -> web.Response:
    """Keep a bundle; its signature is checked by whoever reads it."""
    if call.settings.private:
        raise unprocessable("Feature not available for user-owned private repositories.")
    bundle = call.fields.get("bundle")
    subjects = _subjects(bundle)
    folder = _folder(call)
    number = 1 + len(list(folder.glob("*.json")))
    (folder / f"{number}.json").write_text(json.dumps({"subjects": subjects, "bundle": bundle}))
    return reply({"id": number}, 201)


@endpoints.on("GET", "/attestations/{digest:sha256:[0-9a-f]{64}}")
async def list_attestations(call: Call) -> web.Response:
    """Return the bundles about a digest."""
    wanted, number = call.part("digest").partition(":")[2], identifier(call.settings.full_name)
    read = [json.loads(path.read_text()) for path in sorted(_folder(call).glob("*.json"))]
    found = [one["bundle"] for one in read if wanted in one["subjects"]]
    if not found:
        raise not_found()
    return reply({"attestations": [{"bundle": one, "repository_id": number} for one in found]})


def _folder(call: Call) -> Path:
    folder = call.settings.folder / "attestations"
    folder.mkdir(exist_ok=True)
    return folder


def _subjects(bundle: Json | None) -> list[str]:
    """Return the digests that a bundle is about."""
    try:
        payload = (bundle or {})["dsseEnvelope"]["payload"]
        subjects = json.loads(base64.b64decode(payload))["subject"]
        return [str(one["digest"]["sha256"]) for one in subjects]
    except (LookupError, TypeError, ValueError) as error:
        raise unprocessable(f"Invalid bundle: {error!r}") from error
