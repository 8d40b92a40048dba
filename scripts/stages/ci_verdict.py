"""Combine the checks of a change into one result, since branch protection needs one name."""

from scripts.core import ci_plan, report
from scripts.core.errors import ProblemsError
from scripts.core.results import Done
from scripts.release.context import Context


def run(context: Context) -> Done:
    """Fail unless each planned check succeeded and each other check was skipped."""
    needs = context.environment.needs()
    text = report.table(
        ("check", "result"), [(job, str(needs[job].get("result"))) for job in needs]
    )
    context.console.show(text, needs=needs)
    context.workflow.summary(f"### Results of the checks\n\n{text}")
    if problems := list(ci_plan.verdict(needs)):
        raise ProblemsError(problems)
    return Done()
