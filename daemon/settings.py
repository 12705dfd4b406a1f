"""Settings: the defaults that ship with the program, then a TOML file, then the environment. Wrong means no start.

Source of the layering: pydantic-settings. It ignores a missing file and a misspelt variable; both are errors here.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, TypeAdapter, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings.exceptions import SettingsError as UnreadableVariableError

from daemon.duration import Duration
from daemon.errors import SettingsError, WrongKeyError
from daemon.purposes import PurposePattern
from daemon.rules import Rule, default_rules
from daemon.shipped import CONFIG

PREFIX = "BRANCHWARDEN_"
CONFIG_VARIABLE = "BRANCHWARDEN_CONFIG"
DEFAULT_FILE = Path("branchwarden.toml")


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ProjectSettings(_Section):
    """One project to watch; `production` holds names or ids of branches."""

    id: str = Field(pattern=r"^[a-z0-9-]{1,60}$")
    production: tuple[str, ...] = ()


class ApiSettings(_Section):
    """How to reach Neon's API."""

    host: str
    requests_per_minute: int = Field(ge=1, le=700)
    timeout: Duration
    operation_timeout: Duration


class ScheduleSettings(_Section):
    """When a cycle runs."""

    every: Duration


class StateSettings(_Section):
    """Where the state store lies."""

    path: Path


class HttpSettings(_Section):
    """The local page for probes and metrics; port 0 turns it off."""

    host: str
    port: int = Field(ge=0, le=65535)


class AlertSettings(_Section):
    """Where alerts go; at most one of the two."""

    webhook_url: SecretStr | None = None
    webhook_url_file: Path | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.webhook_url and self.webhook_url_file:
            raise ValueError("set webhook_url or webhook_url_file, not both")
        return self

    def url(self) -> str | None:
        """The webhook's URL from wherever it is, or None. Raises SettingsError."""
        text = self.webhook_url.get_secret_value() if self.webhook_url else None
        if self.webhook_url_file:
            text = read_secret(self.webhook_url_file, "alerts.webhook_url_file")
        return text or None


class KeySettings(_Section):
    """The folder of the masking keys."""

    path: Path


class AttestationSettings(_Section):
    """The folder of the attestations."""

    path: Path


class StagingSettings(_Section):
    """The sanitized staging branch."""

    enabled: bool
    name: str = Field(min_length=1, max_length=200)
    source: str
    policy: Path
    max_age: Duration
    root_branches: int = Field(ge=0)


class BranchSettings(_Section):
    """How branches are read."""

    deletion_date_keys: tuple[str, ...]


class Settings(BaseSettings):
    """Everything that can be set; frozen."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix=PREFIX, env_nested_delimiter="__", hide_input_in_errors=True
    )

    project: str | None = None
    projects: tuple[ProjectSettings, ...] = ()
    enforce: bool
    api: ApiSettings
    schedule: ScheduleSettings
    state: StateSettings
    http: HttpSettings
    alerts: AlertSettings
    keys: KeySettings
    attestations: AttestationSettings
    staging: StagingSettings
    branches: BranchSettings
    purposes: tuple[PurposePattern, ...]
    rules: Mapping[str, Mapping[str, Any]] = {}

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003  # pydantic-settings passes it
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  # pydantic-settings passes all four
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003  # same
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment before files; the files come in as init arguments."""
        return env_settings, init_settings

    @model_validator(mode="after")
    def _rules_parse(self) -> Self:
        self.all_rules()
        return self

    def watched(self) -> tuple[ProjectSettings, ...]:
        """The projects to watch, the shorthand `project` included. Raises SettingsError when there is none."""
        extra = () if self.project is None else (ProjectSettings(id=self.project),)
        found = {p.id: p for p in (*extra, *self.projects)}
        if not found:
            raise SettingsError(
                "no project to watch: set BRANCHWARDEN_PROJECT=<project id> or list [[projects]] in the config file"
            )
        return tuple(found.values())

    def all_rules(self) -> tuple[Rule, ...]:
        """The rules with what the settings change in them."""
        defaults = {rule.kind: rule for rule in default_rules()}
        for kind in self.rules:
            if kind not in defaults:
                raise ValueError(f"there is no rule `{kind}`: the rules are {', '.join(defaults)}")
        adapter: TypeAdapter[Rule] = TypeAdapter(Rule)
        # What is stale is said once, under [staging]; the rule may still be stricter or milder than the renewal.
        given = {"stale-staging": {"max_age": self.staging.max_age}}
        return tuple(
            adapter.validate_python({"kind": kind, **given.get(kind, {}), **self.rules.get(kind, {})})
            for kind in defaults
        )


def load_settings(path: Path | None = None, **overrides: Any) -> Settings:
    """Settings from defaults, the TOML file and the environment.

    `path` is the file that was asked for; without it BRANCHWARDEN_CONFIG, then ./branchwarden.toml if it is there.
    Raises SettingsError with every problem.
    """
    _refuse_unknown_variables(os.environ)
    data = _merge(tomllib.loads((CONFIG / "branchwarden.toml").read_text()), _read_file(path))
    if host := os.environ.get("NEON_API_HOST"):
        data = _merge(data, {"api": {"host": host}})
    try:
        return Settings(**_merge(data, overrides))
    except ValidationError as error:
        raise SettingsError(_explain(error)) from None
    except UnreadableVariableError as error:
        raise SettingsError(f"{error}: lists and tables are written as JSON in a variable") from None


def api_key(environ: Mapping[str, str]) -> str:
    """The API key from NEON_API_KEY or NEON_API_KEY_FILE. Raises WrongKeyError when there is none."""
    if file := environ.get("NEON_API_KEY_FILE"):
        key = read_secret(Path(file), "NEON_API_KEY_FILE")
    else:
        key = environ.get("NEON_API_KEY", "").strip()
    if not key:
        raise WrongKeyError("no API key: set NEON_API_KEY, or NEON_API_KEY_FILE to a file that holds it")
    if not key.isascii() or any(c.isspace() or not c.isprintable() for c in key):
        raise WrongKeyError("the API key holds a character that no key has; was something else pasted?")
    return key


def read_secret(path: Path, name: str) -> str:
    """The stripped content of a secrets file. Raises SettingsError."""
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not text"
        raise SettingsError(f"{name}: cannot read {path}: {reason}") from None


def _read_file(asked: Path | None) -> dict[str, Any]:
    path = asked or (Path(os.environ[CONFIG_VARIABLE]) if os.environ.get(CONFIG_VARIABLE) else None)
    if path is None:
        if not DEFAULT_FILE.exists():
            return {}
        path = DEFAULT_FILE
    try:
        data = tomllib.loads(path.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SettingsError(f"{path} is not TOML: {error}") from None
    except OSError as error:
        raise SettingsError(f"cannot read the config file {path}: {error.strerror}") from None
    return _resolve(data, path.resolve().parent)


def _resolve(data: dict[str, Any], base: Path) -> dict[str, Any]:
    """Paths in a config file are relative to it, so that the daemon may start anywhere."""
    for section, key in (
        ("state", "path"),
        ("keys", "path"),
        ("attestations", "path"),
        ("staging", "policy"),
        ("alerts", "webhook_url_file"),
    ):
        values = data.get(section)
        if isinstance(values, dict) and isinstance(values.get(key), str):
            values[key] = str(base / values[key])
    return data


def _merge(low: Mapping[str, Any], high: Mapping[str, Any]) -> dict[str, Any]:
    """Tables merge key by key; anything else is replaced whole."""
    merged = dict(low)
    for key, value in high.items():
        mine = merged.get(key)
        merged[key] = _merge(mine, value) if isinstance(mine, Mapping) and isinstance(value, Mapping) else value
    return merged


def _refuse_unknown_variables(environ: Mapping[str, str]) -> None:
    known = {CONFIG_VARIABLE, *_variables(Settings, PREFIX)}
    for name in sorted(n for n in environ if n.upper().startswith(PREFIX)):
        if name.upper() in known or name.upper().startswith(f"{PREFIX}RULES__"):
            continue
        close = difflib.get_close_matches(name.upper(), sorted(known), n=1)
        hint = f"; did you mean {close[0]}?" if close else "; `branchwarden config check --all` lists them"
        raise SettingsError(f"unknown setting in the environment: {name}{hint}")


def variables() -> Iterator[str]:
    """The names of all settings as environment variables."""
    yield from _variables(Settings, PREFIX)


def _variables(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield f"{prefix}{name.upper()}"
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _variables(field.annotation, f"{prefix}{name.upper()}__")


def _explain(error: ValidationError) -> str:
    """Each problem as `place: what is wrong`; never the value, it may be a secret."""
    lines = []
    for problem in error.errors(include_input=False, include_url=False):
        place = ".".join(str(part) for part in problem["loc"])
        message = "unknown setting" if problem["type"] == "extra_forbidden" else problem["msg"]
        lines.append(f"{place}: {message}" if place else message)
    return "\n".join(lines)
