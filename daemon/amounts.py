"""Sizes and times for people, as rough as an estimate is."""

from __future__ import annotations


def readable_size(size: int) -> str:
    """Bytes as MB or GB."""
    return f"{size / 1e6:,.1f} MB" if size < 1e9 else f"{size / 1e9:,.1f} GB"


def readable_time(seconds: float) -> str:
    """Seconds as minutes, one at least, or from two hours on as hours."""
    minutes = max(1, round(seconds / 60))
    return f"{minutes} min" if minutes < 120 else f"{seconds / 3600:,.1f} hours"


def counted(number: int, noun: str) -> str:
    """A number of things: 1 table, 2,000 tables."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
