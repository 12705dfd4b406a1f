"""How a road answers that found something, saw nothing, or saw a part of what there is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sanitizers.proof.roads.road import Found, Road, Site, Status


@dataclass(frozen=True)
class Answer:
    """What was found and what was not seen; see `Found`."""

    numbers: Mapping[str, int]
    sentence: str
    problems: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    sampled: bool = False

    def of(self, road: Road, site: Site) -> Found:
        """FAIL where there are problems, UNKNOWN where something was not seen, otherwise SAMPLED or PASS."""
        clean = Status.SAMPLED if self.sampled else Status.PASS
        status = Status.FAIL if self.problems else Status.UNKNOWN if self.unseen else clean
        return Found(road.name, site.database, status, dict(self.numbers), self.sentence, self.problems, self.unseen)


def other_encoding(site: Site) -> tuple[str, ...]:
    """Half a sentence where a source has other bytes for the same text, so that hashes of texts say nothing."""
    if site.source is None:
        return ()
    names = [conn.info.parameter_status("server_encoding") for conn in (site.source, site.target)]
    if names[0] == names[1]:
        return ()
    return (f"texts beyond ASCII: {names[0]} of the source and {names[1]} of {site.database} write them otherwise",)


def many(count: int, one: str, several: str = "") -> str:
    """`1 row`, `2 rows`."""
    return f"{count:,} {one if count == 1 else several or one + 's'}"
