"""What of a release is signed, whether GitHub offers it, and the check of the signatures."""

import hashlib
import json
from pathlib import Path

from scripts.core.errors import CheckError, ServiceError, TransientError
from scripts.release.assets import NOTES
from scripts.release.context import Context
from scripts.standalone.verify import Source, gh
from scripts.tools import processes

NOT_OFFERED = (
    "GitHub offers attestations of private repositories only to organisations with Enterprise Cloud"
)


def offered(context: Context) -> bool:
    """Tell whether GitHub takes attestations of this repository."""
    return not context.forge.private()


def files(context: Context) -> dict[str, Path]:
    """Return the assets of the release, by name."""
    folders = (context.inputs / "assets", context.inputs / "dist")
    paths = [path for folder in folders for path in sorted(folder.glob("*"))]
    return {path.name: path for path in paths if path.name != NOTES}


def images(context: Context) -> dict[str, str]:
    """Return the digest of each image index and platform, by its pinned reference."""
    lock = context.lock
    locked = [(image.repository, lock.image(image.name)) for image in lock.plan.images]
    return {
        f"{repository}@{digest}": digest
        for repository, image in locked
        for digest in (image.digest, *image.platforms.values())
    }


def subjects(context: Context) -> dict[str, str]:
    """Return everything that is signed: name to SHA-256 in hex."""
    found = {
        name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files(context).items()
    }
    return found | {name: one.removeprefix("sha256:") for name, one in images(context).items()}


def verify(context: Context, *, fresh: bool) -> int:
    """Check each part's attestation by gh; return how many there are.

    `fresh` says that this run signed, so that the certificates must name its commit. Raises
    CheckError with the first part that gh refuses.
    """
    folder, parts = context.fresh("signed"), {**files(context), **images(context)}
    for number, (name, part) in enumerate(parts.items()):
        path = folder / f"{number}"
        if isinstance(part, Path):
            path = part
        else:
            path.write_bytes(_manifest(context, name))
        _verify(context, name, path, fresh=fresh)
    return len(parts)


def _manifest(context: Context, reference: str) -> bytes:
    return context.ask(lambda: context.registry.raw(reference))


def _verify(context: Context, name: str, path: Path, *, fresh: bool) -> None:
    digest, build = hashlib.sha256(path.read_bytes()).hexdigest(), context.environment.build()
    bundles = context.ask(lambda: context.forge.attestations(digest))
    bundle = context.scratch / "signed" / "bundle.jsonl"
    bundle.write_text("".join(f"{json.dumps(one)}\n" for one in bundles), "utf-8")
    source = Source(build["repository"], build["workflow"], build["ref"])
    command = gh(path, bundle, source, _root(context))
    command[3:3] = [f"--source-digest={build['commit']}"] if fresh else []
    try:
        context.ask(lambda: processes.run(command, environment=context.environment.inherited()))
    except TransientError:
        raise
    except ServiceError as error:
        remedy = "delete the attestation that is wrong, and run the release again"
        raise CheckError(f"gh refuses the attestation of {name}: {error.cause}", remedy) from error


def _root(context: Context) -> str:
    """Write the trusted root of another trust configuration than the public one."""
    trust = context.environment.trusted()
    if not trust:
        return ""
    path = context.scratch / "signed" / "root.jsonl"
    root = json.loads(Path(trust).read_text("utf-8"))["trustedRoot"]
    path.write_text(json.dumps(root) + "\n", "utf-8")
    return str(path)
