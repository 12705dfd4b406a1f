"""Arrows between the parts point one way only; this table is the architecture."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# part → what it may import; a part may always import itself. `app` and `cli` sit on top.
VALUES = {
    "daemon.amounts",
    "daemon.entry",
    "daemon.loopback",
    "daemon.model",
    "daemon.records",
    "daemon.errors",
    "daemon.duration",
    "daemon.shipped",
}
SANITIZERS = {"sanitizers"}


def _daemon(*names: str) -> set[str]:
    return VALUES | {f"daemon.{name}" for name in names}


ALLOWED: dict[str, set[str]] = {
    "sanitizers": set(),
    "emulator": set(),
    "daemon.amounts": set(),
    "daemon.duration": {"daemon.amounts"},
    "daemon.loopback": set(),
    "daemon.shipped": set(),
    "daemon.errors": set(),
    "daemon.entry": set(),
    "daemon.model": set(),
    "daemon.records": set(),
    # Edges: each knows one thing outside, none knows another edge.
    "daemon.log": _daemon(),
    "daemon.keys": _daemon() | SANITIZERS,  # what a signing key is, attestations know
    "daemon.connect": _daemon(),
    "daemon.progress": _daemon(),
    "daemon.neon": _daemon(),
    "daemon.store": _daemon(),
    "daemon.alerts": _daemon(),
    "daemon.web": _daemon(),
    # Pure.
    "daemon.purposes": _daemon(),
    "daemon.rules": _daemon(),
    "daemon.lineage": _daemon("purposes"),
    "daemon.evaluate": _daemon("lineage", "purposes", "rules"),
    "daemon.decide": _daemon(),
    "daemon.settings": _daemon("purposes", "rules"),
    # Where the parts meet.
    "daemon.passwords": _daemon("lineage", "neon"),
    "daemon.delivery": _daemon("alerts", "store"),
    "daemon.cycle": _daemon(
        "alerts", "decide", "evaluate", "lineage", "neon", "passwords", "rules", "settings", "store"
    ),
    "daemon.access": _daemon("connect", "lineage", "neon", "purposes", "settings", "store"),
    "daemon.exemptions": _daemon("lineage", "neon", "settings", "store"),
    "daemon.staging": _daemon(
        "alerts",
        "attesting",
        "branchroads",
        "connect",
        "keys",
        "lineage",
        "neon",
        "policies",
        "progress",
        "proven",
        "settings",
        "store",
    )
    | SANITIZERS,
    # Without Neon: neither its client nor the ledger.
    "daemon.branchroads": _daemon("neon") | SANITIZERS,
    "daemon.trust": _daemon("keys") | SANITIZERS,
    "daemon.checking": _daemon(
        "branchroads",
        "connect",
        "keys",
        "lineage",
        "neon",
        "passwords",
        "plain",
        "policies",
        "progress",
        "proven",
        "settings",
        "store",
    )
    | SANITIZERS,
    "daemon.disproof": _daemon("alerts", "checking", "lineage", "purposes", "store") | SANITIZERS,
    "daemon.attesting": _daemon("keys", "policies") | SANITIZERS,
    "daemon.plain": _daemon("attesting", "connect", "keys", "policies", "progress", "proven") | SANITIZERS,
    "daemon.policies": _daemon() | SANITIZERS,
    "daemon.proven": _daemon("progress") | SANITIZERS,
    "daemon.app": _daemon(
        "access",
        "alerts",
        "attesting",
        "checking",
        "disproof",
        "progress",
        "trust",
        "connect",
        "cycle",
        "delivery",
        "keys",
        "lineage",
        "log",
        "neon",
        "policies",
        "purposes",
        "settings",
        "staging",
        "store",
    )
    | SANITIZERS,
    "daemon.doctor": {"daemon"} | _daemon("app", "keys", "settings") | SANITIZERS,
    "daemon.vitals": _daemon("app", "web"),
    "daemon.schedule": _daemon("app", "log", "settings", "staging", "vitals", "web") | SANITIZERS,
}
MEETS_THE_EMULATOR = {"daemon/cli/demo.py", "daemon/cli/emulator.py"}


def _python_files(*folders: str) -> list[Path]:
    return sorted(p for folder in folders for p in (ROOT / folder).rglob("*.py"))


def _part(module: str) -> str:
    head, _, rest = module.partition(".")
    return f"daemon.{rest.split('.')[0]}" if head == "daemon" and rest else head


def _module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            module = node.module or ""
            yield from (f"{module}.{a.name}" for a in node.names) if module == "daemon" else [module]


@pytest.mark.parametrize("path", _python_files("daemon", "sanitizers", "emulator"), ids=_module)
def test_arrows_point_one_way_only(path: Path) -> None:
    own = _part(_module(path))
    ours = {_part(name) for name in _imports(path) if name.split(".")[0] in {"daemon", "sanitizers", "emulator"}}

    if own in {"daemon.cli", "daemon.__main__"}:
        allowed = ours if path.relative_to(ROOT).as_posix() in MEETS_THE_EMULATOR else ours - {"emulator"}
    else:
        assert own in ALLOWED or own == "daemon", f"{own} has no line in the table above"
        allowed = ALLOWED.get(own, set()) | {own}

    assert ours - allowed == set()


def test_nobody_imports_the_config_folder() -> None:
    for path in _python_files("daemon", "sanitizers", "emulator"):
        assert not any(name.split(".")[0] == "config" for name in _imports(path)), path


def test_sql_is_never_formatted() -> None:
    for path in _python_files("daemon", "sanitizers"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "SQL":
                given = node.args[0]
                composed = isinstance(given, ast.Call) and ast.unparse(given.func).endswith(".as_string")
                formatted = isinstance(given, ast.JoinedStr | ast.BinOp | ast.Call)
                assert composed or not formatted, f"{path}:{node.lineno}"
