"""The jobs of a release run, in order: the one list of them.

The verbs and their help, the report, the tables and diagrams of the documents and the rules of the
workflow are made from this list, or compared with it. To add a job, add a line here, its file in
`scripts/stages` and its job in `release.yml`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

WORKFLOW = ".github/workflows/release.yml"
BESIDE = ".github/workflows/release-system.yml"
"""The file that `init` writes where another release.yml exists."""
PROVING = "proving"
"""Nothing is public yet; a dry run ends after these."""
RELEASING = "releasing"
"""From the approval on, each job makes something public."""
LOOKING = "looking"
"""Everything is public; these tell and check."""
PHASES = {
    PROVING: "nothing is public",
    RELEASING: "names, then pointers",
    LOOKING: "telling and checking",
}
"""Each phase with its text in a diagram."""


@dataclass(frozen=True)
class Job:
    """One job of `release.yml`."""

    name: str
    """The job's id in `release.yml`; its `name` there has spaces in place of the hyphens."""
    verb: str
    """The arguments of its stage, without the values of its matrix."""
    phase: str
    needs: tuple[str, ...]
    """The jobs that it waits for. `plan` is included where its outputs are read."""
    does: str
    """Its description, as an imperative: the help of its verb."""
    public: str = ""
    """The things that it makes public."""
    part: str = ""
    """`dists` or `images`: a plan without them gives this job nothing to do."""
    legs: str = ""
    """The legs of its matrix, which run in parallel."""

    @property
    def title(self) -> str:
        """The job's name for people."""
        return self.name.replace("-", " ")

    @property
    def command(self) -> str:
        """The verb without its arguments."""
        return self.verb.split()[0]

    @property
    def result(self) -> str:
        """How the names of its results begin: `image`, `verify-staged`."""
        return "-".join(word for word in self.verb.split() if not word.startswith("--"))

    @property
    def waits_for(self) -> tuple[str, ...]:
        """The jobs directly before it, without `plan` if the job reads only its outputs."""
        return tuple(name for name in self.needs if name != "plan") or self.needs


REPORT = "report"
JOBS = (
    # Only this job decides; all others read its plan.
    Job(
        *("plan", "plan", PROVING, ()),
        "decide version, date, tag, file names and pointers; check for what would stop the release",
    ),
    # The commit comes first, since everything is built from it.
    Job(
        *("prepare", "prepare", PROVING, ("plan",)),
        "make the release commit on its own branch",
        "a branch",
    ),
    # The checks of every pull request: this commit has not passed them yet.
    Job(
        *("checks", "checks", PROVING, ("prepare",)),
        "run the project's own checks on the release commit",
    ),
    # The package comes before the images, since they install its wheel.
    Job(
        *("dists", "dists", PROVING, ("prepare",)),
        "build the wheel and the sdist; compare content, names and metadata with the plan",
        part="dists",
    ),
    # Pushes by digest, so that no tag leads to an untested image.
    Job(
        *("images", "image", PROVING, ("plan", "dists")),
        "build an image for one platform, and push it by digest",
        "images without a tag",
        part="images",
        legs="for each image and platform",
    ),
    # This job runs a program of others, so it gets no credentials.
    Job(
        *("scan", "scan", PROVING, ("plan", "images")),
        "match what was built with known vulnerabilities; stop at those that the policy names",
    ),
    # Beside the checks and the scan, so that nobody waits for it.
    Job(
        *("scorecard", "scorecard", PROVING, ("plan", "dists", "images")),
        "measure this release and the last one in turn on one runner; report what got slower",
    ),
    # Writes the lock: the hashes and digests of everything that the later jobs publish.
    Job(
        *("stage", "stage", PROVING, ("checks", "dists", "scan", "scorecard")),
        "write the lock, `SHA256SUMS`, the notes, `verify.py` and a pinned `compose.yaml`; "
        "make a draft release with all of it; show what becomes public",
    ),
    # The last job before anything is public tests the exact files that are published.
    Job(
        *("verify-staged", "verify --moment staged", PROVING, ("plan", "stage")),
        "install the package, start the images together, and use them as a user does",
        legs="for each platform",
    ),
    # A person approves here, once.
    Job(
        *("gate", "gate", RELEASING, ("plan", "verify-staged")),
        "wait for a reviewer of the environment `release`",
    ),
    # Beside the tags, so that it delays little; before the upload, which cannot be undone.
    Job(
        *("attest", "attest", RELEASING, ("plan", "gate")),
        "sign each file, each platform's image and each image index, at GitHub",
        "signatures in a public log",
    ),
    # Names come before pointers, and of the names those first that can still be deleted.
    Job(
        *("publish-tags", "publish-tags", RELEASING, ("plan", "gate")),
        "push the git tag, then the version tags of the images",
        "**the tags**",
    ),
    # An index never accepts a file name twice.
    Job(
        *("publish-package", "publish-package", RELEASING, ("plan", "attest", "publish-tags")),
        "upload the package to the package index",
        "**the package: this cannot be undone**",
        part="dists",
    ),
    # The same test again, from the public places, while no pointer leads to the release.
    Job(
        "verify-published",
        "verify --moment published",
        RELEASING,
        ("plan", "publish-package"),
        "run the same checks on the public artifacts",
        legs="for each platform",
    ),
    # Pointers come last: those who follow them get only a release that passed.
    Job(
        *("promote", "promote", RELEASING, ("plan", "verify-published")),
        "publish the draft; move the floating image tags, *Latest* and the branch",
        "**the pointers**",
    ),
    # The announcement follows the pointers; a failure here does not undo the release.
    Job(
        *("announce", "announce", LOOKING, ("plan", "promote")),
        "announce the release once in each place that `[tool.release.announce]` lists",
    ),
    # Reads everything once more without this run's files.
    Job(
        *("audit", "audit", LOOKING, ("plan", "promote")),
        "check that tag, files, package, images, release and pointers have the same version",
    ),
    # Runs always, and waits for every other job.
    Job(
        *(REPORT, "report", LOOKING, ()),
        "report what is public, what failed, and what to do next",
    ),
)


def before_report() -> tuple[Job, ...]:
    """List every job that the report waits for and describes."""
    return tuple(job for job in JOBS if job.name != REPORT)


def verbs() -> dict[str, str]:
    """Return each verb with its description; for a shared verb, the first job's text."""
    found: dict[str, str] = {}
    for job in JOBS:
        found.setdefault(job.command, job.does)
    return found


def flowchart() -> str:
    """Draw the run (Mermaid, flowcharts): the jobs by phase, and what each waits for."""
    lines = ["flowchart LR"]
    for phase, meaning in PHASES.items():
        own = [f"    {_node(job)}" for job in JOBS if job.phase == phase]
        lines += [f'  subgraph {phase} ["{phase}: {meaning}"]', *own, "  end"]
    return "\n".join([*lines, *_arrows()])


def _node(job: Job) -> str:
    if job.name == "gate":
        return 'gate{{"gate: a person approves"}}'
    return f'{job.name}["{job.name}<br>{job.legs}"]' if job.legs else job.name


def _arrows() -> Iterator[str]:
    for job in before_report():
        if job.needs:
            yield f"  {' & '.join(job.waits_for)} --> {job.name}"
    waited_for = {name for job in before_report() for name in job.waits_for}
    last = [job.name for job in before_report() if job.name not in waited_for]
    yield f"  {' & '.join(last)} --> {REPORT}"
