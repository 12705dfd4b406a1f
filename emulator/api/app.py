"""The Starlette application."""

from __future__ import annotations

import psycopg
from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from emulator.api import branches, endpoints, logins, projects
from emulator.api.web import refused
from emulator.cloud import Cloud
from emulator.errors import ApiError, EmulatorError

REFUSED = (ApiError, HTTPException, EmulatorError, psycopg.Error, OSError)


def build(cloud: Cloud) -> Starlette:
    """Make the application for an emulated Neon."""
    app = Starlette(
        routes=[*projects.routes, *branches.routes, *logins.routes, *endpoints.routes],
        exception_handlers=dict.fromkeys(REFUSED, refused),
    )
    app.state.cloud = cloud
    return app
