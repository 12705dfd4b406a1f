"""One sanitize run against Neon: preflight → seal → mask → verify → publish."""

from daemon.staging.context import Manner, Patience, Progress, StagingContext, StagingRequest
from daemon.staging.leftovers import settle_unfinished
from daemon.staging.preflight import Preflight, preflight, read_layout
from daemon.staging.publish import Published
from daemon.staging.run import sanitize

__all__ = [
    "Manner",
    "Patience",
    "Preflight",
    "Progress",
    "Published",
    "StagingContext",
    "StagingRequest",
    "preflight",
    "read_layout",
    "sanitize",
    "settle_unfinished",
]
