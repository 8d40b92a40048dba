"""The stand-ins: the same layout, the same refusals as the real actions."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from rehearsal.actions.artifacts import Store, select
from rehearsal.actions.toolkit import StandInError
from rehearsal.runs import act, real_actions
from rehearsal.world import git_repo

ROOT = Path(__file__).parents[2]


class Job:
    """A job's folders and files, as a runner gives them to an action."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.workspace, self.folder = folder / "workspace", folder
        (folder / "temp").mkdir(parents=True)
        self.workspace.mkdir()
        self.environment = {
            "PATH": f"{Path(sys.executable).resolve().parent}:{os.defpath}",
            "HOME": str(folder),
            "PYTHONPATH": str(ROOT),
            "GITHUB_WORKSPACE": str(self.workspace),
            "GITHUB_OUTPUT": str(folder / "output"),
            "GITHUB_ENV": str(folder / "env"),
            "GITHUB_PATH": str(folder / "path"),
            "GITHUB_SERVER_URL": "http://localhost:1",
            "GITHUB_REPOSITORY": "owner/project.git",
            "GITHUB_RUN_ID": "1",
            "RUNNER_TEMP": str(folder / "temp"),
            "REHEARSAL_RUN": str(folder.parent / "run"),
            **environment,
        }

    def use(self, module: str, **inputs: str) -> subprocess.CompletedProcess[str]:
        """Run a stand-in with inputs; a job has a token unless it gives another."""
        inputs = {"token": "t0ken", **inputs}
        given = {f"INPUT_{name.upper()}": value for name, value in inputs.items()}
        return subprocess.run(
            [sys.executable, "-P", "-m", f"rehearsal.actions.{module}"],
            cwd=self.workspace, env={**self.environment, **given},
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    def set(self, name: str) -> dict[str, str]:
        """Return what the action wrote into one of the runner's files."""
        lines = (self.folder / name).read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def files(self, *paths: str) -> None:
        for path in paths:
            (self.workspace / path).parent.mkdir(parents=True, exist_ok=True)
            (self.workspace / path).write_text(path)

    def found(self) -> list[str]:
        every = (path for path in self.workspace.rglob("*") if path.is_file())
        return sorted(path.relative_to(self.workspace).as_posix() for path in every)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path / "one")


@pytest.fixture
def later(tmp_path: Path) -> Job:
    return Job(tmp_path / "two")


# --- artifacts


@pytest.mark.parametrize(
    ("path", "inside"),
    [
        ("release/out", ["results/a.json", "plan.json"]),
        ("release/out/plan.json", ["plan.json"]),
        ("release/out/*.json", ["plan.json"]),
        ("release/out/**/*.json", ["plan.json", "results/a.json"]),
        ("release/out/*.json\nlogs/x.log", ["release/out/plan.json", "logs/x.log"]),
        ("release/out/results\nrelease/out/plan.json", ["results/a.json", "plan.json"]),
        ("release\n!release/out/results/**", ["out/plan.json"]),
    ],
)  # fmt: skip
def test_files_lie_below_the_deepest_common_folder(
    job: Job, later: Job, path: str, inside: list[str]
) -> None:
    job.files("release/out/plan.json", "release/out/results/a.json", "logs/x.log", "other.txt")
    assert job.use("upload_artifact", name="plan", path=path).returncode == 0
    assert later.use("download_artifact", name="plan").returncode == 0
    assert later.found() == sorted(inside)


def test_hidden_files_stay_out_unless_asked_for(job: Job) -> None:
    job.files("out/a", "out/.hidden", "out/.folder/b")
    _, files = select(job.workspace, ["out"], hidden=False)
    assert [file.name for file in files] == ["a"]
    _, files = select(job.workspace, ["out"], hidden=True)
    assert sorted(file.name for file in files) == [".hidden", "a", "b"]


def test_a_name_is_taken_once_in_a_run(job: Job, later: Job) -> None:
    job.files("a", "b")
    assert job.use("upload_artifact", name="x", path="a").returncode == 0
    again = job.use("upload_artifact", name="x", path="b")
    assert again.returncode == 1
    assert "::error::409: an artifact named 'x' already exists" in again.stdout
    assert job.use("upload_artifact", name="x", path="b", overwrite="true").returncode == 0
    assert later.use("download_artifact", name="x").returncode == 0
    assert later.found() == ["b"]


@pytest.mark.parametrize("name", ["a/b", "a:b", "a\\b", "a*"])
def test_a_name_that_github_refuses_is_refused(job: Job, name: str) -> None:
    job.files("a")
    assert job.use("upload_artifact", name=name, path="a").returncode == 1


@pytest.mark.parametrize("name", ["a:b", "a*b", 'a"b', "a<b", "a>b", "a|b", "a?b", "a\rb", "a\nb"])
def test_a_files_name_that_github_refuses_is_refused(job: Job, name: str) -> None:
    job.files(f"out/{name}")
    done = job.use("upload_artifact", name="x", path="out")
    assert done.returncode == 1
    assert "The path for one of the files in artifact is not valid" in done.stdout


@pytest.mark.parametrize(
    "wrong",
    [
        {"compression_level": "10"},
        {"compression_level": "fast"},
        {"retention_days": "-1"},
        {"if_no_files_found": "fail"},
    ],
)
def test_an_upload_validates_its_inputs_before_it_looks_for_files(
    job: Job, wrong: dict[str, str]
) -> None:
    job.files("a")
    done = job.use("upload_artifact", name="x", path="a", **wrong)
    assert done.returncode == 1
    (name,) = wrong
    assert name.replace("_", "-") in done.stdout
    assert not (job.folder.parent / "run" / "artifacts").exists()


def test_a_broken_link_is_passed_over_and_home_is_known(job: Job, later: Job) -> None:
    job.files("out/a")
    (job.workspace / "out" / "broken").symlink_to("nowhere")
    (job.folder / "note").write_text("x")
    assert job.use("upload_artifact", name="x", path="out\n~/note").returncode == 0
    assert later.use("download_artifact", name="x").returncode == 0
    assert later.found() == ["note", "workspace/out/a"]


@pytest.mark.parametrize("pattern", ["!a*", "{a,b}", "+(a)"])
def test_a_pattern_that_only_the_real_one_matches_is_refused(later: Job, pattern: str) -> None:
    done = later.use("download_artifact", pattern=pattern)
    assert done.returncode == 1
    assert "write it with * and ? alone" in done.stdout


def test_the_only_match_of_a_pattern_goes_into_the_path_itself(job: Job, later: Job) -> None:
    job.files("a")
    job.use("upload_artifact", name="result-a", path="a")
    assert later.use("download_artifact", pattern="result-*", path="in").returncode == 0
    assert later.found() == ["in/a"]


def test_no_match_makes_no_folder(later: Job) -> None:
    assert later.use("download_artifact", pattern="result-*", path="in").returncode == 0
    assert not (later.workspace / "in").exists()


@pytest.mark.parametrize(("choice", "code"), [("", 0), ("warn", 0), ("ignore", 0), ("error", 1)])
def test_no_files_found_is_what_the_input_says(job: Job, choice: str, code: int) -> None:
    done = job.use("upload_artifact", name="x", path="nothing", if_no_files_found=choice)
    assert done.returncode == code
    assert ("::warning::" in done.stdout) == (choice in ("", "warn"))


def test_a_pattern_makes_folders_unless_merged(job: Job, later: Job) -> None:
    job.files("api.json", "web.json", "plan.json")
    for name in ("result-api", "result-web", "plan"):
        job.use("upload_artifact", name=name, path=f"{name.removeprefix('result-')}.json")
    assert later.use("download_artifact", pattern="result-*", path="in").returncode == 0
    assert later.found() == ["in/result-api/api.json", "in/result-web/web.json"]
    merged = later.use("download_artifact", path="all", merge_multiple="true")
    assert merged.returncode == 0
    assert later.found()[:3] == ["all/api.json", "all/plan.json", "all/web.json"]
    assert later.set("output")["download-path"] == str(later.workspace / "all")


def test_two_artifacts_with_one_file_and_other_bytes_are_refused(job: Job, later: Job) -> None:
    job.files("a/same.json", "b/same.json")
    for name in ("a", "b"):
        job.use("upload_artifact", name=name, path=name)
    done = later.use("download_artifact", merge_multiple="true")
    assert done.returncode == 1
    assert "both hold 'same.json'" in done.stdout


def test_a_missing_name_fails_and_a_pattern_without_match_does_not(later: Job) -> None:
    assert later.use("download_artifact", name="plan").returncode == 1
    assert later.use("download_artifact", pattern="plan-*").returncode == 0


def test_a_damaged_artifact_is_noticed(tmp_path: Path) -> None:
    store = Store(tmp_path / "artifacts")
    (tmp_path / "a").write_text("a")
    store.add("x", tmp_path, [tmp_path / "a"], overwrite=False)
    with (store.folder / "x" / "files.zip").open("ab") as archive:
        archive.write(b"!")
    with pytest.raises(StandInError, match="digest mismatch"):
        store.extract("x", tmp_path / "out", {})


def test_files_lose_their_mode_as_on_github(job: Job, later: Job) -> None:
    job.files("tool")
    (job.workspace / "tool").chmod(0o755)
    job.use("upload_artifact", name="x", path="tool")
    later.use("download_artifact", name="x")
    assert not (later.workspace / "tool").stat().st_mode & stat.S_IXUSR


# --- checkout


@pytest.fixture
def remote(tmp_path: Path, job: Job) -> tuple[str, str]:
    """A remote with two commits and a tag on the first; return both commits."""
    source = tmp_path / "source"
    commits = []
    git_repo.git(source, "init", "--quiet", "--initial-branch=main")
    for number in ("1", "2"):
        (source / "file").write_text(number)
        git_repo.git(source, "add", "file")
        who = ["-c", "user.name=A", "-c", "user.email=a@example.com"]
        git_repo.git(source, *who, "commit", "--quiet", "--message", number)
        commits.append(git_repo.git(source, "rev-parse", "HEAD"))
    git_repo.git(source, "tag", "v0.0.1", commits[0])
    git_repo.bare(source, tmp_path / "server" / "owner" / "project.git")
    place = f'[url "file://{tmp_path / "server"}/"]\n\tinsteadOf = http://localhost:1/\n'
    (job.folder / ".gitconfig").write_text(place)
    job.environment.update(GITHUB_REF="refs/heads/main", GITHUB_SHA=commits[1])
    return commits[0], commits[1]


def test_a_checkout_is_the_runs_commit_on_its_branch(job: Job, remote: tuple[str, str]) -> None:
    done = job.use("checkout", token="t0ken", fetch_depth="1", persist_credentials="true")
    assert done.returncode == 0, done.stdout
    assert job.set("output") == {"ref": "refs/heads/main", "commit": remote[1]}
    assert git_repo.git(job.workspace, "branch", "--show-current") == "main"
    assert git_repo.git(job.workspace, "rev-list", "--count", "HEAD") == "1"
    assert git_repo.git(job.workspace, "tag") == ""


def test_a_run_sees_its_own_commit_although_the_branch_moved_on(
    job: Job, remote: tuple[str, str]
) -> None:
    job.environment["GITHUB_SHA"] = remote[0]
    assert job.use("checkout", fetch_depth="0").returncode == 0
    assert git_repo.git(job.workspace, "rev-parse", "HEAD") == remote[0]


@pytest.mark.parametrize(("ref", "which"), [("v0.0.1", 0), ("refs/tags/v0.0.1", 0), ("main", 1)])
def test_a_reference_can_be_asked_for(
    job: Job, remote: tuple[str, str], ref: str, which: int
) -> None:
    done = job.use("checkout", ref=ref)
    assert done.returncode == 0, done.stdout
    assert job.set("output") == {"ref": ref, "commit": remote[which]}


def test_a_commit_can_be_asked_for(job: Job, remote: tuple[str, str]) -> None:
    assert job.use("checkout", ref=remote[0]).returncode == 0
    assert (job.workspace / "file").read_text() == "1"


def test_depth_zero_brings_all_history_and_tags(job: Job, remote: tuple[str, str]) -> None:
    assert job.use("checkout", fetch_depth="0").returncode == 0
    assert git_repo.git(job.workspace, "rev-list", "--count", "HEAD") == "2"
    assert git_repo.git(job.workspace, "tag") == "v0.0.1"
    assert git_repo.git(job.workspace, "rev-parse", "origin/main") == remote[1]


def test_an_unknown_reference_is_an_error(job: Job, remote: tuple[str, str]) -> None:
    assert remote
    done = job.use("checkout", ref="nowhere")
    assert done.returncode == 1
    assert "no branch or tag named 'nowhere'" in done.stdout


@pytest.mark.parametrize("kept", [True, False])
def test_the_token_lies_outside_the_checkout_and_only_if_wanted(
    job: Job, remote: tuple[str, str], kept: bool
) -> None:
    assert remote
    assert job.use("checkout", token="t0ken", persist_credentials=str(kept).lower()).returncode == 0
    header = "http.http://localhost:1/.extraheader"
    found = subprocess.run(
        ["git", "config", "--includes", "--get", header],
        cwd=job.workspace, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert found.stdout.startswith("AUTHORIZATION: basic") == kept
    assert bool(list((job.folder / "temp").glob("git-credentials*"))) == kept
    texts = [path.read_text(errors="replace") for path in (job.workspace / ".git").glob("*config*")]
    assert not any("AUTHORIZATION" in text for text in texts)


@pytest.fixture
def tag(job: Job, remote: tuple[str, str]) -> Path:
    """Let the run be for an annotated tag on the first commit; return the remote."""
    bare = job.folder.parent / "server" / "owner" / "project.git"
    who = ["-c", "user.name=A", "-c", "user.email=a@example.com"]
    git_repo.git(bare, *who, "tag", "--annotate", "--message", "one", "v1", remote[0])
    job.environment.update(GITHUB_REF="refs/tags/v1", GITHUB_SHA=remote[0])
    return bare


def test_an_annotated_tag_is_checked_out_with_its_annotation(job: Job, tag: Path) -> None:
    assert tag
    assert job.use("checkout").returncode == 0
    assert git_repo.git(job.workspace, "cat-file", "-t", "refs/tags/v1") == "tag"


def test_a_tag_that_moved_is_refused(job: Job, tag: Path, remote: tuple[str, str]) -> None:
    git_repo.git(tag, "tag", "--force", "v1", remote[1])
    done = job.use("checkout")
    assert done.returncode == 1
    assert "the tag has moved since" in done.stdout


def test_a_tag_that_is_gone_is_refused_and_no_credentials_stay(job: Job, tag: Path) -> None:
    git_repo.git(tag, "tag", "--delete", "v1")
    done = job.use("checkout")
    assert done.returncode == 1
    assert "couldn't find remote ref refs/tags/v1" in done.stdout
    assert not list((job.folder / "temp").glob("git-credentials*"))


def test_a_fetch_is_tried_three_times(job: Job, remote: tuple[str, str]) -> None:
    assert remote
    path = job.folder / "bin" / "git"
    path.parent.mkdir()
    path.write_text(
        '#!/bin/sh\ncase "$*" in *" fetch "*) echo x >> "$HOME/tries"\n'
        'test "$(wc -l < "$HOME/tries")" -ge 3 || exit 1;; esac\nexec /usr/bin/git "$@"\n'
    )
    path.chmod(0o755)
    job.environment["PATH"] = f"{path.parent}:{job.environment['PATH']}"
    assert job.use("checkout").returncode == 0
    assert len((job.folder / "tries").read_text().split()) == 3


def test_an_empty_token_is_refused(job: Job, remote: tuple[str, str]) -> None:
    assert remote
    done = job.use("checkout", token="")
    assert done.returncode == 1
    assert "Input required and not supplied: token" in done.stdout


# --- setup, login, attest


@pytest.fixture
def builder(tmp_path: Path) -> Job:
    """A job whose `docker buildx` answers as the world's does."""
    job = Job(tmp_path / "one", REHEARSAL_BUILDER="b1")
    fake = tmp_path / "bin" / "docker"
    fake.parent.mkdir()
    fake.write_text(
        '#!/bin/sh\necho "$@ github.com/docker/buildx v0.36.0"\necho "Driver: remote"\n'
    )
    fake.chmod(0o755)
    job.environment["PATH"] = f"{fake.parent}:{job.environment['PATH']}"
    return job


@pytest.mark.parametrize(
    "inputs",
    [
        {},
        {"driver": "docker-container", "use": "true", "version": "v0.36.0"},
        {"driver_opts": f"image=moby/buildkit:v1@sha256:{'0' * 64}"},
    ],
)
def test_the_worlds_builder_is_what_is_asked_for(builder: Job, inputs: dict[str, str]) -> None:
    done = builder.use("setup_buildx", **inputs)
    assert done.returncode == 0, done.stdout
    assert builder.set("env") == {"BUILDX_BUILDER": "b1"}


@pytest.mark.parametrize(
    "inputs",
    [
        {"driver": "docker"},
        {"driver_opts": "network=host"},
        {"driver_opts": "image=moby/buildkit:latest"},
        {"version": "v0.1.0"},
        {"platforms": "linux/arm64"},
        {"buildkitd_flags": "--debug"},
        {"buildkitd_config_inline": "x"},
        {"name": "mine"},
        {"use": "false"},
    ],
)
def test_a_builder_that_the_world_does_not_have_is_refused(
    builder: Job, inputs: dict[str, str]
) -> None:
    assert builder.use("setup_buildx", **inputs).returncode == 1
    assert not (builder.folder / "env").exists()


@pytest.mark.parametrize("pair", [("", "pw"), ("me", "")])
def test_a_login_needs_user_and_password(job: Job, pair: tuple[str, str]) -> None:
    done = job.use("docker_login", registry="localhost:5", username=pair[0], password=pair[1])
    assert done.returncode == 1
    assert "Username and password required" in done.stdout


def test_python_is_put_on_the_path_of_this_job(tmp_path: Path) -> None:
    job = Job(tmp_path / "one", REHEARSAL_PYTHON=sys.executable)
    assert job.use("setup_python", python_version="3.99").returncode == 0
    folders = [Path(line) for line in (job.folder / "path").read_text().splitlines()]
    assert [sorted(path.name for path in one.iterdir()) for one in folders] == [
        ["python", "python3"],
    ]


def test_a_login_is_for_this_job_alone(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "config.json").write_text(json.dumps({"auths": {}}))
    job = Job(tmp_path / "one", DOCKER_CONFIG=str(shared))
    fake = tmp_path / "bin" / "docker"
    fake.parent.mkdir()
    fake.write_text('#!/bin/sh\nread password\necho "$@ $password" > "$DOCKER_CONFIG/login"\n')
    fake.chmod(0o755)
    job.environment["PATH"] = f"{fake.parent}:{job.environment['PATH']}"
    done = job.use("docker_login", registry="localhost:5", username="me", password="pw")
    assert done.returncode == 0, done.stdout
    own = Path(job.set("env")["DOCKER_CONFIG"])
    assert own.is_relative_to(job.folder / "temp")
    text = (own / "login").read_text()
    assert text.split() == ["login", "--username", "me", "--password-stdin", "localhost:5", "pw"]
    assert not (shared / "login").exists()


@pytest.mark.parametrize("registry", ["", "docker.io", "registry-1.docker.io"])
def test_a_rehearsal_never_logs_in_at_the_public_registry(job: Job, registry: str) -> None:
    done = job.use("docker_login", registry=registry, username="me", password="pw")
    assert done.returncode == 1
    assert "never logs in" in done.stdout


def test_a_rehearsal_leaves_out_the_login_at_another_registry(job: Job) -> None:
    """Its images go to the world's registry, so this login has no use and no network."""
    done = job.use("docker_login", registry="ghcr.io", username="me", password="pw")
    assert done.returncode == 0
    assert "ghcr.io: a rehearsal does not log in there" in done.stdout
    assert not (job.folder / "env").exists() or "DOCKER_CONFIG" not in job.set("env")


def test_a_cache_is_empty(job: Job) -> None:
    assert job.use("cache", path="~/.cache/uv", key="a-1").returncode == 0
    assert job.set("output")["cache-hit"] == ""
    assert job.use("cache", path="~/.cache/uv").returncode == 1
    missed = job.use("cache", path="x", key="a-1", fail_on_cache_miss="true")
    assert "there is no cache for a-1" in missed.stdout
    assert missed.returncode == 1


def test_an_attestation_of_nothing_is_refused(job: Job) -> None:
    done = job.use("attest", subject_path="dist/*")
    assert done.returncode == 1
    assert done.stdout == "::error::found 0 subjects, expected 1 to 1024\n"


REAL = {
    "actions/checkout": """repository ref token ssh-key ssh-known-hosts ssh-strict ssh-user
        persist-credentials path clean filter sparse-checkout sparse-checkout-cone-mode fetch-depth
        fetch-tags show-progress lfs submodules set-safe-directory github-server-url""",
    "actions/upload-artifact": """name path if-no-files-found retention-days compression-level
        overwrite include-hidden-files archive""",
    "actions/download-artifact": """name artifact-ids path pattern merge-multiple github-token
        repository run-id skip-decompress digest-mismatch""",
    "actions/setup-python": """python-version python-version-file cache architecture check-latest
        token cache-dependency-path update-environment allow-prereleases freethreaded""",
    "actions/attest": """subject-path subject-digest subject-name subject-checksums sbom-path
        predicate-type predicate predicate-path push-to-registry create-storage-record
        show-summary github-token""",
    "docker/setup-buildx-action": """version driver driver-opts buildkitd-flags buildkitd-config
        buildkitd-config-inline use name endpoint platforms append cache-binary cleanup
        keep-state""",
    "actions/cache": """path key restore-keys upload-chunk-size enableCrossOsArchive
        fail-on-cache-miss lookup-only save-always""",
    "docker/login-action": "registry username password scope ecr logout registry-auth",
    "astral-sh/setup-uv": """version version-file python-version activate-environment venv-path
        working-directory checksum github-token enable-cache cache-dependency-glob restore-cache
        save-cache cache-suffix prune-cache""",
}
"""The inputs of each real action at its pin, as far as they are known."""


@pytest.mark.parametrize("path", sorted(act.ACTIONS.glob("*/*/action.yml")), ids=str)
def test_a_stand_in_has_no_input_that_the_real_one_has_not(path: Path) -> None:
    inputs = yaml.safe_load(path.read_text())["inputs"]
    assert set(inputs) <= set(REAL[path.parent.relative_to(act.ACTIONS).as_posix()].split())


def test_an_input_that_the_action_has_not_is_named_before_anything_runs(tmp_path: Path) -> None:
    file = tmp_path / ".github" / "workflows" / "a.yml"
    file.parent.mkdir(parents=True)
    file.write_text("jobs: {a: {steps: [{uses: actions/checkout@1, with: {ref: x, deep: 1}}]}}")
    with pytest.raises(real_actions.MissingStandInError, match=r"a\.yml: Unexpected input.*'deep'"):
        act.local_actions(tmp_path)


def own_code(folder: Path, name: str) -> str:
    """Make an action's repository; return its commit."""
    (folder / name).mkdir(parents=True)
    steps = "{using: composite, steps: [{shell: bash, run: echo its own code}]}"
    (folder / name / "action.yml").write_text(f"name: real\ndescription: real\nruns: {steps}\n")
    git_repo.git(folder / name, "init", "--quiet")
    git_repo.git(folder / name, "add", "--all")
    who = ["-c", "user.name=A", "-c", "user.email=a@example.com"]
    git_repo.git(folder / name, *who, "commit", "--quiet", "--message", "all")
    return git_repo.git(folder / name, "rev-parse", "HEAD")


def using(folder: Path, *uses: str) -> Path:
    """Make a checkout with a workflow that uses actions."""
    file = folder / ".github" / "workflows" / "a.yml"
    file.parent.mkdir(parents=True)
    steps = ", ".join(f"{{uses: {one}}}" for one in uses)
    file.write_text(f"jobs: {{a: {{steps: [{steps}]}}}}")
    return folder


def finding(real: Path) -> Callable[[str], Path | None]:
    """Return what finds own code for a run beside it."""
    return lambda uses: real_actions.folder(uses, real, real.parent / "run", {"A": "1"})


def test_an_actions_own_code_is_run_where_it_is_given(tmp_path: Path) -> None:
    pin = own_code(tmp_path / "real", "actions/checkout")
    uses, other = f"actions/checkout@{pin}", "actions/upload-artifact@1"
    found = act.local_actions(using(tmp_path / "a", uses, other), real=finding(tmp_path / "real"))
    assert found[uses] == str(tmp_path / "real" / "actions" / "checkout")
    assert found[other] == str(act.ACTIONS / "actions" / "upload-artifact")


@pytest.mark.parametrize(
    ("name", "spoil", "said"),
    [
        ("actions/checkout", "commit", "is at .*, and the workflows use 1: check that commit out"),
        ("actions/checkout", "change", "has changes: undo them"),
        ("actions/cache", "", "needs a service of GitHub's runner"),
        ("docker/login-action", "", "Docker configuration that all jobs of a world share"),
    ],
)
def test_own_code_that_a_world_cannot_run_is_refused(
    tmp_path: Path, name: str, spoil: str, said: str
) -> None:
    real = tmp_path / "real"
    pin = own_code(real, name)
    if spoil == "change":
        (real / name / "action.yml").write_text("name: another\n")
    uses = f"{name}@{'1' if spoil == 'commit' else pin}"
    with pytest.raises(real_actions.MissingStandInError, match=said):
        act.local_actions(using(tmp_path / "a", uses), real=finding(real))


@pytest.mark.parametrize("path", sorted(act.ACTIONS.glob("*/*/action.yml")), ids=str)
def test_every_stand_in_says_what_it_is_and_passes_all_its_inputs(path: Path) -> None:
    text = yaml.safe_load(path.read_text())
    assert "Stand-in for" in text["description"]
    (step,) = text["runs"]["steps"]
    assert {
        f"INPUT_{name.upper().replace('-', '_')}": f"${{{{ inputs.{name} }}}}"
        for name in text["inputs"]
    } == step["env"]
    assert [child.name for child in path.parent.iterdir()] == ["action.yml"]
