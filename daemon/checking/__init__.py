"""Looking again: every road of a database that is there, and whether an attestation of it still holds."""

from daemon.checking.attestation import AttestationChecked, check_attestation
from daemon.checking.plain import PlainCheck, check_plain
from daemon.checking.result import Checked

__all__ = ["AttestationChecked", "Checked", "PlainCheck", "check_attestation", "check_plain"]
