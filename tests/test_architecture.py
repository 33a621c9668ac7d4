"""The walls: who may import whom, read from the sources themselves."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
OURS = ("protocols", "carla_plugin", "harness", "scenarios")


def modules(package: str) -> Iterator[tuple[str, Path]]:
    for path in sorted((ROOT / package).rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        yield name.removesuffix(".__init__"), path


def imports(path: Path) -> set[str]:
    """Return the dotted names that a file imports; `from a import b` counts as a and as a.b."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import; name the package"
            found.add(node.module or "")
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


EVERY = [(name, imports(path)) for package in OURS for name, path in modules(package)]


def inside(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def test_sources_are_found():
    assert {name.partition(".")[0] for name, _ in EVERY} >= {"protocols", "carla_plugin", "harness"}


def test_protocols_stand_alone():
    allowed = {"numpy", "msgpack", "zstandard", "protocols", *sys.stdlib_module_names}
    forbidden = {"socket", "asyncio", "pathlib", "io", "os", "shutil", "tempfile", "threading", "subprocess"}
    for name, imported in EVERY:
        if inside(name, "protocols"):
            roots = {other.partition(".")[0] for other in imported}
            assert roots <= allowed - forbidden, f"{name} imports {sorted(roots - (allowed - forbidden))}"


def test_protocols_open_no_path():
    for name, path in modules("protocols"):
        calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        assert not [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "open"], name


@pytest.mark.parametrize(
    ("inner", "outer"),
    [("carla_plugin", "harness"), ("harness", "carla_plugin"), ("protocols", "carla_plugin"), ("protocols", "harness")],
)
def test_wings_never_meet(inner, outer):
    for name, imported in EVERY:
        if inside(name, inner):
            assert not [other for other in imported if inside(other, outer)], name


def test_simulator_is_met_over_tcp_only():
    for name, imported in EVERY:
        if inside(name, "carla_plugin.simulator"):
            strangers = [
                other
                for other in imported
                if inside(other, "carla_plugin")
                and other != "carla_plugin"
                and not inside(other, "carla_plugin.simulator")
            ]
            assert not strangers, f"{name} imports {strangers}"
        elif not inside(name, "carla_plugin.cli"):
            assert not [other for other in imported if inside(other, "carla_plugin.simulator")], name


ZMQ_DOORS = {
    "carla_plugin.publisher",
    "carla_plugin.monitor",
    "carla_plugin.keys",
    "carla_plugin.preview",
    "harness.receiver",
    "harness.intake",
    "harness.monitor",
    "harness.keys",
}


@pytest.mark.parametrize(
    ("library", "is_door"),
    [
        ("carla", lambda name: inside(name, "carla_plugin.world")),
        ("pygame", lambda name: name == "carla_plugin.preview"),
        ("zmq", lambda name: name in ZMQ_DOORS),
        ("torch", lambda name: inside(name, "harness")),
        ("mmengine", lambda name: inside(name, "harness")),
        ("mmseg", lambda name: inside(name, "harness")),
        ("mmcv", lambda name: inside(name, "harness")),
        ("numba", lambda name: inside(name, "carla_plugin.simulator")),
    ],
)
def test_one_door_each(library, is_door):
    users = [name for name, imported in EVERY if any(inside(other, library) for other in imported)]
    assert users, f"{library}: nobody imports it, the rule is empty"
    assert not [name for name in users if not is_door(name)]


def test_no_pickle():
    for name, imported in EVERY:
        assert not [other for other in imported if other.partition(".")[0] in {"pickle", "dill", "cloudpickle"}], name


def test_no_circles():
    names = {name for name, _ in EVERY}
    graph = {}
    for name, imported in EVERY:
        # a package's own __init__ may gather what is inside it
        graph[name] = {other for other in imported & names if other != name and not inside(name, other)}
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join([*trail, name])
        if name not in done:
            for other in sorted(graph[name]):
                visit(other, (*trail, name))
            done.add(name)

    for name in sorted(graph):
        visit(name, ())


@pytest.mark.parametrize(
    ("statement", "heavy"),
    [
        ("import harness; harness.BundleStream", ("mmseg", "mmengine", "mmcv")),
        ("import harness.cli", ("torch", "mmseg", "mmengine", "mmcv", "matplotlib")),
        ("import carla_plugin.cli", ("carla", "pygame", "numba", "torch")),
    ],
)
def test_light_imports(statement, heavy):
    code = f"import sys\n{statement}\nprint([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"
