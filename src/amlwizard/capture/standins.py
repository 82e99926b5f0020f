"""Stand-ins: what may not be shown becomes something else of the same shape, the same value always
the same thing. They come from a salt that is kept nowhere, so nobody can work them back."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
import secrets
import string
from uuid import UUID

# Of these networks the leading bits stay, which say what kind of address it is.
CLASSES = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
FIXED = ("127.0.0.0/8", "169.254.0.0/16", "168.63.129.16/32", "0.0.0.0/8", "224.0.0.0/3")
ELSEWHERE = "198.18.0.0/15"  # set aside for tests (RFC 2544): what a public address becomes
HOST_BITS = 24  # later bits stay: which host of a subnet it is tells nobody anything


class StandIns:
    def __init__(self) -> None:
        self._salt = secrets.token_bytes(32)

    def _digest(self, kind: str, text: str) -> bytes:
        return hmac.new(self._salt, f"{kind}:{text}".encode(), hashlib.sha256).digest()

    def guid(self, text: str) -> str:
        return str(UUID(bytes=self._digest("guid", text.lower())[:16], version=4))

    def word(self, text: str) -> str:
        """Letters for letters (the first decides about itself), digits for digits."""
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
        """For ids and what is encoded: whatever is neither letter nor digit stays."""
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
        """An IPv4 address or range. What lies in a range still does; ranges keep their length."""
        address, slash, length = text.partition("/")
        given = ipaddress.IPv4Address(address)
        if any(given in ipaddress.IPv4Network(fixed) for fixed in FIXED):
            return text
        private = next((n for n in map(ipaddress.IPv4Network, CLASSES) if given in n), None)
        bits = f"{int(given):032b}"
        kept = private.prefixlen if private else 15
        head = f"{int((private or ipaddress.IPv4Network(ELSEWHERE))[0]):032b}"[:kept]
        # Which way a bit turns depends on all that stand before it, and on nothing after it.
        turned = "".join(
            str(int(bit) ^ self._digest("bit", bits[:at])[0] & 1)
            for at, bit in enumerate(bits[kept:HOST_BITS], kept)
        )
        made = int(head + turned + bits[HOST_BITS:], 2)
        if slash:
            mask = (0xFFFFFFFF << (32 - int(length))) & 0xFFFFFFFF
            made &= mask
        return f"{ipaddress.IPv4Address(made)}{slash}{length}"
