"""Continue after the job's environment approves. `stage` wrote what was approved."""

from scripts.core.results import Done
from scripts.release.context import Context


def run(context: Context) -> Done:
    """Report the approved version."""
    plan = context.lock.plan
    context.report(f"{plan.project} {plan.version} is approved.", version=plan.version)
    return Done()
