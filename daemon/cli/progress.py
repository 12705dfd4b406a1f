"""Progress of a run: bars on a terminal, plain lines otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.text import Text

from daemon.cli.common import clean, err
from daemon.staging import Progress


@contextmanager
def telling() -> Iterator[Callable[[Progress], None]]:
    """A function that shows what a run tells."""
    if not err.is_terminal:
        yield _plain()
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(20), MofNCompleteColumn())
    with Bars(*columns, TimeElapsedColumn(), console=err, transient=True) as bars:
        task = bars.add_task("", total=None, visible=False)

        def tell(progress: Progress) -> None:
            if not progress.fine:
                bars.console.print(_line(progress))
            bars.update(
                task,
                description=f"{progress.step:<9} {clean(progress.sentence)}",
                total=max(progress.total, progress.done) or None,
                completed=progress.done,
                visible=progress.fine,
            )

        yield tell


def _plain() -> Callable[[Progress], None]:
    """One line per sentence: what only counts on is left out."""

    def tell(progress: Progress) -> None:
        if not progress.fine:
            err.print(f"  {progress.step:<9} {clean(progress.sentence)}", soft_wrap=True)

    return tell


def _line(progress: Progress) -> Text:
    return Text(f"  {progress.step:<9} ", "cyan").append(clean(progress.sentence), "default")
