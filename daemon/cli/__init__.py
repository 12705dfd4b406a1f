"""The command line: one file per command group. Parses, calls one function of `app`, maps errors to exit codes."""

from daemon.cli.main import main

__all__ = ["main"]
