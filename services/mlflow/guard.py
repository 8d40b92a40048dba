"""Reading is for everybody who may ask; writing is for who knows the secret."""

import base64
import binascii
import hmac
import re

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from services.bounds import BodyLimit

READING_BYTES = 1024 * 1024
READING_SECONDS = 60.0
# What MLflow asks for by POST though it only reads (and its page's telemetry, which is off).
SEARCHES = re.compile(
    r"/graphql|/(?:ajax-)?api/[23]\.0/mlflow/(?:"
    r"(?:datasets|experiments|issues|logged-models|prompt-optimization/jobs|runs|traces)/search|"
    r"experiments/search-datasets|registered-models/get-latest-versions|"
    r"traces/(?:batchGetInfos|calculate-filter-correlation|metrics)|ui-telemetry)"
)
# By GET this one asks another server, as whoever set it up may.
RELAYS = re.compile(r"/(?:ajax-)?api/2\.0/mlflow/gateway-proxy")
CHALLENGE = 'Basic realm="writing: any name, and the secret as the password", charset="UTF-8"'
TEXT = (
    "writing needs the secret that the first start of MLflow has shown, as MLFLOW_TRACKING_TOKEN "
    "or as the password of any user"
)


class Guard:
    """Answer 401 to what writes without the secret, and 413 to a large question."""

    def __init__(self, app: ASGIApp, secret: str) -> None:
        self._app = app
        self._reading = BodyLimit(app, READING_BYTES, READING_SECONDS)
        self._secret = secret.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; a web socket counts as writing."""
        if scope["type"] == "lifespan" or self._knows(scope):
            await self._app(scope, receive, send)
        elif scope["type"] == "http" and reads(scope["method"], scope["path"]):
            await self._reading(scope, receive, send)
        else:
            told = {"error_code": "UNAUTHENTICATED", "message": TEXT}
            headers = {"www-authenticate": CHALLENGE, "connection": "close"}
            await JSONResponse(told, 401, headers=headers)(scope, receive, send)

    def _knows(self, scope: Scope) -> bool:
        given = [value for key, value in scope["headers"] if key == b"authorization"]
        return len(given) == 1 and hmac.compare_digest(offered(given[0]), self._secret)


def reads(method: str, path: str) -> bool:
    """Whether a request only reads."""
    if method in ("GET", "HEAD", "OPTIONS"):
        return not RELAYS.fullmatch(path)
    return method == "POST" and SEARCHES.fullmatch(path) is not None


def offered(authorization: bytes) -> bytes:
    """The secret of a bearer token (RFC 6750), or of a password (RFC 7617) with any user."""
    scheme, _, value = authorization.strip().partition(b" ")
    if scheme.lower() == b"bearer":
        return value.strip()
    if scheme.lower() != b"basic":
        return b""
    try:
        return base64.b64decode(value.strip(), validate=True).partition(b":")[2]
    except binascii.Error:
        return b""
