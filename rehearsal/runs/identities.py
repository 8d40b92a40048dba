"""The claims of each job's identity tokens, as far as the run knows them.

The rules: GitHub Docs, "OpenID Connect reference". The service adds the claims of the repository.
"""

from collections.abc import Mapping, Sequence

from rehearsal.runs.act import Event, Setting
from rehearsal.runs.permissions import Granted

SCOPE, WANTED = "id_token", "write"


def may_ask(permissions: Mapping[str, str]) -> bool:
    """Tell whether a job with these permissions may request identity tokens."""
    return permissions.get(SCOPE) == WANTED


def of_jobs(setting: Setting, event: Event, jobs: Sequence[Granted]) -> list[dict[str, str]]:
    """Return the claims of each of a run's jobs."""
    common = _of_run(setting, event, jobs[0])
    repository = setting.context["GITHUB_REPOSITORY"]
    return [
        {
            **common,
            "job_workflow_ref": f"{repository}/{job.file}@{event.ref}",
            "job_workflow_sha": event.sha,
            **({"environment": job.environment} if job.environment else {}),
        }
        for job in jobs
    ]


def _of_run(setting: Setting, event: Event, first: Granted) -> dict[str, str]:
    pull = event.payload.get("pull_request", {})
    return {
        "ref": event.ref,
        "ref_type": "tag" if event.ref.startswith("refs/tags/") else "branch",
        "ref_protected": "false",
        "sha": event.sha,
        "head_ref": pull.get("head", {}).get("ref", ""),
        "base_ref": pull.get("base", {}).get("ref", ""),
        "event_name": event.name,
        "actor": setting.context.get("GITHUB_ACTOR", ""),
        "run_id": str(setting.run_id),
        "run_number": "1",
        "run_attempt": str(setting.attempt),
        "runner_environment": "github-hosted",
        "workflow": first.name.rpartition("/")[0],
        "workflow_ref": f"{setting.context['GITHUB_REPOSITORY']}/{first.file}@{event.ref}",
        "workflow_sha": event.sha,
    }
