"""The API's addresses."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Query, Request, WebSocket

from services.api import examples, reference, registry
from services.api.catalogue import Catalogue
from services.api.recordings import classify_body
from services.api.settings import Settings
from services.api.stream import POLICY, Streams
from services.bounds import BodyLimit
from services.doors import Doors
from stream_pose_ml import __version__
from stream_pose_ml.errors import ModelError, StreamPoseError

Source = Annotated[
    str | None,
    Query(alias="model", description="bundled or registry; by default the active one."),
]


def create(settings: Settings) -> FastAPI:
    """The application, with its model loaded."""
    catalogue = Catalogue(__version__)
    app = FastAPI(
        title="StreamPoseML",
        version=__version__,
        summary="Labels for human movement, from 33 pose landmarks a frame.",
        lifespan=_lifespan(catalogue, settings),
        docs_url=None,
        redoc_url=None,
    )
    app.state.streams = Streams(settings)
    app.add_middleware(BodyLimit, limit=settings.body_bytes, seconds=settings.body_seconds)
    app.add_middleware(Doors, hosts=settings.allowed_hosts, origins=settings.allowed_origins)
    reference.add(app)
    _facts(app, catalogue)
    _classification(app, catalogue)
    return app


def _lifespan(catalogue: Catalogue, settings: Settings) -> Any:
    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if not settings.registry_url:
            yield
            return
        catalogue.registry = "not asked yet"
        following = asyncio.create_task(registry.follow(catalogue, settings))
        try:
            yield
        finally:
            following.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await following

    return lifespan


def _facts(app: FastAPI, catalogue: Catalogue) -> None:
    @app.get("/health", summary="Is it ready?", responses=examples.HEALTH)
    async def health() -> dict[str, Any]:
        return {
            "status": "ok",
            "model": catalogue.active.source,
            "registry": catalogue.registry,
            "streams": len(app.state.streams),
        }

    @app.get("/version", summary="Which version, and which model?", responses=examples.VERSION)
    async def version() -> dict[str, Any]:
        return {
            "version": __version__,
            "model": catalogue.active.describe(),
            "registry": catalogue.registry,
        }

    @app.get("/models", summary="Every model that can be asked for.", responses=examples.MODELS)
    async def models() -> list[dict[str, Any]]:
        active = catalogue.active
        return [{**entry.describe(), "active": entry is active} for entry in catalogue.entries()]


def _classification(app: FastAPI, catalogue: Catalogue) -> None:
    @app.post(
        "/classify",
        summary="The movement in a recording.",
        openapi_extra=examples.RECORDING,
        responses=examples.CLASSIFY,
    )
    async def classify(request: Request, source: Source = None) -> dict[str, Any]:
        entry = _find(catalogue, source)
        body, kind = await request.body(), request.headers.get("content-type", "")
        try:
            return await asyncio.to_thread(classify_body, entry, body, kind)
        except StreamPoseError as error:
            raise HTTPException(422, str(error)) from error

    @app.websocket("/stream")
    async def stream(socket: WebSocket, source: Source = None) -> None:
        try:
            entry = catalogue.find(source)
        except ModelError as error:
            await socket.accept()
            await socket.close(POLICY, str(error)[:120])
            return
        await app.state.streams.serve(socket, entry)


def _find(catalogue: Catalogue, source: str | None) -> Any:
    try:
        return catalogue.find(source)
    except ModelError as error:
        raise HTTPException(404, str(error)) from error
