"""The registries that a table names: the logins that the workflows need for them.

`image.yml`, `release.yml` and `rollback.yml` log in at the registry of the variable
`IMAGE_REGISTRY`. For each other registry a job has one more login. At ghcr.io that is the run's own
token, which needs the permission `packages`; elsewhere a variable and a secret of the repository.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from scripts.release.configuration import Config
from scripts.release.version_source import inside
from scripts.tools.environment import host_of

GITHUB = "ghcr.io"
ACTION = "docker/login-action@"
USERNAME, TOKEN = "REGISTRY_USERNAME", "REGISTRY_TOKEN"
WRITE = "packages: write # push the images to ghcr.io"
READ = "packages: read # read the images at ghcr.io"
CALLER = "    uses: ./.github/workflows/image"
_LOGIN = re.compile(rf"(      - uses: {ACTION}\S+ # \S+\n)(?:        .*\n)+")
_JOB = re.compile(r"(?m)^  [\w-]+:\n(?:(?:    .*|  #.*)?\n)+")
_PERMISSIONS = re.compile(r"    permissions:\n(?:      .*\n)+")
_DECLARED = re.compile(rf"      {TOKEN}:\n        required: true\n")
_HANDED = re.compile(rf"      {TOKEN}: \$\{{\{{ secrets\.{TOKEN} \}}\}}\n")


def hosts(config: Config) -> tuple[str, ...]:
    """Return the hosts that images of the table name, each once."""
    return tuple(sorted({host_of(one.repository) for one in config.images} - {""}))


def suffix(host: str) -> str:
    """Return the end of the names of a host's variable and secret: `_QUAY_IO`."""
    return "_" + re.sub(r"[^A-Z0-9]+", "_", host.upper())


def with_logins(text: str, named: Sequence[str]) -> str:
    """Add a login for each host to the jobs of a workflow that log in."""
    secrets = [suffix(host) for host in named if host != GITHUB]

    def repeated(found: re.Match[str]) -> str:
        return found[0] + "".join(found[0].replace(TOKEN, TOKEN + one) for one in secrets)

    text = _JOB.sub(lambda job: _with_login(job[0], named), text)
    return _HANDED.sub(repeated, _DECLARED.sub(repeated, text))


def _with_login(job: str, named: Sequence[str]) -> str:
    if GITHUB in named and (_LOGIN.search(job) or CALLER in job):
        allowed = READ if "--dry-run" in job else WRITE
        job = _PERMISSIONS.sub(lambda found: f"{found[0]}      {allowed}\n", job, count=1)
    return _LOGIN.sub(
        lambda found: found[0] + "".join(found[1] + _values(host) for host in named), job
    )


def _values(host: str) -> str:
    own = host == GITHUB
    user = "github.actor" if own else f"vars.{USERNAME}{suffix(host)}"
    token = "github.token" if own else f"secrets.{TOKEN}{suffix(host)}"
    lines = {"registry": host, "username": f"${{{{ {user} }}}}", "password": f"${{{{ {token} }}}}"}
    said = "".join(f"          {key}: {value}\n" for key, value in lines.items())
    return f"        with:\n{said}"


def lacking(flow: Any, named: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield each job that logs in, but not at a host, or may not push to it, and what it lacks."""
    for name, job in inside(flow, "jobs").items():
        steps = job.get("steps") if isinstance(job, dict) else None
        logins = [
            str(inside(one, "with").get("registry", ""))
            for one in steps or ()
            if isinstance(one, dict) and str(one.get("uses", "")).startswith(ACTION)
        ]
        for host in named if logins else ():
            if host not in logins:
                yield name, f"a login at {host}"
            elif host == GITHUB and inside(job, "permissions").get("packages") is None:
                yield name, "the permission packages"
