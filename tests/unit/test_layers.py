"""Arrows between the parts point one way only; this table is the architecture."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# part → what it may import; a part may always import itself. `app` and `cli` sit on top.
VALUES = {"daemon.model", "daemon.errors", "daemon.duration", "daemon.shipped"}
SANITIZERS = {"sanitizers"}
ALLOWED: dict[str, set[str]] = {
    "daemon.duration": set(),
    "daemon.shipped": set(),
    "daemon.errors": set(),
    "daemon.model": set(),
    "daemon.log": VALUES,
    "daemon.keys": VALUES,
    "daemon.connect": VALUES,
    "daemon.neon": VALUES,
    "daemon.store": VALUES,
    "daemon.alerts": VALUES,
    "daemon.rules": VALUES,
    "daemon.purposes": VALUES,
    "daemon.lineage": VALUES | {"daemon.purposes"},
    "daemon.passwords": VALUES | {"daemon.lineage", "daemon.neon"},
    "daemon.evaluate": VALUES | {"daemon.rules", "daemon.lineage"},
    "daemon.decide": VALUES,
    "daemon.settings": VALUES | {"daemon.rules", "daemon.lineage"},
    "daemon.delivery": VALUES | {"daemon.store", "daemon.alerts"},
    "daemon.cycle": VALUES
    | {f"daemon.{n}" for n in ("alerts", "decide", "evaluate", "lineage", "neon", "passwords", "settings", "store")},
    "daemon.staging": VALUES
    | SANITIZERS
    | {f"daemon.{n}" for n in ("alerts", "connect", "keys", "neon", "settings", "store")},
    "daemon.web": VALUES,
    "daemon.app": VALUES
    | SANITIZERS
    | {
        f"daemon.{n}"
        for n in (
            "alerts", "connect", "cycle", "delivery", "evaluate", "keys", "lineage", "log", "neon", "settings", "staging", "store"
        )
    },
    "daemon.schedule": VALUES | {f"daemon.{n}" for n in ("app", "log", "settings", "web")},
    "sanitizers": set(),
    "emulator": set(),
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

    if own == "daemon.cli" or own == "daemon.__main__":
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
                assert isinstance(node.args[0], ast.Constant | ast.Name | ast.Attribute), f"{path}:{node.lineno}"
