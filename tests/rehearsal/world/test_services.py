import json
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
import requests

from rehearsal.gateway.journal import read, writes_by_service
from rehearsal.world import processes
from rehearsal.world.services import Endpoints, Services
from scripts.core.errors import ServiceError
from tests.rehearsal.conftest import World, make_repository

pytestmark = pytest.mark.world


@pytest.fixture
def login(world: World, tmp_path: Path) -> dict[str, str]:
    """An environment with a login of its own, as one job has."""
    config = shutil.copytree(world.endpoints.docker_config, tmp_path / "docker", symlinks=True)
    env = world.environment(config)
    arguments = ["--username", world.endpoints.registry_username, "--password-stdin"]
    done = world.run(
        *("docker", "login", world.endpoints.registry, *arguments),
        env=env,
        stdin=world.endpoints.registry_token,
    )
    assert done.returncode == 0, done.stderr
    return env


def test_jobs_find_the_linter_that_the_checks_run(world: World) -> None:
    done = world.run("actionlint", "-version")
    assert done.returncode == 0, done.stderr
    pin = (Path(__file__).parents[3] / "rehearsal/tools/actionlint/go.mod").read_text()
    assert f"github.com/rhysd/actionlint {done.stdout.split()[0]}" in pin


def build(world: World, env: dict[str, str], platform: str, tmp_path: Path) -> str:
    repository = f"{world.endpoints.registry}/somebody/thing"
    options = "push=true,push-by-digest=true,name-canonical=true"
    metadata = tmp_path / "metadata.json"
    done = world.run(
        *("docker", "buildx", "build", ".", "--platform", platform, "--provenance=false"),
        *("--output", f"type=image,name={repository},{options}", "--metadata-file", metadata),
        env=env,
    )
    assert done.returncode == 0, done.stderr
    return str(json.loads(metadata.read_text())["containerimage.digest"])


@pytest.fixture(scope="session")
def image(world: World, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An image of two platforms, pushed by digest and then named."""
    folder = tmp_path_factory.mktemp("image")
    config = shutil.copytree(world.endpoints.docker_config, folder / "docker", symlinks=True)
    env = world.environment(config)
    name = f"{world.endpoints.registry}/somebody/thing"
    done = world.run(
        *("docker", "login", world.endpoints.registry, "--password-stdin"),
        *("--username", world.endpoints.registry_username),
        env=env,
        stdin=world.endpoints.registry_token,
    )
    assert done.returncode == 0, done.stderr
    digests = [build(world, env, f"linux/{arch}", folder) for arch in ("amd64", "arm64")]
    sources = [f"{name}@{digest}" for digest in digests]
    done = world.run(
        "docker", "buildx", "imagetools", "create", "-t", f"{name}:v1", *sources, env=env
    )
    assert done.returncode == 0, done.stderr
    return f"{name}:v1"


def test_an_image_of_two_platforms_is_built_pushed_and_named(world: World, image: str) -> None:
    shown = world.run("docker", "buildx", "imagetools", "inspect", "--raw", image)
    platforms = [one["platform"]["architecture"] for one in json.loads(shown.stdout)["manifests"]]
    assert platforms == ["amd64", "arm64"]


def test_the_engine_pulls_an_image_and_publishes_its_port(world: World, image: str) -> None:
    assert world.run("docker", "pull", "-q", image).returncode == 0
    started = world.run("docker", "run", "-d", "-p", "127.0.0.1::8000", image)
    assert started.returncode == 0, started.stderr
    try:
        address = world.run("docker", "port", started.stdout.strip(), "8000").stdout.strip()
        assert wait_for_page(f"http://{address}/").startswith("3.13")
    finally:
        world.run("docker", "rm", "-f", started.stdout.strip())


def wait_for_page(url: str) -> str:
    deadline = time.monotonic() + 90
    while True:
        try:
            return requests.get(url, timeout=60).text
        except requests.ConnectionError:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_composed_services_reach_each_other_by_name(
    world: World, image: str, tmp_path: Path
) -> None:
    program = "import urllib.request as r; print(r.urlopen('http://one:8000').read(), flush=True)"
    health = ["CMD", "python3", "-c", program.replace("one:", "localhost:")]
    services = {
        "one": {"image": image, "healthcheck": {"test": health, "interval": "1s"}},
        "two": {"image": image, "command": ["python3", "-c", program + "; r.time.sleep(60)"]},
    }
    services["two"]["depends_on"] = {"one": {"condition": "service_healthy"}}
    file = tmp_path / "compose.yaml"
    file.write_text(json.dumps({"name": "named", "services": services}))
    try:
        started = world.run("docker", "compose", "-f", file, "up", "-d", "--wait")
        assert started.returncode == 0, started.stderr
        deadline = time.monotonic() + 90
        while "3.13" not in world.run("docker", "compose", "-f", file, "logs", "two").stdout:
            assert time.monotonic() < deadline
    finally:
        world.run("docker", "compose", "-f", file, "down", "-t", "0")


def test_a_wrong_password_is_refused(world: World, tmp_path: Path) -> None:
    env = world.environment(tmp_path / "docker")
    arguments = ["--username", world.endpoints.registry_username, "--password-stdin"]
    done = world.run(
        "docker", "login", world.endpoints.registry, *arguments, env=env, stdin="wrong"
    )
    assert done.returncode == 1
    assert "incorrect username or password" in done.stderr


@pytest.mark.parametrize("repository", ["somebody/thing", "library/python"])
def test_pushing_needs_the_login_and_the_own_namespace(
    world: World, login: dict[str, str], image: str, repository: str
) -> None:
    # To the own namespace without a login, to another with one.
    env = login if repository.startswith("library/") else world.environment()
    target = f"{world.endpoints.registry}/{repository}:taken"
    done = world.run("docker", "buildx", "imagetools", "create", "-t", target, image, env=env)
    assert done.returncode != 0
    assert "insufficient_scope" in done.stderr or "401" in done.stderr


def wheel(folder: Path, name: str, requires: str = "") -> Path:
    file = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
    metadata += f"Requires-Dist: {requires}\n" if requires else ""
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(f"{name}.py", "")
        archive.writestr(f"{info}/METADATA", metadata)
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return file


def upload(world: World, file: Path, password: str) -> subprocess.CompletedProcess[str]:
    where = world.endpoints
    env = world.environment() | {
        "TWINE_REPOSITORY_URL": where.index_upload,
        "TWINE_USERNAME": "__token__",
        "TWINE_PASSWORD": password,
        "TWINE_NON_INTERACTIVE": "1",
    }
    return world.run(sys.executable, "-m", "twine", "upload", file, env=env)


def files_of(world: World, project: str) -> requests.Response:
    accept = {"Accept": "application/vnd.pypi.simple.v1+json"}
    return requests.get(f"{world.endpoints.index_simple}{project}/", headers=accept, timeout=30)


def test_the_index_takes_a_wheel_and_gives_it_with_its_dependencies(
    world: World, tmp_path: Path
) -> None:
    assert files_of(world, "rehearsed-thing").status_code == 404
    file = wheel(tmp_path, "rehearsed_thing", "iniconfig")
    refused = upload(world, file, "wrong")
    assert refused.returncode == 1
    assert "Invalid or non-existent authentication" in refused.stdout + refused.stderr
    done = upload(world, file, world.endpoints.index_token)
    assert done.returncode == 0, done.stdout
    (found,) = files_of(world, "rehearsed-thing").json()["files"]
    assert found["filename"] == file.name
    installed = world.run(
        *(Path(sys.executable).with_name("uv"), "pip", "install", "--no-cache", "--no-config"),
        *("--index-url", world.endpoints.index_simple, "--python", sys.executable),
        *("--target", tmp_path / "site", "rehearsed_thing"),
    )
    assert installed.returncode == 0, installed.stderr
    assert (tmp_path / "site" / "iniconfig").exists()


def test_the_index_keeps_a_name_to_its_bytes(world: World, tmp_path: Path) -> None:
    token = world.endpoints.index_token
    assert upload(world, wheel(tmp_path, "kept"), token).returncode == 0
    assert upload(world, wheel(tmp_path, "kept", "iniconfig"), token).returncode == 1


def test_the_journal_tells_writes_by_service_and_no_secret(world: World, image: str) -> None:
    assert image
    assert writes_by_service(world.endpoints.journal)["registry"] > 0
    paths = {one.path for one in read(world.endpoints.journal)}
    assert "/v2/somebody/thing/manifests/v1" in paths
    text = world.endpoints.journal.read_text()
    assert world.endpoints.registry_token not in text
    assert world.endpoints.index_token not in text
    assert "library/python/manifests/3.13-slim" not in {
        one.path for one in read(world.endpoints.journal) if one.write
    }


PROGRAM = (
    "import sys; from pathlib import Path; from rehearsal.world.services import Services; "
    "getattr(Services(Path(sys.argv[1]), Path(sys.argv[2])), sys.argv[3])()"
)


def in_another_process(verb: str, folder: Path, repository: Path) -> None:
    words = [sys.executable, "-c", PROGRAM, str(folder), str(repository), verb]
    subprocess.run(words, check=True, env={}, cwd=Path(__file__).parents[3], timeout=300)


def interfaces_of(folder: Path) -> list[Path]:
    """The world's bridge and the ends of its containers' cables."""
    bridge = (folder / "services" / "engine" / "bridge").read_text()
    net = Path("/sys/class/net")
    cables = [net / one.name for one in (net / bridge / "brif").iterdir()]
    return [net / bridge, *cables]


def packet_filter() -> str:
    tables = [["iptables", "-t", table, "-S"] for table in ("filter", "nat")]
    env = {"PATH": "/usr/sbin:/sbin"}
    done = [
        subprocess.run(one, env=env, capture_output=True, text=True, check=False) for one in tables
    ]
    return "\n".join(one.stdout for one in done)


def leftovers(folder: Path, runtime: Path) -> list[str]:
    """Mounts and sockets that a world has not given back."""
    mounts = Path("/proc/mounts").read_text().splitlines()
    left = [one for one in mounts if str(folder) in one or str(runtime) in one]
    return left + [str(one) for one in [runtime] if one.exists()]


def test_a_second_world_ends_from_another_process_and_leaves_nothing(
    world: World, tmp_path: Path
) -> None:
    folder, repository = tmp_path / "world", make_repository(tmp_path / "repository")
    rules = packet_filter()
    in_another_process("up", folder, repository)
    endpoints = Endpoints.load(folder / "endpoints.json")
    second = World(folder, repository, Services(folder, repository), endpoints)
    image = f"{endpoints.registry}/library/python:3.13-slim"
    started = second.run("docker", "run", "-d", "-p", "8000", image, "sleep", "1000")
    assert started.returncode == 0, started.stderr
    services = [processes.Service(one) for one in (folder / "services").iterdir()]
    running = {pid for service in services for pid in processes.members(service)}
    interfaces = interfaces_of(folder)
    runtime = Path(endpoints.docker_host.removeprefix("unix://")).parent
    assert len(interfaces) > 1
    assert len(running) > len(services)
    assert leftovers(folder, runtime)
    assert packet_filter() == rules
    in_another_process("down", folder, repository)
    assert [one for one in running if processes.is_alive(one)] == []
    assert [one for one in interfaces if one.exists()] == []
    assert leftovers(folder, runtime) == []
    assert world.run("docker", "info").returncode == 0  # the first world lives on


def test_a_docker_of_the_machine_is_used_and_given_back(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first world's engine is the machine's own for the second."""
    monkeypatch.setenv("DOCKER_HOST", world.endpoints.docker_host)
    services = Services(tmp_path / "world", make_repository(tmp_path / "repository"))
    endpoints = services.up(lambda _line: None)
    base, image = f"{endpoints.registry}/library/python:3.13-slim", f"{endpoints.registry}/of/this"
    try:
        assert endpoints.docker_host == world.endpoints.docker_host
        assert not (tmp_path / "world" / "services" / "engine").exists()
        # The base has other names where other tests pulled it: only an image with a single name
        # is held by its container.
        assert world.run("docker", "create", "--name", "base", base).returncode == 0
        assert world.run("docker", "commit", "base", image).returncode == 0
        assert world.run("docker", "create", "--name", "left", image).returncode == 0
        with pytest.raises(ServiceError, match=f"containers still use .*{image}"):
            services.down()
        assert world.run("docker", "tag", image, "of-the-user:1").returncode == 0
    finally:
        world.run("docker", "rm", "base", "left")
        services.down()
    left = world.run("docker", "images", "--format", "{{.Repository}}").stdout.split()
    assert "of-the-user" in left
    assert not [name for name in left if name.startswith(endpoints.registry)]
    assert not services.endpoints_file.exists()
    assert world.run("docker", "info").returncode == 0


def test_what_a_failed_start_began_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise ServiceError("planted", "none")

    monkeypatch.setattr("rehearsal.world.builder.register", fails)
    services = Services(tmp_path / "world", make_repository(tmp_path / "repository"))
    with pytest.raises(ServiceError, match="planted"):
        services.up(lambda _line: None)
    assert not list((tmp_path / "world").glob("services/*/process.json"))
    assert not (tmp_path / "world" / "services" / "engine" / "bridge").exists()
    assert not (tmp_path / "world" / "services.json").exists()


def test_a_world_that_is_up_is_not_started_twice(world: World) -> None:
    again = Services(world.folder, world.repository)
    with pytest.raises(ServiceError, match="a world is up"):
        again.up()
    assert (world.folder / "services.json").exists()
