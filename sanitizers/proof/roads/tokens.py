"""Encrypted columns: what the policy says to encrypt must not be there in plaintext."""

from __future__ import annotations

from typing import ClassVar

from sanitizers.proof.roads.answers import Answer, many
from sanitizers.proof.roads.road import Found, Road, Site
from sanitizers.tokens import encrypted_columns, plaintext_problems


class Tokens(Road):
    """Every value of an encrypted column, by the form of tokens alone; it takes no key."""

    name: ClassVar[str] = "tokens"
    title: ClassVar[str] = "Encrypted columns"
    question: ClassVar[str] = "Is there a value in plaintext where the policy says encrypt?"

    def look(self, site: Site) -> Found:
        """Read every column that the policy encrypts."""
        if site.plan is None:
            return self.unknown(site, ["encrypted columns: without a plan nobody knows which they are"])
        problems = tuple(plaintext_problems(site.target, site.plan))
        numbers = {"columns": (columns := encrypted_columns([site.plan])), "found": len(problems)}
        held = many(len(problems), "column with values in plaintext", "columns with values in plaintext")
        sentence = f"Every value of {many(columns, 'encrypted column')} was read; {held} found."
        return Answer(numbers, sentence, problems).of(self, site)
