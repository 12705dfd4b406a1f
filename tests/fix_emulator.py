"""Emulators for tests."""
