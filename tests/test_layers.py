"""Imports go down only, never in a circle, and only hosts/ does I/O."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent / "anywhere"
# A module may import what stands above its own line, and its own layer.
LAYERS = (
    (
        "model",
        "evidence",
        "errors",
        "settings",
        "threads",
        "held",
        "redact",
        "printable",
        "files",
        "documents",
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
