"""One sanitize run against Neon: preflight → seal → mask → verify → publish."""

from daemon.staging.context import Manner, Patience, Progress, StagingContext, StagingRequest
from daemon.staging.copies import SealedCopy
from daemon.staging.leftovers import settle_unfinished
from daemon.staging.preflight import Preflight, preflight, read_layout
from daemon.staging.publish import Published
from daemon.staging.run import sanitize
from daemon.staging.source import Unsourced, origin_of, sealed_source, source_of

__all__ = [
    "Manner",
    "Patience",
    "Preflight",
    "Progress",
    "Published",
    "SealedCopy",
    "StagingContext",
    "StagingRequest",
    "Unsourced",
    "origin_of",
    "preflight",
    "read_layout",
    "sanitize",
    "sealed_source",
    "settle_unfinished",
    "source_of",
]
