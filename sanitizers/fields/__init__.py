"""Reversible protection of fields, and what is personal inside texts. Pure: single values, and rows of COPY."""
