"""Identifiers and passwords of the same shape as Neon's."""

from __future__ import annotations

import secrets
import string

# neonctl takes `br-` and exactly three dash-separated parts for an id and looks everything else up by name.
ADJECTIVES = ("aged", "bold", "calm", "damp", "dark", "fancy", "green", "holy", "icy", "late", "mute", "old", "odd")
NOUNS = ("bird", "bush", "cake", "cell", "dew", "field", "fog", "hall", "king", "lake", "moon", "rain", "sea", "tree")
ALPHABET = string.ascii_lowercase + string.digits


def branch_id() -> str:
    """Make a branch id: br-adjective-noun-xxxxxxxx."""
    return f"br-{_words()}-{_random(ALPHABET, 8)}"


def endpoint_id() -> str:
    """Make an endpoint id: ep-adjective-noun-xxxxxxxx."""
    return f"ep-{_words()}-{_random(ALPHABET, 8)}"


def project_id() -> str:
    """Make a project id: adjective-noun-12345678."""
    return f"{_words()}-{_random(string.digits, 8)}"


def api_key() -> str:
    """Make an API key that nobody can guess."""
    return f"napi_{_random(string.ascii_lowercase + string.digits, 64)}"


def password() -> str:
    """Make a role's password: npg_ and 71 bits."""
    return f"npg_{_random(string.ascii_letters + string.digits, 12)}"


def _words() -> str:
    return f"{secrets.choice(ADJECTIVES)}-{secrets.choice(NOUNS)}"


def _random(alphabet: str, length: int) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(length))
