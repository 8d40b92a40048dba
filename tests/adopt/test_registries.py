"""A registry for each image: the table names it, the workflows log in there."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.adopt import registries, templates
from scripts.adopt.templates import FOLDER, NAMES
from scripts.tools.environment import Environment, host_of
from tests.adopt.test_init import SERVER, Clone
from tests.adopt.test_templates import SYSTEM

OWN = {"registry": "ghcr.io", "username": "${{ github.actor }}", "password": "${{ github.token }}"}
QUAY = {
    "registry": "quay.io",
    "username": "${{ vars.REGISTRY_USERNAME_QUAY_IO }}",
    "password": "${{ secrets.REGISTRY_TOKEN_QUAY_IO }}",
}
PUSHING = {
    "release.yml": {"stage", "publish-tags", "promote"},
    "image.yml": {"build"},
    "rollback.yml": {"plan", "rollback"},
}
GHCR = """
[[tool.release.images]]
name = "server"
dockerfile = "Dockerfile"
repository = "ghcr.io/mari/server"
platforms = ["linux/amd64"]
"""


def made(name: str, *hosts: str) -> Any:
    text = templates.of_tree()[name]
    return yaml.safe_load(templates.generate(SYSTEM, name, text, "v*", "image.yml", hosts=hosts))


def logins(job: dict[str, Any]) -> list[dict[str, str]]:
    steps = job.get("steps", [])
    return [one["with"] for one in steps if "docker/login-action" in one.get("uses", "")]


@pytest.mark.parametrize("name", PUSHING)
def test_every_job_that_logs_in_does_so_at_each_registry(name: str) -> None:
    jobs = made(name, "ghcr.io", "quay.io")["jobs"]
    assert {one for one, job in jobs.items() if logins(job)} == PUSHING[name]
    for one in PUSHING[name]:
        assert logins(jobs[one])[1:] == [OWN, QUAY]


def test_only_ghcr_needs_the_permission_and_only_where_it_is_pushed() -> None:
    jobs = made("release.yml", "ghcr.io")["jobs"]
    allowed = {name for name, job in jobs.items() if "packages" in (job["permissions"] or {})}
    assert allowed == {"images", *PUSHING["release.yml"]}
    assert made("image.yml", "ghcr.io")["jobs"]["build"]["permissions"]["packages"] == "write"
    back = made("rollback.yml", "ghcr.io")["jobs"]
    assert [back[one]["permissions"].get("packages") for one in ("plan", "rollback", "verify")] == [
        *("read", "write", None)
    ]
    for name in NAMES:
        assert "packages:" not in yaml.dump(made(name, "quay.io"))


def test_a_called_workflow_gets_the_secret_of_each_other_registry() -> None:
    called = made("image.yml", "ghcr.io", "registry.example.org:5000")[True]["workflow_call"]
    names = {"REGISTRY_TOKEN", "REGISTRY_TOKEN_REGISTRY_EXAMPLE_ORG_5000"}
    assert called["secrets"].keys() == names
    handed = made("release.yml", "registry.example.org:5000")["jobs"]["images"]["secrets"]
    assert handed == {one: f"${{{{ secrets.{one} }}}}" for one in names}


def test_check_finds_a_job_without_a_login_and_upgrade_adds_it(tmp_path: Path) -> None:
    files = {**SERVER, "pyproject.toml": '[tool.release]\nchecks = ["make", "test"]\n' + GHCR}
    here = Clone(tmp_path / "a", files, "main", "v0.9.0")
    text = here.text("pyproject.toml")
    here.commit({"pyproject.toml": text.replace("ghcr.io/", "")})
    here.init()
    here.commit()
    assert here.release("check").returncode == 0
    here.commit({"pyproject.toml": text})
    done = here.release("check")
    assert done.returncode == 2
    assert f"{FOLDER}/release.yml: the job promote lacks a login at ghcr.io" in done.stderr
    assert f"{FOLDER}/image.yml: the job build lacks a login at ghcr.io" in done.stderr
    system = f"somebody/system@{'5' * 40}"
    assert here.release("upgrade", "--system", system).returncode == 0
    assert here.release("check").returncode == 0


def test_check_finds_a_missing_permission() -> None:
    flow = made("release.yml", "ghcr.io")
    assert not list(registries.lacking(flow, ["ghcr.io"]))
    del flow["jobs"]["stage"]["permissions"]["packages"]
    assert list(registries.lacking(flow, ["ghcr.io"])) == [("stage", "the permission packages")]


@pytest.mark.parametrize(
    ("variable", "image", "hosted"),
    [
        ("", "mari/api", "docker.io/mari/api"),
        ("", "ghcr.io/mari/api", "ghcr.io/mari/api"),
        ("quay.io", "mari/api", "quay.io/mari/api"),
        ("quay.io", "r.example.org:5000/api", "r.example.org:5000/api"),
        # A rehearsal has one registry, on this machine, and must not push to another one.
        ("localhost:5000", "ghcr.io/mari/api", "localhost:5000/mari/api"),
        ("localhost:5000", "mari/api", "localhost:5000/mari/api"),
    ],
)
def test_an_image_goes_to_its_own_registry(variable: str, image: str, hosted: str) -> None:
    assert (
        Environment({"IMAGE_REGISTRY": variable}).endpoints("https://github.com/a/b").hosted(image)
        == hosted
    )


def test_a_host_has_a_dot_or_a_port() -> None:
    names = ("a/b", "a.b/c", "a:1/b", "localhost/a", "a")
    assert [host_of(one) for one in names] == ["", "a.b", "a:1", "localhost", ""]
