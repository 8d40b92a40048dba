"""The check of a release's signatures, by the programs that its users have: gh, pypi-attestations.

Both are told exactly who must have signed: the workflow, its branch and, by gh, the commit.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from scripts.core.errors import CheckError, ServiceError, TransientError
from scripts.release import signed
from scripts.release.context import Context
from scripts.standalone.verify import Source, gh, signer
from scripts.tools import index_attestations, processes

REMEDY = "delete the attestation that is wrong, and run the release again"
YANK = "find out who published the file; if it was not this release, yank it from the index"
Json = dict[str, Any]


def of_parts(context: Context) -> int:
    """Check each part's attestation at GitHub; return how many parts there are.

    Raises CheckError with the first part that gh refuses.
    """
    need_gh(context)
    folder, verifiers = context.fresh("signed"), Verifiers(context)
    parts = {**signed.files(context)}
    for number, name in enumerate(signed.images(context.lock)):
        parts[name] = folder / f"{number}.json"
        parts[name].write_bytes(context.ask(partial(context.registry.raw, name)))
    for name, path in parts.items():
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        bundles = context.ask(partial(context.forge.attestations, digest))
        verifiers.gh(f"gh refuses the attestation of {name}", path, bundles)
    return len(parts)


def of_package(context: Context) -> int:
    """Check what the index shows about each file of the package; return how many files it does.

    Raises CheckError with the first file whose attestation is refused.
    """
    need_gh(context)
    folder, verifiers, found = context.fresh("published"), Verifiers(context, YANK), 0
    for dist in context.lock.dists:
        project = context.lock.plan.project
        shown = context.ask(partial(context.index.attestations, project, dist.name))
        if shown:
            path = folder / dist.name
            shutil.copyfile(context.inputs / "dist" / dist.name, path)
            verifiers.index(path, shown)
            found += 1
    return found


def need_gh(context: Context) -> None:
    """Raise ServiceError if gh is missing: that says nothing against a signature."""
    path = context.environment.inherited().get("PATH")
    if not shutil.which("gh", path=path):
        raise ServiceError(
            "the signatures cannot be checked: gh is not installed on this runner",
            "install the GitHub CLI there, and run the release again with the same version",
        )


@dataclass(frozen=True)
class Verifiers:
    """Asks the programs; what they say against a file is an answer, and no failure of a service."""

    context: Context
    remedy: str = REMEDY

    def gh(self, refusal: str, path: Path, bundles: Sequence[Json], kind: str = "") -> None:
        """Have gh check a file's attestations of one type: of this release's workflow and commit.

        Raises CheckError that begins with `refusal`.
        """
        bundle = self.context.scratch / "bundle.jsonl"
        bundle.write_text("".join(f"{json.dumps(one)}\n" for one in bundles), "utf-8")
        command = gh(path, bundle, self._source, self._root_file())
        command[3:3] = [f"--predicate-type={kind}"] if kind else []
        *earlier, last = signed.commits(self.context)
        if not any(self._accepts(command, commit) for commit in earlier):
            self._check(refusal, partial(self._run, command, last))

    def index(self, path: Path, shown: Sequence[Json]) -> None:
        """Have both programs check what an index shows about a file. Raises CheckError."""
        from scripts.surfaces.attestations import KINDS  # noqa: PLC0415 - start-up counts

        expected = (KINDS, signer(self._source), self._environment)
        check = partial(index_attestations.check, path, shown, *expected, root=self._root)
        self._check(f"pypi-attestations refuses {path.name}", check)
        for kind, bundle in index_attestations.bundles(shown):
            self.gh(f"gh refuses {path.name} of the index", path, [bundle], kind)

    def _accepts(self, command: Sequence[str], commit: str) -> bool:
        try:
            self.context.ask(partial(self._run, command, commit))
        except TransientError:
            raise
        except ServiceError:
            return False
        return True

    def _check(self, refusal: str, check: Callable[[], object]) -> None:
        try:
            self.context.ask(check)
        except TransientError:
            raise
        except ServiceError as error:
            raise CheckError(f"{refusal}: {error.cause}", self.remedy) from error

    def _run(self, command: Sequence[str], commit: str) -> str:
        told = [*command[:3], f"--source-digest={commit}", *command[3:]]
        return processes.run(told, environment=self._environment)

    @property
    def _environment(self) -> Mapping[str, str]:
        return self.context.environment.inherited()

    @property
    def _source(self) -> Source:
        build = self.context.environment.build()
        return Source(build["repository"], build["workflow"], build["ref"])

    @cached_property
    def _root(self) -> Json | None:
        """The trusted root of another trust configuration than the public one."""
        trust = self.context.environment.trusted()
        return dict(json.loads(Path(trust).read_text("utf-8"))["trustedRoot"]) if trust else None

    def _root_file(self) -> str:
        """Write that root as gh takes it; empty for the public one."""
        path = self.context.scratch / "root.jsonl"
        if self._root is None:
            return ""
        path.write_text(json.dumps(self._root) + "\n", "utf-8")
        return str(path)
