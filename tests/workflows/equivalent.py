"""Faults that change nothing of what runs, each with the reason."""

import re

from tests.workflows.mutants import Mutant

# A pattern of `Mutant.key` -> why nothing differs.
REASONS = {
    r"actions/\S+ name: another text": "the title of an action is shown to people",
    r"workflows/ci.yml jobs.check.steps.2: before the one above|"
    r"workflows/image.yml jobs.build.steps.2: before the one above|"
    r"workflows/rollback.yml jobs.plan.steps.2: before the one above": (
        "two preparations of a job that do not use each other"
    ),
    r"workflows/ci.yml .*\.with\.key: another text": "any name of a cache is as good",
    r"workflows/\S+ (name|run-name): .*": "the title of a workflow or a run is shown to people",
}


def reason(mutant: Mutant) -> str:
    """Say why a fault changes nothing, "" if it does."""
    return next((why for one, why in REASONS.items() if re.fullmatch(one, mutant.key)), "")
