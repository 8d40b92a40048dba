"""Say what is where, what failed, and what to do next: at the end of every run, failed ones too."""

from scripts.core import report
from scripts.core.lock import NAME, unbuilt
from scripts.core.results import Done
from scripts.release.context import Context
from scripts.release.release_surfaces import surfaces


def run(context: Context) -> Done:
    """Write the report to the job's summary."""
    plan = context.plan if (context.inputs / "plan.json").exists() else None
    staged = (context.inputs / "assets" / NAME).exists()
    found = surfaces(context, context.lock if staged else unbuilt(plan)) if plan else []
    page, url = context.endpoints.page_url, context.runner.trigger().run_url
    results = context.results()
    text = report.run(plan, results, url, page, found)
    context.runner.report(text, plan=plan, results=results)
    return Done()
