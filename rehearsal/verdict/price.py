"""What a run costs on GitHub: seconds to the approval and after it, and the minutes of runners.

The jobs, their order and their steps are read from the workflow. The figures are in `prices.toml`.
"""

import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from rehearsal.runs.workflow import Job, in_order, read

OURS = Path(__file__).parents[2]
FIGURES = Path(__file__).with_name("prices.toml")
FOLDER = Path(".github/workflows")
INSTALLER = ".github/actions/setup/install.sh"
GATE = "gate"
LEGS = {"images": 6, "verify-staged": 2, "verify-published": 2, "check": 3}
"""The legs of a matrix, where no run has said how many there are."""
ACTIONS = {
    "actions/setup-python": ("python",),
    "actions/cache": ("cache",),
    "docker/login-action": ("login",),
    "docker/setup-buildx-action": ("builder",),
    "setup": ("tools",),
    "stage": ("tools", "download", "upload"),
}


@dataclass(frozen=True)
class Cost:
    """One job: seconds of overhead and of work for each of its legs, and the number of legs."""

    job: str
    overhead: float
    work: float
    legs: int

    @property
    def seconds(self) -> float:
        """From the moment that the jobs before it have ended."""
        return self.overhead + self.work


@dataclass(frozen=True)
class Price:
    """A whole run. Times in seconds; a runner's time does not include the queue."""

    jobs: Sequence[Cost]
    to_gate: float
    after_gate: float
    runner_minutes: float

    @property
    def overhead(self) -> float:
        """The mean overhead of a job in seconds."""
        return sum(one.overhead for one in self.jobs) / (len(self.jobs) or 1)


def of_workflow(
    tree: Path,
    file: str,
    work: Mapping[str, Sequence[float]] | None = None,
    without: Collection[str] = (),
) -> Price:
    """Price a run of a workflow of the checkout `tree`.

    `work` has the seconds of each leg of a job as they were measured; without it, those of the
    figures count. `without` names jobs that are skipped.
    """
    workflow = read(tree, (FOLDER / file).as_posix())
    texts = _texts(tree, file)
    costs = {
        key: _cost(tree, workflow.jobs[key], texts, work or _figured(file))
        for key in in_order(workflow.jobs)
        if key not in without
    }
    ends: dict[str, float] = {}
    for key, cost in costs.items():
        before = [ends[need] for need in workflow.jobs[key].needs if need in ends]
        ends[key] = max(before, default=0.0) + cost.seconds
    last = max(ends.values(), default=0.0)
    to_gate = ends[GATE] - costs[GATE].seconds if GATE in ends else last
    queue = _overheads()["queue"]
    busy = sum(one.legs * (one.seconds - queue) for one in costs.values())
    return Price(list(costs.values()), to_gate, last - to_gate, busy / 60)


def _figured(file: str) -> Mapping[str, Sequence[float]]:
    work: Mapping[str, float] = _figures()["work"].get(file, {})
    return {key: [float(seconds)] * LEGS.get(key, 1) for key, seconds in work.items()}


def _cost(
    tree: Path, job: Job, texts: Mapping[str, Any], work: Mapping[str, Sequence[float]]
) -> Cost:
    found = work.get(job.key, [0.0]) if job.matrix else list(work.get(job.key, [0.0]))[:1]
    text = texts[job.key]
    if job.calls:
        called = _texts(tree, Path(text["uses"]).name).values()
        steps = [step for one in called for step in one["steps"]]
    else:
        steps = text["steps"]
    overhead = _overheads()["queue"] + _overheads()["post"]
    overhead += sum(_step(tree, step) for step in steps)
    return Cost(job.key, overhead, max(found, default=0.0), len(found))


def _step(tree: Path, step: Mapping[str, Any]) -> float:
    """Give the overhead of one step; a stage's or a command's own work has none."""
    figures, action = _overheads(), str(step.get("uses", "")).partition("@")[0]
    action = action.rpartition(".github/actions/")[2]  # ours, wherever it is fetched from
    if action == "actions/checkout":
        whole = (step.get("with") or {}).get("fetch-depth") == 0
        return figures["checkout"] + (figures["history"] if whole else 0.0)
    stage = str((step.get("with") or {}).get("stage", ""))
    return sum(
        tools(tree, stage) if part == "tools" else figures[part] for part in ACTIONS.get(action, ())
    )


def tools(tree: Path, stage: str) -> float:
    """Give the seconds in which the release tools are installed for a stage's arguments."""
    system = tree if (tree / INSTALLER).exists() else OURS
    script, figures = (system / INSTALLER).read_text("utf-8"), _overheads()
    locks = dict(re.findall(r"^ +(\S.*)\) lock=(\S+) ;;$", script, re.MULTILINE))
    verb = stage.split(" ", maxsplit=1)[0] if stage else '""'
    lock = next((at for verbs, at in locks.items() if verb in verbs.split(" | ")), locks["*"])
    text = (system / lock).read_text("utf-8")
    packages = len(re.findall(r"^[\w.-]+==", text, re.MULTILINE))
    slow = figures["venv"] if "python3 -m venv" in re.sub("#.*", "", script) else 0.0
    return slow + figures["uv"] + packages * figures["sync"]


def table(price: Price) -> list[str]:
    """Write a price as lines for a person."""
    parts = [
        f"{price.to_gate:.0f} s to the gate",
        f"{price.after_gate:.0f} s after it",
        f"{price.runner_minutes:.1f} runner minutes",
        f"{price.overhead:.0f} s of overhead a job",
    ]
    return [f"  on GitHub {', '.join(parts)} (by the figures of {FIGURES.name})"]


def markdown(price: Price) -> str:
    """Write a price as a table of its jobs, for the page."""
    rows = [
        f"| {one.job} | {one.legs} | {one.overhead:.0f} | {one.work:.0f} |" for one in price.jobs
    ]
    head = ["| job | legs | overhead, s | work, s |", "|---|---|---|---|"]
    return "\n".join([*(line.strip() for line in table(price)), "", *head, *rows])


def main() -> None:
    """Print the price of a release and of a pull request that changes code."""
    for file in ("release.yml", "ci.yml"):
        print(file, *table(of_workflow(Path(), file)), sep="\n")


@cache
def _figures() -> dict[str, Any]:
    return tomllib.loads(FIGURES.read_text("utf-8"))


def _overheads() -> Mapping[str, float]:
    found: Mapping[str, float] = _figures()["overhead"]
    return found


def _texts(tree: Path, file: str) -> Mapping[str, Any]:
    jobs: Mapping[str, Any] = yaml.safe_load((tree / FOLDER / file).read_text("utf-8"))["jobs"]
    return jobs


if __name__ == "__main__":
    main()
