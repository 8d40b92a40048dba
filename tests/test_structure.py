"""The house's rules that no linter knows: who may know whom, and who may not know at all."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from scripts.release import configuration

ROOT = Path(__file__).parents[1]
SCRIPTS = ROOT / "scripts"
MODULES = sorted(SCRIPTS.rglob("*.py"))
LONGEST = 40  # lines of a function


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


def imports(path: Path) -> Iterator[str]:
    """Give what a module imports, wherever in it, each as a dotted name."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def within(*folders: str) -> list[Path]:
    return [path for path in MODULES if path.relative_to(SCRIPTS).parts[0] in folders]


@pytest.mark.parametrize("path", within("core"), ids=named)
def test_decisions_know_only_the_standard_library_and_two_pure_libraries(path: Path) -> None:
    for name in imports(path):
        top = name.split(".")[0]
        known = top in sys.stdlib_module_names or top in ("packaging", "markdown_it")
        assert known or name.startswith("scripts.core"), name


@pytest.mark.parametrize("path", within("core"), ids=named)
def test_decisions_do_nothing(path: Path) -> None:
    """No files, no programs, no network, no clock, no environment."""
    doing = {"os", "subprocess", "socket", "pathlib", "shutil", "tempfile", "urllib", "http"}
    # `urllib.parse` only reads and writes texts.
    found = (name for name in imports(path) if not name.startswith("urllib.parse"))
    assert doing.isdisjoint(name.split(".")[0] for name in found)
    clock = {"now", "today", "utcnow", "time_ns", "monotonic"}
    calls = [n.func for n in ast.walk(tree(path)) if isinstance(n, ast.Call)]
    assert clock.isdisjoint(f.attr for f in calls if isinstance(f, ast.Attribute))
    assert {"open", "input"}.isdisjoint(f.id for f in calls if isinstance(f, ast.Name))


@pytest.mark.parametrize("path", within("surfaces"), ids=named)
def test_surfaces_know_no_stage_and_no_context(path: Path) -> None:
    allowed = ("scripts.core", "scripts.surfaces", "scripts.tools.processes")
    for name in imports(path):
        if name.startswith("scripts"):
            assert name.startswith(allowed), name


@pytest.mark.parametrize("path", within("standalone"), ids=named)
def test_a_stranger_needs_only_python(path: Path) -> None:
    assert not [name for name in imports(path) if name.split(".")[0] not in sys.stdlib_module_names]


@pytest.mark.parametrize("path", within("tools"), ids=named)
def test_tools_take_what_they_need_and_know_no_release(path: Path) -> None:
    allowed = ("scripts.core", "scripts.tools", "scripts.cli.terminal")
    assert not [n for n in imports(path) if n.startswith("scripts") and not n.startswith(allowed)]


# Stage -> the other stage that it is made of.
MADE_OF = {"plan": "doctor", "ci_dists": "dists", "init": "check"}


@pytest.mark.parametrize("path", within("stages"), ids=named)
def test_stages_share_by_the_release_not_by_each_other(path: Path) -> None:
    own = {name.split(".")[2] for name in imports(path) if name.startswith("scripts.stages.")}
    assert own <= {MADE_OF.get(path.stem)}


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_only_stages_and_the_command_line_know_stages(path: Path) -> None:
    if path.parent != SCRIPTS / "stages":
        assert not [name for name in imports(path) if name.startswith("scripts.stages.")]


@pytest.mark.parametrize("path", within("stages"), ids=named)
def test_stages_reach_the_world_through_surfaces(path: Path) -> None:
    """Files and programs they may use; a service is asked by its surface alone."""
    clients = {"github", "docker", "pypi_simple", "urllib", "http", "socket", "httpx"}
    known = {"github.GitRelease.GitRelease"}  # what a surface gives, by its type
    assert clients.isdisjoint(n.split(".")[0] for n in set(imports(path)) - known)


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_programs_see_what_they_are_given_and_no_more(path: Path) -> None:
    """Without an environment of its own a program would inherit every secret of the step."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "processes.run":
            assert "environment" in {key.arg for key in node.keywords}, node.lineno


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_the_release_does_not_know_its_rehearsal(path: Path) -> None:
    others = ("rehearsal", "services", "tests", "stream_pose_ml")
    assert not [name for name in imports(path) if name.split(".")[0] in others]


@pytest.mark.parametrize("path", sorted((ROOT / "rehearsal/world").rglob("*.py")), ids=named)
def test_the_world_knows_no_run(path: Path) -> None:
    above = ("rehearsal.runs", "rehearsal.verdict", "rehearsal.faults")
    assert not [name for name in imports(path) if name.startswith(above)]


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_the_environment_is_read_in_one_place(path: Path) -> None:
    if path == SCRIPTS / "tools" / "environment.py":
        return
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Attribute):
            assert node.attr not in ("environ", "getenv", "environb", "putenv", "chdir"), (
                node.lineno
            )
    assert not {"os.environ", "os.getenv"} & set(imports(path))


PYTHON = [
    path
    for folder in ("scripts", "rehearsal", "services", "stream_pose_ml", "tests", "benchmarks")
    for path in sorted((ROOT / folder).rglob("*.py"))
]
# Everybody who uses these libraries imports them under these names.
CONVENTIONS = {
    "numpy": "np",
    "hypothesis.strategies": "st",
    "xml.etree.ElementTree": "ET",
    "skops.io": "sio",
}


@pytest.mark.parametrize("path", PYTHON, ids=named)
def test_imports_need_no_alias(path: Path) -> None:
    """An alias says that two things share a name: rename one of them."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            module = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
            aliases = {module + one.name: one.asname for one in node.names if one.asname}
            assert aliases.items() <= CONVENTIONS.items(), node.lineno


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_functions_are_short(path: Path) -> None:
    for function in functions(path):
        lines = (function.end_lineno or 0) - function.lineno + 1
        assert lines <= LONGEST, f"{function.name} has {lines} lines"


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_programs_are_started_without_a_shell(path: Path) -> None:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.keyword) and node.arg == "shell":
            assert isinstance(node.value, ast.Constant)
            assert not node.value.value
        if isinstance(node, ast.Attribute):
            assert node.attr not in ("system", "popen", "getoutput"), node.lineno


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_only_one_module_starts_programs(path: Path) -> None:
    alone = path in within("standalone")  # it has no other module, and starts only gh
    if path != SCRIPTS / "tools" / "processes.py" and not alone:
        assert "subprocess" not in {name.split(".")[0] for name in imports(path)}


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_errors_are_not_swallowed(path: Path) -> None:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None, f"{node.lineno}: except without a kind"
            bare = [one for one in node.body if not isinstance(one, ast.Pass)]
            assert bare, f"{node.lineno}: an error is passed over"


WHOLE_PRODUCT = [
    path
    for folder in ("scripts", ".github/workflows", ".github/actions")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.is_file() and "__pycache__" not in path.parts
]


@pytest.mark.parametrize("path", WHOLE_PRODUCT, ids=named)
def test_the_release_system_names_no_project(path: Path) -> None:
    """All that knows this project is in [tool.release]."""
    text = path.read_text("utf-8").lower()
    for word in ("streamposeml", "stream_pose_ml", "stream-pose-ml", "mrilikecoding"):
        assert word not in text


def test_an_image_is_known_by_one_name_everywhere() -> None:
    """To the release, to compose and to bake; and its Dockerfile is there."""
    configured = {
        image.name: image
        for image in configuration.parse((ROOT / configuration.FILE).read_text("utf-8")).images
    }
    services = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))["services"]
    assert set(services) == set(configured)
    bake = (ROOT / "docker-bake.hcl").read_text("utf-8")
    baked = dict(re.findall(r'\{ name = "([\w-]+)", repository = "([\w-]+)" \}', bake))
    assert {
        name: image.repository.rpartition("/")[2] for name, image in configured.items()
    } == baked
    (grouped,) = re.findall(r"targets = \[(.*?)\]", bake)
    assert re.findall(r'"([\w-]+)"', grouped) == list(configured)
    for name, image in configured.items():
        assert image.dockerfile == services[name]["build"]["dockerfile"] == f"Dockerfile.{name}"
        assert (ROOT / image.dockerfile).is_file()
        assert services[name]["image"] == f"docker.io/{image.repository}:latest"


SEPARATORS = ("--", "--end-of-options")
# What starts a program with the words that it is given, and what hands words on to those.
STARTERS = (
    "git.run",
    "self.run",
    "self._imagetools",
    "self._run",
    "self._uv",
    "installation.run",
    "consumer.run",
)
STARTERS += ("self.install", "installation.install", "installation.from_index")
PROGRAMS = ("'git'", "'docker'", "'uv'", "sys.executable", "str(self.python)")


def is_fixed(word: ast.expr) -> bool:
    """Say whether a word cannot become an option: it begins with what stands in the code."""
    inside: list[ast.expr]
    match word:
        case ast.Starred(value=ast.Tuple(elts=inside)):
            pass
        case ast.Starred(value=ast.GeneratorExp(elt=one)) | ast.Starred(value=ast.Name() as one):
            inside = [one]
        case ast.IfExp(body=one, orelse=other):
            inside = [one, other]
        case ast.Constant() | ast.JoinedStr(values=[ast.Constant(), *_]):
            inside = []
        case _:
            return ast.unparse(word).isupper()
    return all(map(is_fixed, inside))


def spelt(words: list[ast.expr], function: ast.AST) -> Iterator[ast.expr]:
    """Put in the place of a name of the function's own what stands behind its `=`."""
    own = {
        target.id: node.value
        for node in ast.walk(function)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for word in words:
        name = ast.unparse(word).removeprefix("*")
        match own.get(name) if name.isidentifier() else None:
            case ast.Tuple(elts=inside) | ast.List(elts=inside) if isinstance(word, ast.Starred):
                yield from spelt(inside, function)
            case ast.IfExp(body=ast.List(elts=one), orelse=ast.List(elts=other)):
                yield from (*one, *other)
            case ast.JoinedStr() as text:
                yield text
            case _:
                yield word


def loose(path: Path) -> Iterator[str]:
    """Find the words that a program could take for an option.

    Every word that is not literal stands behind a separator, or behind literal text (`--file={}`).
    A function that hands its own words on (`*arguments`) is looked at where it is called.
    """
    found = [n for n in ast.walk(tree(path)) if isinstance(n, ast.FunctionDef)]
    within = {one for outer in found for one in ast.walk(outer) if one is not outer}
    for function in (one for one in found if one not in within):
        rest = function.args.vararg
        for node in ast.walk(function):
            words: list[ast.expr] = []
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(STARTERS):
                words = node.args
            elif isinstance(node, ast.List) and node.elts and ast.unparse(node.elts[0]) in PROGRAMS:
                words = node.elts[1:]
            for word in spelt(words, function):
                if isinstance(word, ast.Constant) and word.value in SEPARATORS:
                    break
                handed = rest and ast.unparse(word) == f"*{rest.arg}"
                if not handed and not is_fixed(word):
                    yield f"{path.name}:{word.lineno}: {ast.unparse(word)}"


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_nothing_that_was_read_becomes_an_option(path: Path) -> None:
    assert not list(loose(path))


@pytest.mark.parametrize(
    ("call", "found"),
    [
        ("git.run('fetch', url)", "url"),
        ("self.git.run('log', '--format=%H', f'{a}..HEAD')", "f'{a}..HEAD'"),
        ("git.run('log', '--end-of-options', f'{a}..HEAD')", ""),
        ("git.run('push', f'--force-with-lease={a}')", ""),
        ("processes.run(['git', 'cat-file', a])", "a"),
        ("self._run('logs', *names)", "*names"),
        ("names = [a, 'b']; self._run('logs', *names)", "a"),
        ("names = ['--', a]; self._run('logs', *names)", ""),
        ("self._run('logs', *more)", ""),
        ("self._run('logs', '--', *names)", ""),
        ("git.run('tag', *(f'-m{a}' for a in b))", ""),
        ("git.run('tag', *(a for a in b))", "*(a for a in b)"),
    ],
)
def test_the_rule_of_options_finds_one(call: str, found: str, tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text(f"def act(*more):\n    {call}\n", "utf-8")
    assert [line.partition(": ")[2] for line in loose(module)] == ([found] if found else [])
