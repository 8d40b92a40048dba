"""Show exactly what becomes public. The approval itself is the job's environment."""

from scripts.core import report
from scripts.core.results import Done
from scripts.release.context import Context
from scripts.release.release_surfaces import surfaces


def run(context: Context) -> Done:
    """Write the list to the job's summary, where the approver reads it."""
    text = report.gate(context.lock, surfaces(context, context.lock))
    context.runner.report(text, lock=context.lock)
    return Done()
