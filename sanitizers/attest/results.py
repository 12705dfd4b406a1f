"""What a strategy makes of a column, in the words of an attestation. Where it is not sure, the weaker word."""

from __future__ import annotations

from sanitizers.attest.predicate import Result
from sanitizers.strategies import Strategy
from sanitizers.strategies.encrypt import Encrypt
from sanitizers.strategies.keep import Keep

WITHOUT_A_KEY = frozenset({"constant", "null"})
"""Nothing is left of the original, whatever the key."""

WITH_A_FORGOTTEN_KEY = frozenset(
    {
        "city",
        "company",
        "digest",
        "email",
        "first_name",
        "full_name",
        "hostname",
        "iban",
        "imei",
        "job",
        "last_name",
        "mac",
        "phone",
        "postcode",
        "region",
        "street",
        "url",
        "user_agent",
        "user_name",
    }
)
"""The key alone decides the fake, and no part of the original shows. Not here: what keeps a length, a beginning, a
sign, a rough date or the distribution, what moves values to other rows, and what people or packages wrote."""


def result_of(strategy: Strategy, *, stable_key: bool) -> Result:
    """The result of a column under a key that is kept (`stable_key`), or forgotten with the run."""
    if isinstance(strategy, Keep):
        return "public" if strategy.public else "kept"
    if isinstance(strategy, Encrypt):
        return "encrypted"
    if strategy.keep_values or strategy.keep_if:
        return "pseudonymous"
    anonymous = WITHOUT_A_KEY if stable_key else WITHOUT_A_KEY | WITH_A_FORGOTTEN_KEY
    return "anonymous" if strategy.kind in anonymous else "pseudonymous"
