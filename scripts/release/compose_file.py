"""The compose file that users get: the project's own, every image pinned by digest."""

import io
import json
from collections.abc import Mapping
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from scripts.core.errors import Place, UsageError


def of_images(ports: Mapping[str, int | None], references: Mapping[str, str]) -> str:
    """Write a compose file that starts each image by itself, for a project that has none.

    `ports` maps the images' names to the port that each listens on, if it is known.
    """
    services = {
        name: {"image": reference} | ({"ports": [f"{port}:{port}"]} if port else {})
        for name, reference in references.items()
        for port in [ports.get(name)]
    }
    return json.dumps({"services": services})


def pinned(text: str, path: str, references: Mapping[str, str]) -> str:
    """Replace each service's image by its pinned reference, and drop `build`.

    `references` maps service names to `repository@sha256:…`. Comments and order stay. Raises
    `UsageError` if the file is not YAML, or has no service of such a name.
    """
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    try:
        document: Any = yaml.load(text)
    except YAMLError as error:
        raise UsageError(f"{path} is not YAML: {error}", "correct it", Place(path)) from error
    services: Any = document.get("services") if isinstance(document, dict) else {}
    for name, reference in references.items():
        if not isinstance((services or {}).get(name), dict):
            raise UsageError(
                f"{path} has no service {name!r}, which [tool.release] lists as an image",
                f"name one of its services {name!r}, or the image as its service",
                Place(path),
            )
        services[name].pop("build", None)
        services[name]["image"] = reference
    out = io.StringIO()
    yaml.dump(document, out)
    return out.getvalue()
