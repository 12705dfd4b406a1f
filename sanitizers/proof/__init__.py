"""The proof that nothing of the original is left: an independent read of what was written."""
