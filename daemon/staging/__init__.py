"""One sanitize run against Neon: preflight → seal → mask → verify → publish."""

from daemon.staging.context import Progress, StagingContext, StagingRequest
from daemon.staging.leftovers import settle_unfinished
from daemon.staging.preflight import Preflight, preflight, read_schemas
from daemon.staging.publish import Published, delete_superseded
from daemon.staging.run import sanitize

__all__ = [
    "Preflight",
    "Progress",
    "Published",
    "StagingContext",
    "StagingRequest",
    "delete_superseded",
    "preflight",
    "read_schemas",
    "sanitize",
    "settle_unfinished",
]
