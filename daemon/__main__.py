"""`python -m daemon` is the command `branchwarden`."""

from daemon.cli import main

main()
