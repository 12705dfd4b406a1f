"""Lists the fixture modules and cleans the environment; nothing else belongs here."""

import os

pytest_plugins = [
    "tests.fix_postgres",
    "tests.fix_emulator",
    "tests.fix_daemon",
    "tests.fix_plain",
    "tests.fix_store",
    "tests.fix_versions",
]

for name in [n for n in os.environ if n.startswith(("BRANCHWARDEN_", "NEON_", "PG"))]:
    del os.environ[name]
