"""Go on once the job's environment let the run pass. What was approved, `stage` has written."""

from scripts.core.results import Done
from scripts.release.context import Context


def run(context: Context) -> Done:
    """Say what was approved."""
    plan = context.lock.plan
    context.runner.report(f"{plan.project} {plan.version} is approved.", version=plan.version)
    return Done()
