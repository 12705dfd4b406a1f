"""`verify`: the residue proof alone, and whether an attestation holds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from daemon.app import open_app
from daemon.checking import AttestationChecked, BranchCheck, Checked, PlainCheck, check_attestation, check_plain
from daemon.checking.attestation import read_file, read_key
from daemon.checking.page import page
from daemon.cli.common import ConfigOption, JsonOption, ProjectOption, clean, err, one_line, out, print_json
from daemon.cli.options import KeyOption, PolicyOption, chosen_policy
from daemon.cli.progress import telling
from daemon.cli.roads import STATUS_STYLE, roads_table
from daemon.cli.signals import signals
from daemon.errors import SettingsError, UsageError
from daemon.keys import given_key, retired_keys, secret_of, trusted_keys
from daemon.plain import parse_dsn
from daemon.progress import Watch
from daemon.settings import Settings, load_settings
from sanitizers.policy import MaskingPolicy
from sanitizers.proof.roads import Status

OUTCOMES = {
    Status.PASS: "clean",
    Status.SAMPLED: "clean",
    Status.FAIL: "findings",
    Status.UNKNOWN: "incomplete",
}


def add_to(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.command()(verify)


def verify(
    branch: Annotated[str | None, typer.Argument(help="A branch that is not production.", show_default=False)] = None,
    dsn: Annotated[
        str | None, typer.Option(help="Any Postgres instead, masked by whatever.", show_default=False)
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="The database before masking: originals come from it.", show_default=False)
    ] = None,
    with_source: Annotated[
        bool,
        typer.Option("--with-source", help="Compare BRANCH with a sealed, short-lived copy of production as it was."),
    ] = False,
    policy: PolicyOption = None,
    key: KeyOption = None,
    attestation: Annotated[
        Path | None, typer.Option(help="Check this attestation; alone, without a connection.", show_default=False)
    ] = None,
    public_key: Annotated[
        Path | None, typer.Option("--public-key", help="Trust this key instead of one's own.", show_default=False)
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Every row and every letter, but for pages: may take hours.")
    ] = False,
    html: Annotated[
        Path | None, typer.Option("--html", help="Write a report for people to this file.", show_default=False)
    ] = None,
    config: ConfigOption = None,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look down every road to an original. Exit 1 when something is found, 3 when something could not be looked at."""
    settings = load_settings(config)
    if with_source and branch is None:
        raise UsageError("--with-source speaks of a BRANCH: name one; for --dsn give --source")
    _refuse_mixed(branch, dsn, project, source)
    if attestation is not None and branch is None and dsn is None:
        _refuse_idle({"--full": full, "--policy": policy, "--key": key})
    attested = _attested(settings, attestation, public_key)
    given = given_key(key).secret if key else None
    if branch is not None:
        asked = BranchCheck(
            policy=_policy(settings, policy),
            key_of=lambda key_id: given or secret_of(settings.keys.path, key_id),
            keys=[read_key(public_key)] if public_key else trusted_keys(settings.keys.path),
            attestation=attested,
            full=full,
        )
        if with_source and asked.policy is None:
            raise UsageError("--with-source needs a masking policy: nobody knows otherwise what the originals are")
        checked = _on_neon(settings, (project, branch), asked, with_source=with_source)
    elif dsn is not None:
        with telling() as tell:
            watch = Watch(tell)
            with signals(watch.abandon, watch.ahead):
                check = PlainCheck(
                    target=parse_dsn("--dsn", dsn, watch.connections.add),
                    source=parse_dsn("--source", source, watch.connections.add) if source else None,
                    policy=_policy(settings, policy),
                    key=given or secret_of(settings.keys.path, attested.key_id if attested else ""),
                    attestation=attested,
                    full=full,
                )
                checked = check_plain(check, watch)
    elif attested is not None:
        checked = Checked(str(attestation), datetime.now(UTC), attestation=attested)
    else:
        raise UsageError("give a BRANCH, --dsn or --attestation: there is nothing to look at")
    _write(checked, html)
    _print_json(checked) if as_json else _print(checked)
    raise typer.Exit(checked.exit_code)


def _on_neon(settings: Settings, wanted: tuple[str | None, str], check: BranchCheck, *, with_source: bool) -> Checked:
    """`wanted` are project and branch. A sealed source is in the ledger, which is then held alone."""
    project, branch = wanted
    with (
        telling() as tell,
        open_app(settings, exclusive=with_source, tell=tell) as app,
        signals(app.staging.abandon, app.staging.ahead),
    ):
        look = app.check_with_source if with_source else app.check_branch
        return look(app.choose_one(project), branch, check)


def _refuse_mixed(branch: str | None, dsn: str | None, project: str | None, source: str | None) -> None:
    if branch is not None and dsn is not None:
        raise UsageError("give a BRANCH or --dsn, not both")
    if project is not None and branch is None:
        raise UsageError("--project speaks of a BRANCH: name one, or leave it out")
    if source is not None and dsn is None:
        raise UsageError("--source speaks of --dsn: give the database that was masked, or leave it out")


def _refuse_idle(given: Mapping[str, object]) -> None:
    """What speaks of looking into a database, where an attestation alone is checked."""
    for option in (name for name, value in given.items() if value):
        raise UsageError(f"{option} speaks of a BRANCH or --dsn: --attestation alone looks into no database")


def _attested(settings: Settings, file: Path | None, public_key: Path | None) -> AttestationChecked | None:
    if file is None:
        if public_key is not None:
            raise UsageError("--public-key speaks of --attestation: give the file, or leave it out")
        return None
    if public_key:
        return check_attestation(read_file(file), [read_key(public_key)], str(file))
    folder = settings.keys.path
    return check_attestation(read_file(file), trusted_keys(folder), str(file), retired_keys(folder))


def _policy(settings: Settings, path: Path | None) -> MaskingPolicy | None:
    """Without one nobody knows what was to be masked, and roads say so."""
    if path is None and not settings.staging.policy.exists():
        return None
    return chosen_policy(settings, path)


def _write(checked: Checked, html: Path | None) -> None:
    if html is None:
        return
    try:
        html.write_text(page(checked), encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"cannot write the report {html}: {error.strerror}") from None
    err.print(f"Wrote {clean(str(html))}.")


def _print_json(checked: Checked) -> None:
    about = {"exit_code": checked.exit_code, "outcome": OUTCOMES[checked.verdict], "problems": checked.problems}
    print_json({**checked.document(), **about})


def _print(checked: Checked) -> None:
    line = Text(checked.verdict, STATUS_STYLE[checked.verdict])
    out.print(line.append(f"  {clean(checked.place)}", "default"), soft_wrap=True)
    if checked.roads:
        out.print(roads_table(checked.roads))
    for proof in checked.proofs:
        for groups in proof.groups:
            out.print(f"  k-anonymity: {clean(str(groups))}", soft_wrap=True)
        for far in proof.fidelity.warnings if proof.fidelity else ():
            out.print(f"  unlike the source: {clean(far)}", soft_wrap=True)
        for what in proof.uncounted:
            out.print(f"  not looked at: {clean(what)}", soft_wrap=True)
    if checked.attestation is not None:
        _print_attestation(checked.attestation)
    for remark in checked.remarks:
        out.print(f"  {one_line(remark)}", soft_wrap=True)


def _print_attestation(attested: AttestationChecked) -> None:
    line = Text("  attestation  ").append(attested.status, STATUS_STYLE[attested.status])
    out.print(line.append(f"  {clean(attested.sentence)}", "default"), soft_wrap=True)
    for difference in attested.differences:
        out.print(f"    {difference.effect}: {clean(difference.sentence)}", soft_wrap=True)
