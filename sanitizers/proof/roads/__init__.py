"""The roads on which an original could be reached. Adding one is a file and its name in `ALL_ROADS`."""

from __future__ import annotations

from sanitizers.proof.roads.columns import Columns
from sanitizers.proof.roads.containment import Containment
from sanitizers.proof.roads.definitions import Definitions
from sanitizers.proof.roads.detectors import Detectors
from sanitizers.proof.roads.generated import Generated
from sanitizers.proof.roads.key import MaskingKeyRoad
from sanitizers.proof.roads.large_objects import LargeObjects
from sanitizers.proof.roads.leftovers import Leftovers
from sanitizers.proof.roads.links import Links
from sanitizers.proof.roads.matviews import MaterializedViews
from sanitizers.proof.roads.pages import Pages
from sanitizers.proof.roads.passwords import Passwords
from sanitizers.proof.roads.road import Compared, Found, Road, Site, Status, guarded, look_down
from sanitizers.proof.roads.same_key import SameKey
from sanitizers.proof.roads.sequences import Sequences
from sanitizers.proof.roads.shape import Shape
from sanitizers.proof.roads.statements import Statements
from sanitizers.proof.roads.statistics import Statistics
from sanitizers.proof.roads.substring import Substring
from sanitizers.proof.roads.tokens import Tokens

ALL_ROADS: tuple[Road, ...] = (
    Columns(),
    Containment(),
    SameKey(),
    Tokens(),
    Substring(),
    Statistics(),
    MaterializedViews(),
    Generated(),
    Definitions(),
    LargeObjects(),
    Statements(),
    Pages(),
    Detectors(),
    Links(),
    Leftovers(),
    MaskingKeyRoad(),
    Passwords(),
    Shape(),
    Sequences(),
)
"""In the order in which reports show them."""

RUN_ROADS: tuple[Road, ...] = tuple(Links(decided=True) if isinstance(road, Links) else road for road in ALL_ROADS)
"""The same for a run, which is refused until its policy names every foreign table."""

__all__ = ["ALL_ROADS", "RUN_ROADS", "Compared", "Found", "Road", "Site", "Status", "guarded", "look_down"]
