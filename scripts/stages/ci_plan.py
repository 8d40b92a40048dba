"""Decide which checks a change needs, and tell the workflow."""

import json
import re
import tomllib
from typing import Any

from scripts.core import ci_plan, report
from scripts.core.ci_plan import House
from scripts.core.results import Done
from scripts.release import history
from scripts.release.configuration import FILE
from scripts.release.context import Context
from scripts.release.version_source import inside

MAKEFILE = "Makefile"


def run(context: Context, base: str | None) -> Done:
    """Compare HEAD with `base`, or with the target of the pull request."""
    base = base or history.merged_into(context)
    # A push has no base to compare with: it needs every check.
    paths = history.changed_files(context, base) if base else None
    checks = ci_plan.decide(paths, house(context))
    context.workflow.output(
        pythons=json.dumps({"python": checks.pythons}),
        arguments=ci_plan.DRY_RUN if checks.dry_run else "",
        **checks.outputs(),
    )
    text = report.table(("check", "runs", "the same here"), ci_plan.rows(checks))
    said = "everything" if paths is None else f"{len(paths)} changed files"
    context.workflow.summary(f"### Checks of {said}\n\n{text}")
    context.console.show(f"{said}\n\n{text}", changed=paths, checks=checks)
    return Done()


def house(context: Context) -> House:
    """Read the project's facts for the decision."""
    config = context.config_at("HEAD")
    project: dict[str, Any] = inside(tomllib.loads(context.read_at("HEAD", FILE)), "project")
    readme = project.get("readme")
    return House(
        targets=frozenset(targets(context)),
        pythons=ci_plan.pythons(project.get("classifiers", ()), project.get("requires-python")),
        modules=config.package.modules if config.package else (),
        dockerfiles=tuple(image.dockerfile for image in config.images),
        compose=config.compose,
        readme=readme.get("file") if isinstance(readme, dict) else readme,
        version_files=tuple(file.path for file in config.version_files),
    )


def targets(context: Context) -> list[str]:
    """Name the targets of the Makefile."""
    if not context.git.run("ls-tree", "HEAD", MAKEFILE):
        return []
    text = context.read_at("HEAD", MAKEFILE)
    lines = re.findall(r"^([\w-][\w -]*?)\s*:(?![:=])", text, re.MULTILINE)
    return [name for line in lines for name in line.split()]
