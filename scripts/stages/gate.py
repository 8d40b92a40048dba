"""Show exactly what becomes public. The approval itself is the job's environment."""

from scripts.context import Context
from scripts.core import report
from scripts.core.results import Done


def run(context: Context) -> Done:
    """Write the list to the job's summary, where the approver reads it."""
    text = report.gate(context.lock)
    context.runner.show(text, lock=context.lock)
    context.runner.summary(text)
    return Done()
