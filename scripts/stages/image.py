"""Build one image for one platform, on a runner of that platform, and push it without a tag.

Its SBOM is written from the same bytes, which BuildKit exports beside the push.
"""

import json
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

from scripts.core import sbom
from scripts.core.converge import Outcome
from scripts.core.errors import UsageError
from scripts.core.planning import PlannedImage
from scripts.core.results import Done
from scripts.release import checkout, image_layout, sboms
from scripts.release.context import Context
from scripts.release.image_layout import Base
from scripts.release.runners import NO_IMAGE
from scripts.tools import processes


def run(context: Context, name: str, platform: str) -> Done:
    """Return the digest of the image, built now or in an earlier attempt."""
    plan = context.plan
    if name == NO_IMAGE and not plan.images:
        return Done()
    image = next((one for one in plan.images if one.name == name), None)
    if image is None or platform not in image.platforms:
        raise UsageError(f"the plan has no image {name!r} for {platform!r}", "see plan.json")
    digest = proven(context, image, platform)
    written = digest is None
    base = Base()
    if digest is None:
        digest, base = build(context, image, platform)
    else:
        sboms.keep(context, sbom.asset_name(name, platform))
    facts = (
        *(("image", name), ("platform", platform), ("digest", digest)),
        *(("base", base.reference), ("base_digest", base.digest)),
    )
    return Done((Outcome(f"image {name} for {platform}", digest, written),), facts)


def proven(context: Context, image: PlannedImage, platform: str) -> str | None:
    """Return the digest of an earlier attempt, if the registry still has the image."""
    if context.earlier_lock is None:
        return None
    digest = context.earlier_lock.image(image.name).platforms[platform]
    reference = f"{image.repository}@{digest}"
    found = context.ask(lambda: context.registry.find(reference))
    return digest if found else None


def build(context: Context, image: PlannedImage, platform: str) -> tuple[str, Base]:
    """Build from the release commit and the tested wheel; a dry run does not push."""
    tree, wheel = checkout.checkout(context), wheel_folder(context)
    settle(context, tree, wheel)
    folder = context.fresh("image")
    metadata, layout = folder / "metadata.json", folder / "layout"
    (wanted,) = (one for one in context.config.images if one.name == image.name)
    command = [
        "docker",
        *("buildx", "build"),
        f"--platform={platform}",
        f"--file={tree / image.dockerfile}",
        f"--target={wanted.target or ''}",
        *(f"--build-arg={argument}" for argument in wanted.build_args),
        # An attestation in the index would make its digest depend on the time of the build.
        *("--provenance=false", "--sbom=false"),
        f"--build-context=dist={wheel}",
        *(f"--label={key}={value}" for key, value in labels(context).items()),
        f"--output={output(image, push=not context.plan.dry_run)}",
        f"--output=type=oci,tar=false,dest={layout}",
        f"--metadata-file={metadata}",
        "--",
        str(tree / wanted.context),
    ]
    when = str(context.plan.source_date_epoch)
    told = {"SOURCE_DATE_EPOCH": when, "BUILDX_METADATA_PROVENANCE": "max"}
    environment = context.environment.inherited(**told)
    # BuildKit caches finished steps: a retry continues from there.
    context.ask(lambda: processes.run(command, environment=environment, timeout=3000))
    said = json.loads(metadata.read_text("utf-8"))
    digest = str(said["containerimage.digest"])
    base = image_layout.base(said, layout, digest)
    write_sbom(context, sbom.asset_name(image.name, platform), layout, digest, base)
    shutil.rmtree(layout)
    return digest, base


def write_sbom(context: Context, name: str, layout: Path, digest: str, base: Base) -> None:
    """Write what the image holds, as its own package managers say."""
    layers = image_layout.layers(layout, digest)
    title = name.removesuffix(sbom.SUFFIX)
    found = sbom.inventory(title, context.plan.version, digest, layers, base.layers)
    context.write(f"sboms/{name}", sbom.write(found, context.plan.source_date_epoch))


def output(image: PlannedImage, *, push: bool) -> str:
    """Write buildx's --output: pushed by digest, without a tag.

    Rewriting the times of all files there (`rewrite-timestamp`) would unpack and pack every layer
    again: most of a minute for a large image. They are set before instead, see `settle`.
    """
    pushed = "push=true,push-by-digest=true," if push else ""
    return f"type=image,name={image.repository},{pushed}name-canonical=true"


def settle(context: Context, *folders: Path) -> None:
    """Set the release's time on all files that images copy, not this checkout's time.

    A Dockerfile must set the time of the files that it creates.
    """
    when = context.plan.source_date_epoch
    for folder in folders:
        for path in (folder, *folder.rglob("*")):
            os.utime(path, (when, when), follow_symlinks=False)


def labels(context: Context) -> dict[str, str]:
    """Return the labels that describe an image (OCI image spec, annotations)."""
    plan = context.plan
    created = datetime.fromtimestamp(plan.source_date_epoch, UTC)
    said = {
        "created": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "revision": context.commit,
        "source": context.endpoints.page_url,
        "version": plan.version,
    }
    return {f"org.opencontainers.image.{key}": value for key, value in said.items()}


def wheel_folder(context: Context) -> Path:
    """Return a folder with only the checked wheel: it replaces the stage `dist`."""
    folder = context.fresh("wheel")
    for wheel in (context.inputs / "dist").glob("*.whl"):
        shutil.copy(wheel, folder)
    return folder
