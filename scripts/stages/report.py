"""Report what is public, what failed, and what to do next, at the end of every run."""

from scripts.core import report
from scripts.core.lockfile import NAME, unbuilt
from scripts.core.results import Done, current
from scripts.release.context import Context
from scripts.release.release_surfaces import surfaces

OTHERWISE = {"images": "image"}
"""Jobs whose results have other names."""


def run(context: Context) -> Done:
    """Write the report to the job's summary."""
    plan = context.plan if (context.inputs / "plan.json").exists() else None
    staged = (context.inputs / "assets" / NAME).exists()
    found = surfaces(context, context.lock if staged else unbuilt(plan)) if plan else []
    page, url = context.endpoints.page_url, context.environment.trigger().run_url
    needs = context.environment.needs()
    ended = {OTHERWISE.get(job, job): str(one.get("result")) for job, one in needs.items()}
    results = current(context.results(), ended, context.environment.attempt())
    text = report.run(plan, results, url, page, found, ended=ended)
    context.report(text, plan=plan, results=results)
    return Done()
