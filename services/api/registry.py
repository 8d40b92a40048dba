"""Fetching the current model from MLflow's registry, over its REST interface."""

import asyncio
import logging
import tempfile
from pathlib import Path
from typing import Any

import httpx

from services.api.catalogue import Catalogue, Entry
from services.api.settings import Settings
from stream_pose_ml.errors import ModelError
from stream_pose_ml.models import load_estimator

LOG = logging.getLogger("uvicorn.error")
MODEL_BYTES = 64 * 1024 * 1024


async def follow(catalogue: Catalogue, settings: Settings) -> None:
    """Keep the catalogue's registry model current for as long as the API runs.

    No error ends this loop: the state of the registry has the error, and the next turn retries.
    """
    async with httpx.AsyncClient(base_url=settings.registry_url, timeout=10) as client:
        while True:
            try:
                await _refresh(client, catalogue, settings)
                state = "connected"
            # Answers of any shape and a transport that closes raise more types than can be listed.
            except Exception as error:
                state = f"unavailable: {type(error).__name__}: {error}"
            if state != catalogue.registry:
                LOG.warning("model registry %s: %s", settings.registry_url, state)
            catalogue.registry = state
            await asyncio.sleep(settings.registry_seconds)


async def _refresh(client: httpx.AsyncClient, catalogue: Catalogue, settings: Settings) -> None:
    known = {entry.source: entry for entry in catalogue.entries()}.get("registry")
    query = {"name": settings.model_name, "alias": settings.model_alias}
    answer = await _get(client, "/api/2.0/mlflow/registered-models/alias", query)
    version = answer["model_version"]
    if known is not None and known.version == str(version["version"]):
        return
    tags = {tag["key"]: tag["value"] for tag in version.get("tags", [])}
    content = await _download(client, settings.model_name, str(version["version"]))
    model = await asyncio.to_thread(_load, content, int(tags["window"]))
    catalogue.put(Entry("registry", settings.model_name, str(version["version"]), model))


async def _get(client: httpx.AsyncClient, path: str, query: dict[str, str]) -> Any:
    answer = await client.get(path, params=query)
    answer.raise_for_status()
    return answer.json()


async def _download(client: httpx.AsyncClient, name: str, version: str) -> bytes:
    where = await _get(
        client,
        "/api/2.0/mlflow/model-versions/get-download-uri",
        {"name": name, "version": version},
    )
    place = str(where["artifact_uri"]).removeprefix("mlflow-artifacts:").strip("/")
    path = f"/api/2.0/mlflow-artifacts/artifacts/{place}/model.skops"
    content = bytearray()
    async with client.stream("GET", path) as answer:
        answer.raise_for_status()
        async for chunk in answer.aiter_bytes():
            content += chunk
            if len(content) > MODEL_BYTES:
                raise ModelError(f"the registry's model is larger than {MODEL_BYTES} bytes")
    return bytes(content)


def _load(content: bytes, window: int) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.skops"
        path.write_bytes(content)
        return load_estimator(path, window)
