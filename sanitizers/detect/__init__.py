"""Tells by name and type which columns are personal, and suggests a strategy for every column."""
