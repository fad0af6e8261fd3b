"""New ids: random, short enough to be read out over a phone."""

import secrets
from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O or U. https://www.crockford.com/base32.html"""

LENGTH: Final = 10


def new_id() -> str:
    """Return fifty random bits as ten characters."""
    number = secrets.randbits(5 * LENGTH)  # one system call; each would let another thread run
    return "".join(ALPHABET[number >> 5 * place & 31] for place in range(LENGTH))
