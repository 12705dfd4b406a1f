"""Sanitizing any Postgres, without Neon: from one database into another, or where it is."""

from daemon.plain.clean_room import CleanRoom, copy_masked
from daemon.plain.in_place import InPlace, mask_in_place
from daemon.plain.outlook import Outlook, look_ahead
from daemon.plain.server import Facts, PlainDatabase, parse_dsn

__all__ = [
    "CleanRoom",
    "Facts",
    "InPlace",
    "Outlook",
    "PlainDatabase",
    "copy_masked",
    "look_ahead",
    "mask_in_place",
    "parse_dsn",
]
