"""A run of release.yml without act: its stages run as processes, within seconds.

The order, the conditions, the matrices, the inputs of each job and the names of its artifacts come
from the workflow file. As on a runner, a job gets a fresh checkout of the run's commit and the
artifacts so far, runs `python -m scripts STAGE`, and hands over its result. `LEFT_OUT` lists the
omitted jobs.
"""

import base64
import compileall
import dataclasses
import json
import os
import py_compile
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rehearsal.actions.artifacts import Store, select
from rehearsal.actions.toolkit import StandInError
from rehearsal.github.settings import Token
from rehearsal.github.tokens import BOT, asking
from rehearsal.runs import identities, permissions
from rehearsal.runs.act import Event, Setting
from rehearsal.runs.environments import elsewhere
from rehearsal.runs.job_processes import Files, Leg
from rehearsal.runs.limits import holds_secret
from rehearsal.runs.workflow import (
    FAILURE,
    SKIPPED,
    SUCCESS,
    Job,
    Workflow,
    in_order,
    read,
    result,
    should_run,
)
from rehearsal.world import git_repo

LEFT_OUT = {
    "checks": "the project's checks, which do not write",
    "verify-staged": "the staged images are not started, which would not write",
    "verify-published": "the published images are not started, which would not write",
    "audit": "it only looks, and the end state is compared whole",
}
"""The jobs that a direct run omits, and why no fault concerns them."""
LONGEST = 300.0
"""Seconds after which a stage counts as hanging, and is killed."""
POLL = 0.01
_OUTPUT = re.compile(r"steps\.[\w-]+\.outputs\.([\w-]+)")
_GIVEN = re.compile(r"^([\w-]+)<<(\S+)\n(.*?)\n\2$", re.DOTALL | re.MULTILINE)


@dataclass
class LegRun:
    """The end of a leg. `exit_code` is negative if a signal ended it, as for a process."""

    leg: Leg
    began: float
    ended: float
    exit_code: int
    killed: str = ""
    """The moment of its end at which it was killed; empty if it was not."""

    @property
    def ok(self) -> bool:
        """Tell whether the job succeeded."""
        return not self.exit_code and not self.killed


@dataclass
class DirectRun:
    """A run that is over."""

    legs: list[LegRun]
    results: dict[str, str]
    outputs: dict[str, dict[str, str]]
    folder: Path
    cut: str = ""
    """The job after which the rest was not performed; empty if all was."""

    @property
    def ok(self) -> bool:
        """Tell whether all jobs succeeded."""
        return FAILURE not in self.results.values()

    @property
    def failed(self) -> list[str]:
        """Name the legs that failed."""
        return [one.leg.label for one in self.legs if not one.ok]

    def summary(self, key: str) -> str:
        """Return a job's summary page."""
        path = self.folder / "summaries" / key
        return path.read_text(encoding="utf-8") if path.exists() else ""


@dataclass(frozen=True)
class Interference:
    """Faults of a run's own jobs; other faults concern requests.

    `kill` names a leg whose processes get SIGKILL; like a lost runner, it hands over no artifact.
    `lose` names a leg that succeeds but whose artifact is lost. `before` and `after` are called
    with the key of each job; the jobs run one after another, and only legs at the same time.
    """

    kill: str = ""
    moment: Callable[[], bool] | None = None
    """Called while the leg runs: whether to kill it now. None kills it at its end."""
    lose: str = ""
    before: Callable[[str, "DirectRun"], None] = lambda _key, _run: None
    after: Callable[[str], None] = lambda _key: None
    enough: Callable[[str, "DirectRun"], bool] = lambda _key, _run: False
    """Called after each job: whether to stop there."""
    environment: Callable[[Leg, Mapping[str, str]], Mapping[str, str]] = lambda _leg, _all: {}
    """Called for each leg with its environment; returns the variables to replace."""


@dataclass(frozen=True)
class Begun:
    """The state of a run before one of its jobs: the earlier results, outputs and artifacts."""

    results: Mapping[str, str]
    outputs: Mapping[str, dict[str, str]]
    artifacts: Path


def run(
    setting: Setting,
    event: Event,
    interference: Interference | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    begun: Begun | None = None,
) -> DirectRun:
    """Run the workflow of `setting.tree` to its end, from its beginning or from where `begun` ends.

    `environment` is given to every stage.
    """
    direct = _Direct(setting, event, interference or Interference(), environment or {})
    if begun:
        direct.take_up(begun)
    return direct.run()


class _Direct:
    def __init__(
        self, setting: Setting, event: Event, interference: Interference, more: Mapping[str, str]
    ) -> None:
        self._setting, self._event = setting, event
        self._interference, self._more = interference, more
        self._workflow: Workflow = read(setting.tree, setting.workflow)
        self._files = Files(setting.tree, setting.workflow)
        jobs = permissions.of_jobs(setting.tree, setting.workflow)
        self._permissions = {job.path: job.for_api() for job in jobs}
        claims = identities.of_jobs(setting, event, jobs)
        self._identities = {job.path: one for job, one in zip(jobs, claims, strict=True)}
        self._store = Store(setting.folder / "artifacts")
        self._places = threading.Semaphore(setting.concurrent)
        self._running: set[int] = set()
        self._stopped = threading.Event()
        self._pristine = setting.folder.parents[1] / "pristine" / event.sha
        self.done = DirectRun([], {}, {}, setting.folder)
        for name in ("logs", "summaries", "work"):
            (setting.folder / name).mkdir(parents=True, exist_ok=True)

    def take_up(self, begun: Begun) -> None:
        """Count the jobs of `begun` as run."""
        shutil.copytree(begun.artifacts, self._store.folder)
        self.done.results.update(begun.results)
        self.done.outputs.update(begun.outputs)

    def run(self) -> DirectRun:
        jobs = self._workflow.jobs
        self._make_pristine()
        with ThreadPoolExecutor(max_workers=4 * len(jobs)) as self._pool:
            try:
                # One after another: the faults attribute each write to the job that is at work.
                for key in in_order(jobs):
                    self._job(key)
            finally:
                self._stop()
        shutil.rmtree(self._setting.folder / "work", ignore_errors=True)
        return self.done

    def _stop(self) -> None:
        self._stopped.set()
        for pid in list(self._running):
            _kill(pid)

    def _job(self, key: str) -> None:
        job, done = self._workflow.jobs[key], self.done
        if done.cut or key in done.results:
            return
        if not should_run(job, dict(done.results), done.outputs, self._workflow.jobs):
            done.results[key] = SKIPPED
            return
        if key not in LEFT_OUT:
            self._interference.before(key, done)
        done.results[key] = self._called(job) if job.calls else self._legs(job, key)
        self._interference.after(key)
        if key not in LEFT_OUT and self._interference.enough(key, done):
            done.cut = key

    def _called(self, job: Job) -> str:
        """Run the jobs of the file that a job calls, each after those it needs; return the end."""
        assert job.calls is not None  # noqa: S101 -- for the reader
        inner, results = job.calls.jobs, dict[str, str]()
        for key in in_order(inner):
            path = f"{job.key}/{key}"
            written = {one: self.done.outputs.get(f"{job.key}/{one}", {}) for one in results}
            runs = should_run(inner[key], results, written, inner, job.given)
            results[key] = self._legs(job, path) if runs else SKIPPED
            self.done.results[path] = results[key]
        return result(list(results.values()))

    def _legs(self, job: Job, path: str) -> str:
        """Run every leg of a job, or of one job of the file that it calls; return the end."""
        if job.key in LEFT_OUT:
            return SUCCESS
        matrix = job.legs(self.done.outputs, self._workflow.jobs)
        legs = [
            self._asking(self._files.leg(job, path, values, self._context(job, path)), path)
            for values in matrix
        ]
        ran = [one.result() for one in [self._pool.submit(self._leg, leg) for leg in legs]]
        inner = job.calls.jobs[path.partition("/")[2]] if job.calls else job
        self.done.outputs[path] = self._outputs(inner, ran[0].leg)
        return SUCCESS if all(one.ok for one in ran) else FAILURE

    def _token(self, path: str) -> str:
        """Make the token of one job, which ends with it."""
        if not self._setting.tokens:
            return self._setting.secrets["GITHUB_TOKEN"]
        identity = {path: self._identities[path]}
        token = Token(BOT, self._permissions[path], path, identities=identity)
        return self._setting.tokens.issue(token)

    def _asking(self, leg: Leg, path: str) -> Leg:
        """Allow a leg to request identity tokens, if its job may."""
        if not identities.may_ask(self._permissions[path]):
            return leg
        given = asking(self._setting.context["GITHUB_SERVER_URL"], leg.token)
        return dataclasses.replace(leg, environment={**leg.environment, **given})

    def _revoke(self, token: str) -> None:
        if self._setting.tokens:
            self._setting.tokens.revoke(token)

    def _context(self, job: Job, path: str) -> dict[str, Any]:
        setting, secrets, done = self._setting, self._setting.secrets, self.done
        token = self._token(path)
        own = {"environment": self._workflow.at(path)[1].environment}
        hidden, unknown = elsewhere(own, setting.environments)
        given = {"GITHUB_TOKEN": token}
        return {
            "needs": {
                need: {"result": done.results[need], "outputs": done.outputs.get(need, {})}
                for need in job.needs
            },
            "github": {"token": token, "ref": self._event.ref},
            "secrets": {k: text for k, text in {**secrets, **given}.items() if k not in hidden},
            "vars": {k: text for k, text in setting.variables.items() if k not in unknown},
            "inputs": self._event.payload.get("inputs", {}),
        }

    def _leg(self, leg: Leg) -> LegRun:
        with self._places:
            began = time.time()
            try:
                code, killed = self._perform(leg)
            except (git_repo.SeedError, StandInError, subprocess.CalledProcessError) as error:
                code, killed = 1, ""
                self._log(leg).write_text(f"{error}\n", encoding="utf-8")
            finally:
                self._revoke(leg.token)
            ended = LegRun(leg, began, time.time(), code, killed)
        self.done.legs.append(ended)
        return ended

    def _perform(self, leg: Leg) -> tuple[int, str]:
        clone = self._setting.folder / "work" / leg.artifact
        self._checkout(leg, clone)
        self._download(clone / "release" / "in")
        environment = self._environment(leg, clone)
        code, killed = self._process(leg, clone, environment)
        if not killed and self._interference.lose != leg.label:
            root, found = select(clone, ["release/out"], hidden=False)
            if found:
                self._store.add(leg.artifact, root, found, overwrite=True)
        return code, killed

    def _process(self, leg: Leg, clone: Path, environment: dict[str, str]) -> tuple[int, str]:
        doomed = self._interference.kill == leg.label
        moment = self._interference.moment
        with self._log(leg).open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "scripts", *leg.stage],
                cwd=clone, env=environment, stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
            self._running.add(process.pid)
            try:
                killed = self._wait(process, moment if doomed else None)
            finally:
                _kill(process.pid)
                process.wait()
                self._running.discard(process.pid)
        return process.returncode, killed or ("at its end" if doomed else "")

    def _wait(self, process: subprocess.Popen[bytes], moment: Callable[[], bool] | None) -> str:
        deadline = time.monotonic() + LONGEST
        while process.poll() is None:
            if moment and moment():
                _kill(process.pid)
                return "on the way"
            if time.monotonic() > deadline or self._stopped.is_set():
                _kill(process.pid)
                return "" if self._stopped.is_set() else "hanging"
            time.sleep(POLL)
        return ""

    def _checkout(self, leg: Leg, clone: Path) -> None:
        """Return the leg a clone as its checkout makes it. All of depth 1 are fetched once."""
        shutil.copytree(self._pristine, clone, symlinks=True)
        if self._setting.private:
            git_repo.git(clone, "ls-remote", "--quiet", "origin", "HEAD", **self._header(leg.token))
        if leg.whole_history:
            header = self._header(leg.token)
            fetch = ("fetch", "--quiet", "--no-tags")
            git_repo.git(clone, *fetch, "--unshallow", "origin", self._event.sha, **header)
            everything = ("+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*")
            git_repo.git(clone, *fetch, "origin", *everything, **header)

    def _header(self, token: str) -> dict[str, str]:
        return git_repo.credentials(self._setting.context["GITHUB_SERVER_URL"], BOT, token)

    def _make_pristine(self) -> None:
        """Fetch the run's commit once for all its runs; another run may do so at the same time."""
        if self._pristine.exists():
            return
        draft = self._setting.folder / "work" / "pristine"
        self._fetch(draft, "--depth=1")
        _compile(draft / "scripts")
        self._pristine.parent.mkdir(exist_ok=True)
        with suppress(OSError):
            draft.rename(self._pristine)

    def _fetch(self, clone: Path, *options: str) -> None:
        setting, event = self._setting, self._event
        url = f"{setting.context['GITHUB_SERVER_URL']}/{setting.context['GITHUB_REPOSITORY']}"
        local = event.ref.replace("refs/heads/", "refs/remotes/origin/", 1)
        refspec = f"+{event.ref if local == event.ref else event.sha}:{local}"
        git_repo.git(clone, "init", "--quiet", "--initial-branch=main")
        git_repo.git(clone, "remote", "add", "origin", url)
        fetch = ("fetch", "--quiet", "--no-tags", *options, "origin", refspec)
        token = self._reader()
        git_repo.git(clone, *fetch, **self._header(token))
        self._revoke(token)
        git_repo.git(clone, "checkout", "--quiet", "--detach", event.sha)

    def _reader(self) -> str:
        """Make a token for the common fetch of all jobs; each job's own token is used as well."""
        if not self._setting.tokens:
            return self._setting.secrets["GITHUB_TOKEN"]
        return self._setting.tokens.issue(Token(BOT, {"contents": "read"}))

    def _download(self, folder: Path) -> None:
        taken: dict[Path, str] = {}
        for name in self._store.matching("release-*"):
            self._store.extract(name, folder, taken)

    def _environment(self, leg: Leg, clone: Path) -> dict[str, str]:
        setting, event = self._setting, self._event
        kind, _, name = event.ref.removeprefix("refs/").partition("/")
        environment = {
            **setting.environment,
            **setting.context,
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_NAME": event.name,
            "GITHUB_REF": event.ref,
            "GITHUB_REF_NAME": name,
            "GITHUB_REF_TYPE": "tag" if kind == "tags" else "branch",
            "GITHUB_SHA": event.sha,
            "GITHUB_RUN_ID": str(setting.run_id),
            "GITHUB_RUN_ATTEMPT": "1",
            "GITHUB_WORKSPACE": str(clone),
            "GITHUB_OUTPUT": str(self._file("work", f"{leg.artifact}.outputs")),
            "GITHUB_STEP_SUMMARY": str(self._file("summaries", leg.label)),
            "BUILDX_BUILDER": setting.environment["REHEARSAL_BUILDER"],
            **leg.environment,
            **self._more,
        }
        environment |= self._interference.environment(leg, environment)
        if leg.login:
            config = self._log_in(leg, Path(environment["DOCKER_CONFIG"]))
            environment["DOCKER_CONFIG"] = str(config)
        return environment

    def _log_in(self, leg: Leg, common: Path) -> Path:
        """Write what `docker login` would, into a folder of this job alone."""
        assert leg.login is not None  # noqa: S101 -- for the reader
        folder = self._setting.folder / "work" / f"{leg.artifact}.docker"
        shutil.copytree(common, folder, symlinks=True)
        file = folder / "config.json"
        config = json.loads(file.read_text()) if file.exists() else {}
        pair = f"{leg.login['username']}:{leg.login['password']}"
        auth = {"auth": base64.b64encode(pair.encode()).decode()}
        config["auths"] = {leg.login["registry"]: auth}
        file.unlink(missing_ok=True)
        file.touch(mode=0o600)
        file.write_text(json.dumps(config))
        return folder

    def _outputs(self, job: Job, leg: Leg) -> dict[str, str]:
        """Return the job's outputs, from what its stage wrote."""
        path = self._file("work", f"{leg.artifact}.outputs")
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        written = {
            name: value
            for name, _, value in _GIVEN.findall(text)
            if not holds_secret(value, self._setting.secrets.values())
        }
        names = {name: _OUTPUT.search(str(value)) for name, value in job.outputs.items()}
        return {name: written.get(found[1], "") for name, found in names.items() if found}

    def _file(self, folder: str, name: str) -> Path:
        return self._setting.folder / folder / name

    def _log(self, leg: Leg) -> Path:
        return self._file("logs", f"{leg.label}.log")


def _compile(package: Path) -> None:
    """Compile a package once for all jobs: each has a copy of it, whose files are newer."""
    compileall.compile_dir(
        package, quiet=1, workers=1, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
    )


def _kill(pid: int) -> None:
    """End a stage and all it started: they are one group, whose leader it is."""
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
