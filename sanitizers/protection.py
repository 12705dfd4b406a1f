"""The changes that Python makes to rows as they stream by: tokens for values, and texts without what is personal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from sanitizers.errors import FieldError
from sanitizers.fields.cipher import Context, encrypt
from sanitizers.fields.documents import scrub_json
from sanitizers.fields.fakes import Fakes
from sanitizers.fields.keyring import Keyring
from sanitizers.fields.known import Known
from sanitizers.fields.rows import Change, Layout, Row, RowTransformer
from sanitizers.fields.scrub import scrub
from sanitizers.fields.written import read_value, text_of, written_token
from sanitizers.plan import ColumnPlan, TablePlan
from sanitizers.problems.links import PADDED
from sanitizers.schema import ColumnRef
from sanitizers.strategies.encrypt import Encrypt, token_category
from sanitizers.streamed import ENCRYPTED, REMOVED, Pair, Stream


@dataclass(frozen=True)
class Protection:
    """The keys of a run: that of its fakes, and those of its fields if there are any."""

    key: bytes = field(repr=False)
    keyring: Keyring | None = None

    def transformer(self, stream: Stream) -> RowTransformer:
        """What the rows of a stream go through. Raises FieldError where a key is needed that is not there."""
        table = stream.table
        texts = _Texts(Fakes(self.key, table.locale), stream.pairs)
        changes = {
            n: self._sealed(stream, n) if isinstance(plan.strategy, Encrypt) else texts.change(n, plan)
            for n, plan in enumerate(table.columns)
            if plan.strategy.streamed
        }
        return RowTransformer(Layout(stream.width, changes, len(table.columns)))

    def _sealed(self, stream: Stream, number: int) -> Change:
        if self.keyring is None:
            raise FieldError("the policy encrypts and there is no field key: make one with `branchwarden keys new`")
        ring, plan, origin, at = self.keyring, stream.table.columns[number], stream.origin(number), stream.place(number)
        context, category, array = place_of(stream.table, plan), token_category(plan.column), _is_array(plan)
        deterministic = isinstance(plan.strategy, Encrypt) and plan.strategy.deterministic
        octets, padded = origin.column.category == "bytea", origin.column.bare_type in PADDED

        def change(row: Row) -> bytes | None:
            value = row[at]
            if value is None:
                return None
            # What char(n) is filled up with is no part of its value, and its token would never fit.
            plain = read_value(value.rstrip(b" ") if padded else value, octets=octets)
            token = encrypt(plain, context, ring, deterministic=deterministic)
            return written_token(token, document=category == "json", array=array)

        return change


def _is_array(plan: ColumnPlan) -> bool:
    return plan.column.category == "array"


def place_of(table: TablePlan, plan: ColumnPlan) -> Context:
    """Where a column's values are encrypted: in its own place, or in that of the column that it refers to."""
    root = plan.root or ColumnRef(table.table.schema, table.table.name, plan.column.name)
    return Context(root.schema, root.table, root.column)


class _Texts:
    """Scrubs the texts of a table; what is known of a row is put together once for all its texts."""

    def __init__(self, fakes: Fakes, pairs: tuple[Pair, ...]) -> None:
        self._fakes, self._pairs = fakes, pairs
        self._last: tuple[Row, Known] | None = None

    def change(self, number: int, plan: ColumnPlan) -> Change:
        """The change of one column."""
        scrubbed: Callable[[str, Fakes, Known], str] = scrub_json if plan.column.category == "json" else scrub
        most = plan.column.max_length

        def change(row: Row) -> bytes | None:
            value = row[number]
            if value is None:
                return None
            return scrubbed(text_of(value), self._fakes, self._known(row))[:most].encode()

        return change

    def _known(self, row: Row) -> Known:
        if self._last is None or self._last[0] is not row:
            self._last = row, Known(pair for known in self._pairs for pair in _told(known, row))
        return self._last[1]


def _told(pair: Pair, row: Row) -> Iterator[tuple[str, str]]:
    """The original and what comes instead; of a name of two words each word as well."""
    value = row[pair.original]
    if value is None:
        return
    raw = ENCRYPTED.encode() if pair.fake is None else row[pair.fake]
    original, fake = text_of(value), REMOVED if raw is None else text_of(raw)
    yield original, fake
    words, others = original.split(), fake.split()
    if pair.name and len(words) == len(others) == 2:  # a first and a last one
        yield from zip(words, others, strict=True)
