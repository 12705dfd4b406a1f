"""A column list that cannot be read, or a result that cannot be written: which file it is, and what is wanted."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.errors import UsageError
from daemon.policies import classify_columns

HEADER = "project,table,column,type,comment"


def refusal(source: Path, target: Path) -> str:
    with pytest.raises(UsageError) as refused:
        classify_columns(source, target)
    return str(refused.value)


def test_each_file_that_is_wrong_is_named_with_what_is_wanted(tmp_path: Path) -> None:
    good, odd, absent, out = (tmp_path / name for name in ("in.csv", "odd.csv", "absent.csv", "out.csv"))
    good.write_text(f"{HEADER}\np,t,email,text,\n", encoding="utf-8")
    odd.write_bytes(b"\xff\xfe\x00")
    nowhere = tmp_path / "no folder" / "out.csv"

    assert refusal(absent, out) == (
        f"--columns {absent} cannot be read: No such file or directory: name a CSV file with the header {HEADER}"
    )
    assert refusal(odd, out) == f"--columns {odd} is no CSV file in UTF-8: write one with the header {HEADER}"
    assert refusal(good, nowhere) == (
        f"--out {nowhere} cannot be written: No such file or directory: name a file in a folder that is there and yours"
    )
