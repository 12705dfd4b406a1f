"""Looking again: every road of a database that is there, and whether an attestation of it still holds."""

from daemon.checking.attestation import AttestationChecked, check_attestation
from daemon.checking.branch import BranchCheck, Known, attested, check_branch, refuse_unfit
from daemon.checking.find import find_branch
from daemon.checking.plain import PlainCheck, check_plain
from daemon.checking.result import Checked

__all__ = [
    "AttestationChecked",
    "BranchCheck",
    "Checked",
    "Known",
    "PlainCheck",
    "attested",
    "check_attestation",
    "check_branch",
    "check_plain",
    "find_branch",
    "refuse_unfit",
]
