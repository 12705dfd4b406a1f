"""The primitive under tokens of equal values: AES-256-GCM-SIV as RFC 8452 has it."""

from typing import NamedTuple

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV


class Vector(NamedTuple):
    key: str
    nonce: str
    associated: str
    plain: str
    sealed: str


ONE, THREE = "01" + "00" * 31, "03" + "00" * 11
VECTORS = [
    Vector(ONE, THREE, "", "", "07f5f4169bbf55a8400cd47ea6fd400f"),
    Vector(ONE, THREE, "", "0100000000000000", "c2ef328e5c71c83b843122130f7364b761e0b97427e3df28"),
    Vector(ONE, THREE, "01", "0200000000000000", "1de22967237a813291213f267e3b452f02d01ae33e4ec854"),
    Vector(
        "3c535de192eaed3822a2fbbe2ca9dfc88255e14a661b8aa82cc54236093bbc23",
        "688089e55540db1872504e1c",
        "734320ccc9d9bbbb19cb81b2af4ecbc3e72834321f7aa0f70b7282b4f33df23f167541",
        "ced532ce4159b035277d4dfbb7db62968b13cd4eec",
        "626660c26ea6612fb17ad91e8e767639edd6c9faee9d6c7029675b89eaf4ba1ded1a286594",
    ),
    Vector(  # C.3: the counter of the blocks wraps
        "00" * 32,
        "00" * 12,
        "",
        "eb3640277c7ffd1303c7a542d02d3e4c0000000000000000",
        "18ce4f0b8cb4d0cac65fea8f79257b20888e53e72299e56dffffffff000000000000000000000000",
    ),
]


@pytest.mark.parametrize("vector", VECTORS)
def test_the_primitive_agrees_with_rfc_8452(vector: Vector) -> None:
    key, nonce, associated, plain, sealed = map(bytes.fromhex, vector)

    assert sealed == AESGCMSIV(key).encrypt(nonce, plain, associated)
    assert plain == AESGCMSIV(key).decrypt(nonce, sealed, associated)
