"""The signed record of a sanitize run: an in-toto Statement v1 in a DSSE envelope, signed with Ed25519.

Pure: no file, no clock and no connection. Verifying needs public keys alone.
"""
