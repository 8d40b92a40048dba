"""All rules of the workflow files. `python -m tests.workflows.rules` prints each breach."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.workflows import (
    rules_of_form,
    rules_of_handing,
    rules_of_order,
    rules_of_runs,
    rules_of_trust,
    rules_of_work,
    shape,
)
from tests.workflows.tree import Problems, Tree

Rule = Callable[[Tree], Problems]
RULES: dict[str, Rule] = {
    rule.__name__: rule
    for rules in (
        rules_of_trust,
        rules_of_order,
        rules_of_handing,
        rules_of_work,
        rules_of_runs,
        rules_of_form,
    )
    for rule in rules.RULES
}


def problems(tree: Tree) -> Iterator[str]:
    """Yield each breach once, as `PATH:LINE: what is wrong`; those of form, if there are any."""
    if found := list(shape.breaches(tree)):
        yield from dict.fromkeys(found)
        return
    yield from dict.fromkeys(one for rule in RULES.values() for one in rule(tree))


if __name__ == "__main__":
    found = list(problems(Tree(Path())))
    print("\n".join(found), end="\n" if found else "")
    sys.exit(bool(found))
