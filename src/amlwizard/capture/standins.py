"""Stand-ins: confidential values become others of the same shape, equal values equal ones. They are
derived from a random salt that is not stored, so they cannot be reversed."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
import secrets
import string
from uuid import UUID

# The leading bits of these networks are kept: they show what kind of address it is.
CLASSES = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
FIXED = ("127.0.0.0/8", "169.254.0.0/16", "168.63.129.16/32", "0.0.0.0/8", "224.0.0.0/3")
ELSEWHERE = "198.18.0.0/15"  # reserved for tests (RFC 2544); public addresses are mapped into it
HOST_BITS = 24  # later bits are kept: the number of a host in its subnet reveals nothing


class StandIns:
    """Equal values get equal stand-ins for the life of this object."""

    def __init__(self) -> None:
        self._salt = secrets.token_bytes(32)

    def _digest(self, kind: str, text: str) -> bytes:
        return hmac.new(self._salt, f"{kind}:{text}".encode(), hashlib.sha256).digest()

    def guid(self, text: str) -> str:
        return str(UUID(bytes=self._digest("guid", text.lower())[:16], version=4))

    def word(self, text: str) -> str:
        """Replaces letters by letters of the same case, and digits by digits."""
        stream = self._digest("word", text.lower())
        made = []
        for at, letter in enumerate(text):
            byte = stream[at % len(stream)]
            if letter.isdigit():
                made.append(str(byte % 10))
            else:
                new = string.ascii_lowercase[byte % 26]
                made.append(new.upper() if letter.isupper() else new)
        return "".join(made)

    def opaque(self, text: str) -> str:
        """For ids and encoded values: characters other than letters and digits are kept."""
        stretched = (self._digest(f"opaque{n}", text) for n in range(len(text) // 32 + 1))
        stream = b"".join(stretched)
        alphabet = string.ascii_lowercase + string.digits
        if re.fullmatch(r"[0-9a-fA-F]+", text):
            alphabet = "0123456789abcdef"
        if text.isdigit():
            alphabet = string.digits
        return "".join(
            alphabet[stream[at] % len(alphabet)] if letter.isalnum() else letter
            for at, letter in enumerate(text)
        )

    def address(self, text: str) -> str:
        """An IPv4 address or range. An address in a range stays in it; ranges keep their length.
        Raises ValueError for other text."""
        address, slash, length = text.partition("/")
        given = ipaddress.IPv4Address(address)
        if any(given in ipaddress.IPv4Network(fixed) for fixed in FIXED):
            return text
        private = next((n for n in map(ipaddress.IPv4Network, CLASSES) if given in n), None)
        bits = f"{int(given):032b}"
        kept = private.prefixlen if private else 15
        head = f"{int((private or ipaddress.IPv4Network(ELSEWHERE))[0]):032b}"[:kept]
        # Whether a bit is flipped depends on all bits before it and on none after it.
        turned = "".join(
            str(int(bit) ^ self._digest("bit", bits[:at])[0] & 1)
            for at, bit in enumerate(bits[kept:HOST_BITS], kept)
        )
        made = int(head + turned + bits[HOST_BITS:], 2)
        if slash:
            mask = (0xFFFFFFFF << (32 - int(length))) & 0xFFFFFFFF
            made &= mask
        return f"{ipaddress.IPv4Address(made)}{slash}{length}"
