"""What the authority and the log answer over HTTP: Fulcio's API 2, Rekor's API 1, and a signer."""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

import jwt
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from rehearsal.github.hub import Hub
from rehearsal.github.oidc import ISSUER, Issuer
from rehearsal.signing.log import RefusedError, ThereError
from rehearsal.signing.trust import Trust

PLACE = "/_services/signing"
CERTIFY = "/api/v2/signingCert"
AUDIENCE = "sigstore"
ENTRIES = "/api/v1/log/entries"
"""The clients of these two keep only the host of an address."""


class Signing:
    """The services of one world, which trust its issuer of identity tokens alone."""

    def __init__(self, hub: Hub) -> None:
        settings = hub.settings
        self._issuer = Issuer(f"{settings.base_url}{ISSUER}", settings.folder)
        self._url = settings.base_url
        self._trust = Trust(settings.folder / "signing")

    def add_routes(self, app: web.Application) -> None:
        """Serve them."""
        app.router.add_get(f"{PLACE}/trusted_root.json", self._root)
        app.router.add_get(f"{PLACE}/client.json", self._client)
        app.router.add_post(CERTIFY, self._certify)
        app.router.add_post(f"{ENTRIES}{{end:/?}}", self._append)
        app.router.add_get(f"{ENTRIES}/{{entry:[0-9a-f]+}}", self._find)
        app.router.add_post(f"{PLACE}/sign", self._sign)

    async def _root(self, _: web.Request) -> web.Response:
        return web.json_response(self._trust.root())

    async def _client(self, _: web.Request) -> web.Response:
        return web.json_response(self._trust.client(self._url))

    async def _certify(self, request: web.Request) -> web.Response:
        claims = self._claims(request)
        try:
            text = base64.b64decode((await request.json())["certificateSigningRequest"])
            asked = x509.load_pem_x509_csr(text)
        except (LookupError, TypeError, ValueError, binascii.Error) as error:
            raise web.HTTPBadRequest(text=f"no signing request: {error!r}") from error
        public = asked.public_key()
        if not asked.is_signature_valid or not isinstance(public, ec.EllipticCurvePublicKey):
            raise web.HTTPBadRequest(text="the request does not prove that its key is yours")
        chain = [self._trust.authority.certify(public, claims), self._trust.authority.root]
        pem = [one.public_bytes(serialization.Encoding.PEM).decode() for one in chain]
        return web.json_response({"signedCertificateEmbeddedSct": {"chain": {"certificates": pem}}})

    def _claims(self, request: web.Request) -> Mapping[str, Any]:
        """Return the claims of the caller's identity token, once its signature is checked."""
        text = request.headers.get("Authorization", "").removeprefix("Bearer ")
        (key,) = self._issuer.jwks()["keys"]
        try:
            return jwt.decode(
                text, jwt.PyJWK(key), ["RS256"], audience=AUDIENCE, issuer=self._issuer.url
            )
        except jwt.PyJWTError as error:
            raise web.HTTPUnauthorized(text=f"the identity token is not valid: {error}") from error

    async def _append(self, request: web.Request) -> web.Response:
        try:
            name, entry = self._trust.log.append(await request.json())
        except ThereError as error:
            place = {"Location": f"/api/v1/log/entries/{error}"}
            message = {"code": 409, "message": "an equivalent entry already exists"}
            return web.json_response(message, status=409, headers=place)
        except RefusedError as error:
            return web.json_response({"code": 400, "message": str(error)}, status=400)
        return web.json_response({name: entry}, status=201)

    async def _find(self, request: web.Request) -> web.Response:
        try:
            name, entry = self._trust.log.find(request.match_info["entry"])
        except LookupError:
            raise web.HTTPNotFound from None
        return web.json_response({name: entry})

    async def _sign(self, request: web.Request) -> web.Response:
        """Sign for the stand-in of actions/attest, whose Python has no cryptography."""
        claims = self._claims(request)
        statement = json.loads(await request.read())
        return web.json_response(self._trust.sign(claims, statement))
