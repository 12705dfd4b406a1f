"""The guides, the explanations and the README: links lead somewhere, and what they tell people to type exists."""

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from daemon.cli.main import app
from emulator.seed import SeedBranch, SeedDatabase, SeedProject

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
GUIDES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((DOCS / "howto").glob("*.md"))]


def _root() -> Any:
    return typer.main.get_command(app)


def _options(command: Any) -> set[str]:
    return {n for p in command.params for n in (*p.opts, *p.secondary_opts) if n.startswith("-")} | {"--help"}


def _blocks(page: Path) -> list[str]:
    return re.findall(r"^```\w*\n(.*?)^```", page.read_text(), flags=re.MULTILINE | re.DOTALL)


def test_the_keys_of_a_seed_are_there() -> None:
    page = (DOCS / "howto" / "emulator.md").read_text()

    keys = {*SeedProject.model_fields, *SeedDatabase.model_fields, *SeedBranch.model_fields}
    assert {"init_source", "last_active", "pg_version"} <= keys
    assert [key for key in sorted(keys) if not re.search(rf"\b{key}\b", page)] == []


# Links and code


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _links() -> list[tuple[Path, str]]:
    pages = [*PAGES, ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    found = [(page, link) for page in pages for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text())]
    return [(page, link) for page, link in found if not re.match(r"[a-z]+:", link)]


def test_links_resolve() -> None:
    links = _links()

    assert (DOCS / "howto" / "start.md", "masking-policy.md") in links
    broken = []
    for page, link in links:
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            broken.append(f"{page.relative_to(ROOT)}: {link}")
    assert broken == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, waiting = set[Path](), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        reached.add(page)
        linked = {(page.parent / link.partition("#")[0]).resolve() for here, link in _links() if here == page}
        waiting += [p for p in linked if p.suffix == ".md" and p.exists() and p not in reached]

    assert len(PAGES) >= 15
    assert [str(page.relative_to(ROOT)) for page in PAGES if page not in reached] == []


def _lines(page: Path) -> Iterator[str]:
    """Lines of code blocks that run something, continuation lines joined."""
    for block in _blocks(page):
        for line in block.replace("\\\n", " ").splitlines():
            yield line.strip().removeprefix("$ ")


def _calls(program: str) -> Iterator[tuple[str, list[str]]]:
    """Every call of a program in the guides, alone, behind variables, inside `$(...)` or behind `docker`."""
    for page in GUIDES:
        for line in _lines(page):
            inner = re.findall(r"\$\(([^()]+)\)", line)
            for text in [*inner, *re.split(r"&&|\||;|>", line)]:
                words = _words(text)
                if program in words[:1]:
                    yield f"{page.relative_to(ROOT)}: {text.strip()}", words[1:]


def _words(text: str) -> list[str]:
    try:
        words = shlex.split(text, comments=True)
    except ValueError:  # a piece of a quoted text that holds one of the separators
        return []
    while words and re.fullmatch(r"[A-Z_]+=.*|export", words[0]):
        words = words[1:]
    if words[:1] == ["docker"]:
        return _in_container(words)
    return [Path(words[0]).name, *words[1:]] if words else []


def _in_container(words: list[str]) -> list[str]:
    """`run branchwarden ARGS` has the program as its entry point, `exec CONTAINER PROGRAM ARGS` names it."""
    if "run" in words[:3] and "branchwarden" in words:
        return words[words.index("branchwarden") :]
    behind = words[words.index("exec") + 1 :] if "exec" in words[:3] else []
    while behind and behind[0].startswith("-"):
        behind = behind[1:]
    return behind[1:]


def _problem(arguments: list[str]) -> str | None:
    """Why the command line would not take these arguments; nothing is run."""
    command, rest = _root(), arguments
    while hasattr(command, "commands") and rest and not rest[0].startswith("-"):
        if rest[0] not in command.commands:
            return f"no command {rest[0]}"
        command, rest = command.commands[rest[0]], rest[1:]
    if hasattr(command, "commands"):
        return None if set(rest) <= _options(command) else "a group with unknown options"
    if unknown := [r for r in rest if r.startswith("-") and r.partition("=")[0] not in _options(command)]:
        return f"unknown options {unknown}"
    if len(rest) < sum(p.required for p in command.params if p.param_type_name == "argument"):
        return "an argument is missing"
    return None


def test_calls_of_branchwarden_in_the_guides_name_what_exists() -> None:
    calls = list(_calls("branchwarden"))

    seen = {" ".join(arguments[:1]) for _, arguments in calls}
    assert {"once", "sanitize", "connect", "exempt", "emulator", "doctor"} <= seen
    assert [f"{where}: {problem}" for where, arguments in calls if (problem := _problem(arguments))] == []


@pytest.mark.parametrize(
    "line",
    [
        "branchwarden sanitize --dry-run",
        ".venv/bin/branchwarden sanitize --dry-run  # why",
        "NEON_API_KEY=napi_x branchwarden sanitize --dry-run",
        "docker exec --tty warden branchwarden sanitize --dry-run",
        "docker compose exec branchwarden branchwarden sanitize --dry-run",
        "docker compose run --rm branchwarden sanitize --dry-run",
    ],
)
def test_a_call_is_found_wherever_it_stands(line: str) -> None:
    assert _words(line) == ["branchwarden", "sanitize", "--dry-run"]


@pytest.mark.parametrize("line", ["onse", "once --nope", "explain", "keys make", "config check --every"])
def test_a_wrong_call_would_be_found(line: str) -> None:
    assert _problem(shlex.split(line)) is not None


def test_calls_of_make_in_the_guides_name_targets() -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    calls = list(_calls("make"))

    assert {"demo", "test", "lint"} <= targets
    assert any("test" in arguments for _, arguments in calls)
    wanted = [(where, word) for where, arguments in calls for word in arguments if "=" not in word]
    assert [f"{where}: {word}" for where, word in wanted if word not in targets] == []


@pytest.mark.parametrize("line", ["make demo", "make test"])
def test_the_readme_begins_with_the_two_commands(line: str) -> None:
    assert line in (ROOT / "README.md").read_text()


@pytest.mark.parametrize(
    "page", [*PAGES, ROOT / "README.md", ROOT / "CONTRIBUTING.md"], ids=lambda page: str(page.relative_to(ROOT))
)
def test_a_page_is_finished(page: Path) -> None:
    text = page.read_text()

    assert text.startswith("# ")
    unfinished = r"\b(TODO|TBD|FIXME|XXX|lorem|coming soon)\b"  # what a page says that was published unwritten
    assert re.findall(unfinished, text, flags=re.IGNORECASE) == []


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: str(page.relative_to(ROOT)))
def test_toml_in_the_guides_can_be_read(page: Path) -> None:
    for block in re.findall(r"^```toml\n(.*?)^```", page.read_text(), flags=re.MULTILINE | re.DOTALL):
        tomllib.loads(block)


def test_contributing_stays_short() -> None:
    assert len((ROOT / "CONTRIBUTING.md").read_text().splitlines()) <= 60
