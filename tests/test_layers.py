"""The walls of the tree: imports go down only, never in a circle; who may know whom; how large files and folders are."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

TESTS = Path(__file__).parent
ROOT = TESTS.parent / "anywhere"
# A module may import what stands above its own line, and its own layer.
LAYERS = (
    (
        "model",
        "evidence",
        "errors",
        "settings",
        "threads",
        "held",
        "frozen",
        "redact",
        "printable",
        "program",
        "files",
        "windows",
        "wording",
        "documents",
        "declared",
        "__init__",
    ),
    ("catalogue",),
    ("hosts",),
    ("facts", "inventory"),
    ("changes", "artifacts", "aws"),
    ("checks", "taskdef"),
    ("diagnosis",),
    ("report",),
    ("flows",),
    ("cli", "__main__"),
)
IO = {"subprocess", "socket", "ssl", "asyncio", "asyncssh", "dns", "requests", "psutil"}
IMPURE = re.compile(
    r"\b(time\.(time|monotonic|perf_counter|sleep)\(|\w+\.(now|today|utcnow)\(\)|os\.(environ|getenv)|uuid\.uuid|"
    r"random\.(random|choice|randint|shuffle)\(|secrets\.(token|choice))"
)


def modules() -> dict[str, ast.Module]:
    found = {}
    for path in ROOT.rglob("*.py"):
        parts = path.relative_to(ROOT.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 2 else parts)
        found[name] = ast.parse(path.read_text())
    return found


def imports(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            parts = {alias.name for alias in node.names if _is_module(f"{node.module}.{alias.name}")}
            names |= {f"{node.module}.{part}" for part in parts}
            names |= {node.module} if len(parts) < len(node.names) else set()
    return names


def _is_module(name: str) -> bool:
    path = ROOT.parent.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def layer(name: str) -> int:
    unit = name.split(".")[1] if "." in name else "__init__"
    for number, units in enumerate(LAYERS):
        if unit in units:
            return number
    raise AssertionError(f"{name} has no layer: add it to LAYERS")


def test_imports_go_down_only() -> None:
    wrong = [
        f"{name} imports {target}"
        for name, tree in modules().items()
        for target in imports(tree)
        if target.startswith("anywhere.") and layer(target) > layer(name)
    ]
    assert wrong == []


def test_there_is_no_import_cycle() -> None:
    trees = modules()
    edges = {
        name: {target for target in imports(tree) if target in trees and target != name} for name, tree in trees.items()
    }
    seen: dict[str, int] = {}

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, f"import cycle: {' -> '.join((*path[path.index(name) :], name))}"
        if name not in seen:
            for target in edges[name]:
                visit(target, (*path, name))
            seen[name] = 1

    for name in edges:
        visit(name, ())


def test_only_hosts_do_io_and_artifacts_download() -> None:
    wrong = [
        f"{name} imports {target}"
        for name, tree in modules().items()
        for target in imports(tree)
        if target.split(".")[0] in IO
        and layer(name) != layer("anywhere.hosts")
        and layer(name) < layer("anywhere.flows")
        and (name, target) != ("anywhere.artifacts.download", "requests")
    ]
    assert wrong == []


def test_facts_checks_changes_and_diagnosis_have_no_clock_and_no_environment() -> None:
    pure = ("facts", "checks", "changes", "diagnosis", "taskdef")
    wrong = [
        f"{name}: {found[0]}"
        for name, tree in modules().items()
        if "." in name and name.split(".")[1] in pure and (found := IMPURE.search(ast.unparse(tree)))
    ]
    assert wrong == []


def test_asyncio_stays_in_one_place() -> None:
    users = {
        name for name, tree in modules().items() if {"asyncio", "asyncssh"} & {t.split(".")[0] for t in imports(tree)}
    }
    assert all(name.startswith("anywhere.hosts.ssh.") for name in users), users


LEAVES = {
    "windows",
    "__init__",
    "model",
    "errors",
    "settings",
    "threads",
    "redact",
    "printable",
    "program",
    "evidence",
    "files",
    "wording",
    "frozen",
    "documents",
    "declared",
}
# What a layer may know beside itself and the leaves.
MAY_KNOW = {
    "diagnosis": {"catalogue"},
    "report": {"catalogue"},
    "cli": {"flows", "report", "taskdef", "catalogue"},
}
# The plain values of changes that reports show.
VALUES = {
    "anywhere.changes.base",
    "anywhere.changes.outcome",
    "anywhere.changes.waves",
    "anywhere.changes.agents.result",
    "anywhere.changes.leave.result",
}
LONGEST, MOST_FILES = 400, 15


def test_layers_know_only_those_that_they_may() -> None:
    wrong = []
    for name, tree in modules().items():
        unit = name.split(".")[1] if "." in name else ""
        for target in imports(tree) if unit in MAY_KNOW else ():
            known = target.split(".")[1] if target.startswith("anywhere.") else unit
            is_value = unit == "report" and target in VALUES
            if known not in {unit, *LEAVES, *MAY_KNOW[unit]} and not is_value:
                wrong.append(f"{name} imports {target}")
    assert wrong == []


def test_flows_know_no_command_line_and_print_nothing() -> None:
    wrong = []
    for name, tree in modules().items():
        if name.startswith("anywhere.flows"):
            wrong += [
                f"{name} imports {target}" for target in imports(tree) if target.split(".")[0] in ("typer", "rich")
            ]
            wrong += [f"{name}: {found}" for found in ast.unparse(tree).splitlines() if PRINTS.search(found)]
    assert wrong == []


PRINTS = re.compile(r"\bprint\(|sys\.std(out|err)\b")


def test_one_place_opens_hosts_and_one_runs_many() -> None:
    opening = {"open_live", "open_recorded", "Fleet"}
    users = {
        name
        for name, tree in modules().items()
        if name.split(".")[1:2] in (["flows"], ["cli"])
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).partition("[")[0] in opening
    }
    assert users == {"anywhere.flows.target"}


def test_nothing_asks_a_host_what_it_can_by_getattr() -> None:
    wrong = [
        f"{name}: {ast.unparse(node)}"
        for name, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in ("getattr", "hasattr")
        and re.match(r"(self\.)?_?(host|live|recorded|recording|connection|error|sock)\b", ast.unparse(node.args[0]))
        and isinstance(node.args[1], ast.Constant)
    ]
    assert [line for line in wrong if "strerror" not in line] == []


def test_the_topic_of_a_check_is_its_folder() -> None:
    from anywhere.checks import CHECKS

    folders = {check.id: check.judge.__module__.split(".")[2] for check in CHECKS}
    assert {id for id, folder in folders.items() if id.partition(".")[0] != folder} == set()


def test_folders_and_files_stay_small() -> None:
    assert {name: count for name, count in crowded(ROOT).items() if name != "taskdef/rules"} == {}  # one file a rule
    long = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in python_files(ROOT)}
    assert {name: count for name, count in long.items() if count > LONGEST} == {}


def test_folders_of_tests_stay_small() -> None:
    assert crowded(TESTS) == {}


def test_what_tests_import_of_each_other_is_there() -> None:
    wrong = [
        f"{path.relative_to(TESTS)} imports {target}"
        for path in python_files(TESTS)
        for target in imports(ast.parse(path.read_text()))
        if target.split(".")[0] in ("tests", "anywhere") and not _is_module(target)
    ]
    assert wrong == []


def python_files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*.py") if "__pycache__" not in path.parts]


def crowded(root: Path) -> dict[str, int]:
    """The folders that hold more Python files than a person takes in at once."""
    counts = Counter(str(path.parent.relative_to(root)) for path in python_files(root))
    return {name: count for name, count in counts.items() if count > MOST_FILES}
