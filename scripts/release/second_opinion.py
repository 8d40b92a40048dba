"""Ask a distribution's own archive what it would upgrade: beside the verdict, not a part of it.

The archive of tomorrow answers otherwise, so its answer has no place in a lock. It shows what the
advisories do not know yet.
"""

from collections.abc import Iterable, Iterator, Mapping

from scripts.core.converge import CHECK, Outcome
from scripts.core.errors import ServiceError
from scripts.core.sbom import DEB, Inventory, Package
from scripts.release.configuration import TABLE, ScanConfig
from scripts.release.context import Context
from scripts.tools import apt

TITLE = "second opinion of the distribution"


def ask(context: Context, config: ScanConfig, found: Iterable[Inventory]) -> Iterator[Outcome]:
    """Give an outcome for each image with packages of dpkg, and one for each reason not to ask."""
    sources = {one.distro: one.source for one in config.archives}
    unasked: dict[str, list[str]] = {}
    for each in found:
        packages = [one.package for one in each.components if one.package.kind == DEB]
        if not packages:
            continue
        try:
            said = _answer(context, sources, each.distro, packages)
            yield Outcome(f"{TITLE}: {each.name}", said, written=False, kind=CHECK)
        except ServiceError as error:
            unasked.setdefault(error.cause, []).append(each.name)
    for cause, names in unasked.items():
        title = f"{TITLE}: {', '.join(names)}"
        yield Outcome(title, f"not asked: {cause}", written=False, skipped=True, kind=CHECK)


def _answer(
    context: Context, sources: Mapping[str, str], distro: str, installed: Iterable[Package]
) -> str:
    """Write `2 updates wait: a 1 → 2, b 3 → 4`. Raises ServiceError if it cannot be asked."""
    environment = context.environment.inherited()
    if distro not in sources:
        raise ServiceError(f"`archives` of [{TABLE}.scan] has no {distro}", "add it")
    if not apt.available(environment):
        raise ServiceError("apt is not installed here", "install it")
    context.console.step(f"ask the archive of {distro}")
    listed = apt.upgradable(installed, sources[distro], context.fresh("apt"), environment)
    return f"{len(listed)} updates wait: {', '.join(listed)}" if listed else "no update waits"
