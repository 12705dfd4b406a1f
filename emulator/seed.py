"""What a seed folder may say: `project.toml`, and the SQL files that it names."""

from __future__ import annotations

import re
import tomllib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from emulator.errors import SeedError

FILE = "project.toml"
BUILT_IN = Path(__file__).parent / "seeds"
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}  # seconds
_AGE = re.compile(r"([+-]?)(\d+)([smhd])")
_DATE = re.compile(r"\{([+-]\d+[smhd])\}")


def parse_age(text: object) -> timedelta:
    """Read an age such as 40d, 12h, 30m or -3d."""
    match = _AGE.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError("an age is a number and one of s, m, h, d, such as 40d")
    sign, number, unit = match.groups()
    return timedelta(seconds=int(number) * UNITS[unit] * (-1 if sign == "-" else 1))


Age = Annotated[timedelta, BeforeValidator(parse_age)]


class Part(BaseModel):
    """A table of project.toml: a misspelt name in it is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SeedProject(Part):
    """The table `project`."""

    name: str
    id: str | None = None
    pg_version: Literal[16, 18] = 18
    subscription_type: str = "launch_v3"
    root_branches_limit: int | None = None
    branches_limit: int | None = None
    history_retention_seconds: int = 86400
    created: Age = timedelta()


class SeedDatabase(Part):
    """A database of a branch. On a child branch it is the parent's, and `sql` changes it."""

    name: str
    owner: str = "neondb_owner"
    sql: tuple[str, ...] = ()


class SeedBranch(Part):
    """A branch: the first is the initial root, the others have a parent that stands above them."""

    name: str
    parent: str | None = None
    default: bool = False
    protected: bool = False
    init_source: Literal["parent-data", "schema-only"] = "parent-data"
    created: Age = timedelta()
    last_active: Age | None = None
    reset: Age | None = None
    expires: Age | None = None
    endpoint: bool = True
    roles: tuple[str, ...] = ("neondb_owner",)
    databases: tuple[SeedDatabase, ...] = ()
    annotation: dict[str, str] = Field(default_factory=dict)

    def annotation_at(self, now: datetime) -> dict[str, str]:
        """Give the annotation with `{-3d}` and `{+5d}` written as dates, so that a seed never grows stale."""
        return {k: _DATE.sub(lambda m: f"{now + parse_age(m[1]):%Y-%m-%d}", v) for k, v in self.annotation.items()}


class Seed(Part):
    """A whole project.toml."""

    project: SeedProject
    branches: tuple[SeedBranch, ...]

    @model_validator(mode="after")
    def check(self) -> Seed:
        """Check that names are unique, parents come first and exactly one branch is the default."""
        seen: set[str] = set()
        for branch in self.branches:
            _check_place(branch, seen)
            seen.add(branch.name)
        if sum(b.default for b in self.branches) != 1:
            raise ValueError("exactly one branch must say default = true")
        return self


def read(place: str | Path) -> tuple[Seed, Path]:
    """Read a built-in seed by name or a folder; raises SeedError with the first thing that is wrong."""
    folder = BUILT_IN / place if isinstance(place, str) and (BUILT_IN / place / FILE).exists() else Path(place)
    path = folder / FILE
    try:
        seed = Seed.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise SeedError(f"Cannot read the seed {path}: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SeedError(f"The seed {path} is not TOML: {error}.") from error
    except ValidationError as error:
        raise SeedError(f"The seed {path} is wrong: {_first(error)}.") from error
    _check_files(seed, folder)
    return seed, folder


def _check_place(branch: SeedBranch, seen: set[str]) -> None:
    if branch.name in seen:
        raise ValueError(f"two branches are called {branch.name}")
    if not seen and branch.parent is not None:
        raise ValueError("the first branch is the root and has no parent")
    if seen and branch.parent is None:
        raise ValueError(f"branch {branch.name} needs a parent (only the first branch has none)")
    if branch.parent is not None and branch.parent not in seen:
        raise ValueError(f"branch {branch.name} has the parent {branch.parent}, which does not stand above it")


def _check_files(seed: Seed, folder: Path) -> None:
    named = [s for branch in seed.branches for database in branch.databases for s in database.sql]
    for missing in (n for n in named if not (folder / n).is_file()):
        raise SeedError(f"The seed {folder / FILE} names {missing}, and there is no such file beside it.")


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    place = ".".join(str(p) for p in first["loc"])
    return f"{place}: {first['msg']}" if place else str(first["msg"])
