"""Continue after the approval by the job's environment. `stage` wrote the text for the reviewer."""

from scripts.core.results import Done
from scripts.release.context import Context


def run(context: Context) -> Done:
    """Report the approved version."""
    plan = context.lock.plan
    context.report(f"{plan.project} {plan.version} is approved.", version=plan.version)
    return Done()
