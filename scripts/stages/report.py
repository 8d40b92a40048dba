"""Say what is where, what failed, and what to do next: at the end of every run, failed ones too."""

from packaging.utils import canonicalize_name as normalised

from scripts.core import plan, report
from scripts.core.results import Done, current
from scripts.release.context import Context

OTHERWISE = {"images": "image"}
"""The jobs whose results are called otherwise."""


def run(context: Context) -> Done:
    """Write the report to the job's summary."""
    path = context.inputs / "plan.json"
    planned = plan.read(path.read_text("utf-8")) if path.exists() else None
    page, index = context.endpoints.page_url, context.index.simple_url
    index_page = f"{index.rstrip('/')}/{normalised(planned.project)}/" if planned else ""
    url = context.runner.trigger().run_url
    ended = {
        OTHERWISE.get(job, job): str(one.get("result"))
        for job, one in context.runner.needs().items()
    }
    results = current(context.results(), ended, context.runner.attempt())
    text = report.run(planned, results, url, page, index_page, ended=ended)
    context.runner.report(text, plan=planned, results=results)
    return Done()
