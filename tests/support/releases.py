"""Releases really made, by the stages themselves, on services that can be looked at and spoilt."""

import importlib
import json
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from rehearsal.github.oidc import repository_claims
from rehearsal.github.settings import GitHubSettings
from rehearsal.signing.trust import Trust
from scripts.__main__ import keep
from scripts.core import codec, lockfile, sbom
from scripts.core.results import Result
from scripts.core.sbom import Component, Package
from scripts.release import signed
from scripts.release.context import Context
from tests.conftest import REPOSITORY, Bench
from tests.support.project import PYPROJECT, Project, git
from tests.support.registry import TOKEN, USER, SmallRegistry

IMAGE = "mari/api"
PLATFORMS = ("linux/amd64", "linux/arm64")
CONFIGURED = (
    PYPROJECT.replace("[tool.release]", '[tool.release]\ncompose = "compose.yaml"')
    + """
[[tool.release.images]]
name = "api"
dockerfile = "Dockerfile.api"
repository = "mari/api"
platforms = ["linux/amd64", "linux/arm64"]
port = 5001
version = "/version"
"""
)
COMPOSE = "services:\n  api:\n    image: mari/api\n    ports: ['5001:5001']\n"
BASE = {"base": "docker.io/library/python:3.13-slim", "base_digest": f"sha256:{'b' * 64}"}
INSTALLED = (
    Component(Package("deb", "libssl3t64", "3.5.1-1", "openssl", "amd64"), "sha256:b", sbom.BASE),
    Component(Package("deb", "zlib1g", "1:1.3.1-1", "zlib", "amd64"), "sha256:b", sbom.BASE),
    Component(Package("pypi", "jinja2", "3.1.2"), "sha256:c", sbom.OURS),
)
WORKFLOW = f"{REPOSITORY}/.github/workflows/release.yml@refs/heads/main"
RELEASED = ("0.2.4", "0.2.5", "0.3.0")


def claims(commit: str) -> dict[str, str]:
    """Give what a job of the release proves about itself."""
    return {
        "ref": "refs/heads/main",
        "sha": commit,
        "event_name": "workflow_dispatch",
        "actor": "mari",
        "job_workflow_ref": WORKFLOW,
        "job_workflow_sha": commit,
        "workflow_ref": WORKFLOW,
        "workflow_sha": commit,
        "run_id": "1001",
        "run_attempt": "1",
        "runner_environment": "github-hosted",
    }


@dataclass
class Releases(Bench):
    """A project with a package and an image, of which some versions are out."""

    registry: SmallRegistry | None = None
    installed: tuple[Component, ...] = INSTALLED
    """What the SBOMs of the images say."""
    base: dict[str, str] = field(default_factory=lambda: BASE)
    """What the images are built from."""

    @property
    def images(self) -> SmallRegistry:
        assert self.registry
        return self.registry

    def environment(self, **more: str) -> dict[str, str]:
        images = self.images
        return super().environment(
            **{
                "GITHUB_REF": "refs/heads/main",
                "RELEASE_TRUST": str(self.folder / "trust.json"),
                "IMAGE_REGISTRY": images.host,
                "DOCKER_CONFIG": str(images.docker_config),
                "REGISTRY_USERNAME": USER,
                "REGISTRY_TOKEN": TOKEN,
                **more,
            }
        )

    def begin(self) -> None:
        """Bring the clone to the branch's head, and empty the folders between the jobs."""
        self.project.git("fetch", "-q", "origin")
        self.project.git("reset", "-q", "--hard", "origin/main")
        shutil.rmtree(self.project.clone / "release", ignore_errors=True)

    def step(self, verb: str, leg: str = "", **arguments: str) -> Context:
        """Run one job, and hand its output to those that follow, also when it fails."""
        environment = {key: arguments.pop(key) for key in list(arguments) if key.isupper()}
        context = self.context(**environment)
        stage = importlib.import_module(f"scripts.stages.{verb.replace('-', '_')}")
        began = time.time()
        try:
            keep(context, verb, leg, began, stage.run(context, **arguments))
        except Exception as error:
            keep(context, verb, leg, began, error)
            raise
        finally:
            self.hand_over(context)
        return context

    def release(
        self, version: str, *, until: str = "promote", entry: str = "- More.", sign: bool = True
    ) -> None:
        """Make a release by its stages; layers and signatures are written by hand."""
        self.begin()
        log = (self.project.clone / "CHANGELOG.md").read_text()
        if "## [Unreleased]\n\n### Added" not in log:
            log = log.replace("## [Unreleased]\n", f"## [Unreleased]\n\n### Added\n\n{entry}\n", 1)
        self.project.commit({"CHANGELOG.md": log, "more.txt": version})
        for verb in ("plan", "prepare", "dists", "image", "stage"):
            if verb == "image":
                self.build()
            else:
                self.step(verb, RELEASE_VERSION=version)
        if sign:
            self.sign()
        for verb in ("publish-tags", "publish-package", "promote"):
            if until == "stage":
                break
            self.step(verb, RELEASE_VERSION=version)
            if until == verb:
                break

    def build(self) -> None:
        """Do what the jobs of the images do, without a builder."""
        context = self.context()
        labels = {
            "org.opencontainers.image.version": context.plan.version,
            "org.opencontainers.image.revision": context.commit,
        }
        for platform in PLATFORMS:
            arch = platform.partition("/")[2]
            digest = self.images.push(IMAGE, labels, arch)
            facts = {"image": "api", "platform": platform, "digest": digest, **self.base}
            result = Result("image", f"api-{arch}", 0.0, 1.0, (), facts, None)
            path = context.inputs / "results" / f"{result.name}.json"
            path.write_text(codec.encode(result))
            self.write_sbom(context, platform, digest)

    def sign(self, now: datetime | None = None, **said: str) -> None:
        """Do what the job `attest` does, without the services that it asks.

        `said` is what another job would prove about itself.
        """
        context = self.context()
        self.attest(signed.subjects(context), context.lock.plan.base, now, **said)

    def attest(
        self, parts: dict[str, str], commit: str, now: datetime | None = None, **said: str
    ) -> None:
        """Sign these parts, name to SHA-256, in one statement: as a run of this commit."""
        folder = self.github.folder
        subjects = [{"name": name, "digest": {"sha256": one}} for name, one in parts.items()]
        statement = {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": subjects,
            "predicateType": "https://slsa.dev/provenance/v1",
            "predicate": {"buildDefinition": {}, "runDetails": {}},
        }
        settings = GitHubSettings(folder, self.project.bare, "mari", "sample_thing", "")
        own = {**claims(commit), **said}
        whole = {**repository_claims(settings, own), **said}
        bundle = Trust(folder / "signing").sign(whole, statement, now)
        place = folder / "attestations"
        place.mkdir(exist_ok=True)
        content = {"subjects": list(parts.values()), "bundle": bundle}
        number = 1 + len(list(place.iterdir()))
        (place / f"{number}.json").write_text(json.dumps(content))

    def write_sbom(self, context: Context, platform: str, digest: str) -> None:
        """Write what the image of a platform holds: two packages of its base and one of ours."""
        name = sbom.asset_name("api", platform)
        title = name.removesuffix(sbom.SUFFIX)
        found = sbom.Inventory(title, context.plan.version, digest, self.installed, "debian-13")
        path = context.inputs / "sboms" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(sbom.write(found, context.plan.source_date_epoch))

    def tag(self, name: str) -> str | None:
        """Where an image tag leads."""
        return self.images.digest(IMAGE, name)

    def digest(self, version: str) -> str:
        """What the lock of a release says."""
        release = self.context().forge.release(f"v{version}")
        assert release
        text = self.context().forge.asset(release, lockfile.NAME)
        return lockfile.read(text or b"").image("api").digest

    def state(self) -> object:
        """All that a stage could have changed."""
        return (self.project.refs(), self.github.writes(), self.images.writes())

    def main(self, path: str) -> str:
        """A file of the branch as it stands on the remote."""
        return git("show", f"main:{path}", cwd=self.project.bare)


@dataclass(frozen=True)
class Kept:
    """Everything that is there after the releases, to begin each test with."""

    folder: Path
    index: dict[str, bytes]

    @classmethod
    def made(cls, template: Path, folder: Path, images: SmallRegistry) -> "Kept":
        """Make the releases once."""
        with opened(template, folder / "making", images) as bench:
            files = {"pyproject.toml": CONFIGURED, "compose.yaml": COMPOSE, "Dockerfile.api": ""}
            bench.project.commit(files)
            for version in RELEASED:
                bench.release(version)
            shutil.rmtree(bench.project.clone / "release")
            index = dict(bench.index.files)
        images.save(folder / "images")
        return cls(folder, index)

    @contextmanager
    def copied(self, folder: Path, images: SmallRegistry) -> Iterator[Releases]:
        """Bring all of it up again in another folder."""
        images.restore(self.folder / "images")
        with opened(self.folder / "making", folder, images) as bench:
            bench.index.files.update(self.index)
            yield bench


@contextmanager
def opened(source: Path, folder: Path, images: SmallRegistry) -> Iterator[Releases]:
    """Open a bench on a copy of a folder."""
    shutil.copytree(source, folder, dirs_exist_ok=True)
    (folder / "home").mkdir(exist_ok=True)
    project = Project(folder)
    project.git("remote", "set-url", "origin", str(project.bare))
    with ExitStack() as stack:
        bench = Releases(folder, project, stack, registry=images)
        yield bench
        for context in bench.contexts:
            if "forge" in context.__dict__:
                context.forge._github.close()
