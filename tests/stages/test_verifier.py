"""The program that a release carries: a stranger runs it in an empty folder."""

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from github.GitRelease import GitRelease

from scripts.core import lockfile
from scripts.release.assets import VERIFIER
from scripts.standalone import verify
from scripts.surfaces.registry_access import DOCKER_HUB
from tests.conftest import WRITER
from tests.support.releases import IMAGE, Releases

pytestmark = pytest.mark.service
WHEEL, SDIST = "sample_thing-0.3.0-py3-none-any.whl", "sample_thing-0.3.0.tar.gz"
CLEAN_RUNS = 20


def release_of(bench: Releases) -> GitRelease:
    release = bench.context(GITHUB_TOKEN=WRITER).forge.release("v0.3.0")
    assert release
    return release


def stranger(bench: Releases, *words: str, folder: str = "stranger") -> tuple[int, str]:
    """Download the program from the release, and run it without anything of this project."""
    empty = bench.folder / folder
    empty.mkdir(exist_ok=True)
    program = empty / VERIFIER
    if not program.exists():
        program.write_bytes(bench.context().forge.asset(release_of(bench), VERIFIER) or b"")
    page = f"{bench.github.url}/mari/sample_thing"
    index = f"--index={bench.index_served.url}/simple/"
    done = subprocess.run(
        [sys.executable, "-I", str(program), *(words or (page, "v0.3.0", index))],
        cwd=empty, env={}, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert not done.stderr.startswith("Traceback"), done.stderr
    return done.returncode, done.stdout + done.stderr


def last(text: str) -> str:
    return text.strip().splitlines()[-1]


def test_a_release_passes_each_time(released: Releases) -> None:
    before = released.state()
    texts = {stranger(released) for _ in range(CLEAN_RUNS)}
    (answer,) = {(code, last(text)) for code, text in texts}
    assert answer == (0, "pass: 14 ok, 1 not checked")
    text = texts.pop()[1]
    for surface in (
        *("release v0.3.0", "lock release.json", "tag v0.3.0", f"wheel {WHEEL}"),
        *(f"sdist {SDIST}", "index api", "platform api linux/amd64", "platform api linux/arm64"),
        *("asset compose.yaml", f"asset {VERIFIER}", "asset SHA256SUMS", f"asset {WHEEL}"),
    ):
        assert f"ok          {surface}: " in text, text
    assert "not checked attestations: 12 are there, and need the program gh" in text
    assert released.state() == before


def replace(bench: Releases, name: str, edit: Callable[[bytes], bytes]) -> None:
    """Exchange an asset, as somebody who may write there can."""
    release = release_of(bench)
    old = next(one for one in release.get_assets() if one.name == name)
    content = edit(bench.context().forge.asset(release, name) or b"")
    old.delete_asset()
    path = bench.folder / name
    path.write_bytes(content)
    release.upload_asset(str(path), name=name)


def flipped(content: bytes) -> bytes:
    return content[:-1] + bytes([content[-1] ^ 1])


def of_index(name: str) -> Callable[[Releases], None]:
    return lambda bench: bench.index.files.update({name: flipped(bench.index.files[name])})


def move_tag(bench: Releases) -> None:
    bench.project.git("push", "-qf", "origin", "origin/main~:refs/tags/v0.3.0")


def other_message(bench: Releases) -> None:
    """Tag the same commit again, with the digest of another lock."""
    git = bench.project.git
    git("fetch", "-q", "--tags", "origin")
    message = f"v0.3.0\n\n{lockfile.mark('0' * 64)}"
    git("-c", "user.name=A", "-c", "user.email=a@b.c", "tag", "-af", "-m", message, "v0.3.0",
        "v0.3.0^{}")  # fmt: skip
    git("push", "-qf", "origin", "v0.3.0")


def move_index(bench: Releases) -> None:
    bench.images.point(IMAGE, "v0.3.0", bench.digest("0.2.5"))


def remove_platform(bench: Releases) -> None:
    release = release_of(bench)
    text = bench.context().forge.asset(release, lockfile.NAME) or b""
    bench.images.remove(IMAGE, lockfile.read(text).image("api").platforms["linux/arm64"])


def add_asset(bench: Releases) -> None:
    path = bench.folder / "virus.exe"
    path.write_bytes(b"x")
    release_of(bench).upload_asset(str(path), name=path.name)


def remove_signature(bench: Releases) -> None:
    """Let GitHub have no attestation of one platform's image."""
    text = bench.context().forge.asset(release_of(bench), lockfile.NAME) or b""
    digest = lockfile.read(text).image("api").platforms["linux/arm64"].removeprefix("sha256:")
    for path in (bench.folder / "github-0" / "attestations").glob("*.json"):
        kept = json.loads(path.read_text())
        kept["subjects"] = [one for one in kept["subjects"] if one != digest]
        path.write_text(json.dumps(kept))


def exchange_compose(bench: Releases) -> None:
    """Exchange the file and its hash too: only the locked digests show it."""
    exchange(bench, "compose.yaml", lambda old: old.replace(b"@sha256:", b"@sha256:0"))


def exchange_sbom(bench: Releases) -> None:
    """Hide a package in one of the documents, and exchange the archive's hash too."""

    def edit(old: bytes) -> bytes:
        packed = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(old)) as source, zipfile.ZipFile(packed, "w") as target:
            for name in source.namelist():
                target.writestr(name, source.read(name).replace(b"jinja2", b"ginger"))
        return packed.getvalue()

    exchange(bench, "sboms.zip", edit)


def exchange(bench: Releases, name: str, edit: Callable[[bytes], bytes]) -> None:
    """Exchange an asset, and its line in the list of hashes."""
    replace(bench, name, edit)
    content = bench.context().forge.asset(release_of(bench), name) or b""
    line = f"{lockfile.locked_dist(name, content).sha256}  {name}"

    def listed(old: bytes) -> bytes:
        lines = [one for one in old.decode().splitlines() if not one.endswith(name)]
        return "\n".join([*lines, line, ""]).encode()

    replace(bench, "SHA256SUMS", listed)


def relock(old: bytes) -> bytes:
    lock = json.loads(old)
    lock["dists"][0]["sha256"] = "0" * 64
    return json.dumps(lock).encode()


TAMPERED: dict[str, tuple[Callable[[Releases], object], str]] = {
    "sbom and sums": (exchange_sbom, "asset sboms.zip"),
    "wheel": (of_index(WHEEL), f"wheel {WHEEL}"),
    "sdist": (of_index(SDIST), f"sdist {SDIST}"),
    "sdist gone": (lambda bench: bench.index.files.pop(SDIST), f"sdist {SDIST}"),
    "tag": (move_tag, "tag v0.3.0"),
    "tag's message": (other_message, "tag v0.3.0"),
    "index": (move_index, "index api"),
    "platform": (remove_platform, "platform api linux/arm64"),
    "asset": (lambda bench: replace(bench, "compose.yaml", flipped), "asset compose.yaml"),
    "program": (lambda bench: replace(bench, VERIFIER, flipped), f"asset {VERIFIER}"),
    "more": (add_asset, "asset virus.exe"),
    "asset and sums": (exchange_compose, "asset compose.yaml"),
    "lock": (lambda bench: replace(bench, lockfile.NAME, relock), "lock release.json"),
    "attestation": (remove_signature, "attestation of platform api linux/arm64"),
    "no lock": (lambda bench: replace(bench, lockfile.NAME, lambda _: b"{}"), "lock release.json"),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_what_was_tampered_with_is_named(released: Releases, what: str) -> None:
    tamper, named = TAMPERED[what]
    assert stranger(released)[0] == 0
    tamper(released)
    code, text = stranger(released)
    assert code == 1, text
    # Where somebody wrote the list of hashes again, nobody signed that list.
    rest = "; attestation of asset SHA256SUMS" if "sums" in what else ""
    assert last(text).startswith(f"refused: {named}{rest} ("), text


def test_a_file_that_no_lock_explains(released: Releases) -> None:
    name = "sample_thing-0.3.0-cp312-cp312-linux_x86_64.whl"
    released.index.files[name] = b"x"
    code, text = stranger(released)
    assert (code, last(text).partition(" (")[0]) == (1, f"refused: file {name}")


def test_a_service_that_does_not_answer_is_no_pass(released: Releases) -> None:
    page = f"{released.github.url}/mari/sample_thing"
    code, text = stranger(released, page, "v0.3.0", "--index=http://127.0.0.1:9/simple/")
    assert (code, last(text).partition(" (")[0]) == (2, "not complete: package")


def test_an_index_that_is_not_given_is_said(released: Releases) -> None:
    code, text = stranger(released, f"{released.github.url}/mari/sample_thing", "v0.3.0")
    assert code == 0
    assert "not checked package: give the index's address with --index" in text


def test_a_release_that_is_absent(released: Releases) -> None:
    code, text = stranger(released, f"{released.github.url}/mari/sample_thing", "v9.9.9")
    assert (code, last(text)) == (1, "refused: release v9.9.9 (0 ok, 0 not checked)")


def test_a_wrong_page_is_refused_with_its_form(released: Releases) -> None:
    code, text = stranger(released, "file:///etc", "v0.3.0")
    assert code == 2
    assert "expected https://HOST/OWNER/NAME" in text


def test_it_prints_one_document_for_programs(released: Releases) -> None:
    page = f"{released.github.url}/mari/sample_thing"
    code, text = stranger(released, page, "v0.3.0", "--json")
    document = json.loads(text)
    assert code == 0
    assert {one["status"] for one in document["findings"]} == {"ok", "not checked"}


def test_the_notes_print_the_command(released: Releases) -> None:
    body = release_of(released).body or ""
    (line,) = [one for one in body.splitlines() if one.startswith("python3 ")]
    # The services have other ports here than where the release was made.
    assert line.split()[:2] == ["python3", VERIFIER]
    assert line.split()[3:5] == ["v0.3.0", "--index"]
    assert line.split()[5].endswith("/simple/")
    assert f"/releases/download/v0.3.0/{VERIFIER}\n" in body


def test_the_asset_is_the_program_of_this_repository(released: Releases) -> None:
    content = released.context().forge.asset(release_of(released), VERIFIER)
    assert content == Path(verify.__file__).read_bytes()


def test_a_repeated_run_keeps_the_program_of_the_first(released: Releases) -> None:
    """A newer one would differ from the published asset, and that is a conflict."""
    context = released.context()
    (context.inputs / "earlier").mkdir(parents=True)
    from scripts.stages import stage  # noqa: PLC0415

    release = release_of(released)
    (context.inputs / "earlier" / lockfile.NAME).write_bytes(
        context.forge.asset(release, lockfile.NAME) or b""
    )
    context = context.knowing(plan=lockfile.read(
        (context.inputs / "earlier" / lockfile.NAME).read_bytes()).plan)  # fmt: skip
    assert stage.verifier(context) == []
    (context.inputs / "earlier" / VERIFIER).write_text("older")
    (path,) = stage.verifier(context)
    assert path.read_text() == "older"


def test_docker_hub_has_one_address() -> None:
    assert verify.HUB_API == DOCKER_HUB
