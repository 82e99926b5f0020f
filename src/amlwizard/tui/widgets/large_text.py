"""Letters and digits that can be read from across a room, and QR codes: both in half blocks.

The font is defined here because a font library would add eight megabytes for these 36 characters.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import zip_longest

WIDTH, HEIGHT = 5, 7

# The rows of each character from the top, as the bits of a number: 16 is the leftmost column.
FONT = {
    "A": (14, 17, 17, 31, 17, 17, 17), "B": (30, 17, 17, 30, 17, 17, 30),
    "C": (14, 17, 16, 16, 16, 17, 14), "D": (30, 17, 17, 17, 17, 17, 30),
    "E": (31, 16, 16, 30, 16, 16, 31), "F": (31, 16, 16, 30, 16, 16, 16),
    "G": (14, 17, 16, 23, 17, 17, 14), "H": (17, 17, 17, 31, 17, 17, 17),
    "I": (14, 4, 4, 4, 4, 4, 14), "J": (7, 2, 2, 2, 2, 18, 12),
    "K": (17, 18, 20, 24, 20, 18, 17), "L": (16, 16, 16, 16, 16, 16, 31),
    "M": (17, 27, 21, 21, 17, 17, 17), "N": (17, 25, 25, 21, 19, 19, 17),
    "O": (14, 17, 17, 17, 17, 17, 14), "P": (30, 17, 17, 30, 16, 16, 16),
    "Q": (14, 17, 17, 17, 21, 18, 13), "R": (30, 17, 17, 30, 20, 18, 17),
    "S": (15, 16, 16, 14, 1, 1, 30), "T": (31, 4, 4, 4, 4, 4, 4),
    "U": (17, 17, 17, 17, 17, 17, 14), "V": (17, 17, 17, 17, 17, 10, 4),
    "W": (17, 17, 17, 21, 21, 27, 17), "X": (17, 17, 10, 4, 10, 17, 17),
    "Y": (17, 17, 10, 4, 4, 4, 4), "Z": (31, 1, 2, 4, 8, 16, 31),
    "0": (14, 17, 19, 21, 25, 17, 14), "1": (4, 12, 4, 4, 4, 4, 14),
    "2": (14, 17, 1, 6, 8, 16, 31), "3": (14, 17, 1, 6, 1, 17, 14),
    "4": (2, 6, 10, 18, 31, 2, 2), "5": (31, 16, 30, 1, 1, 17, 14),
    "6": (14, 16, 16, 30, 17, 17, 14), "7": (31, 1, 2, 4, 8, 8, 8),
    "8": (14, 17, 17, 14, 17, 17, 14), "9": (14, 17, 17, 15, 1, 1, 14),
    "-": (0, 0, 0, 14, 0, 0, 0),
}  # fmt: skip


def letters(text: str) -> str:
    """The text as four lines, six cells per character. A character that the font lacks is a gap."""
    pictures = [FONT.get(character, (0,) * HEIGHT) for character in text.upper()]
    return halves([_pixels(row) for row in zip(*pictures, strict=True)])


def _pixels(row: Iterable[int]) -> list[bool]:
    bits = [[bool(part >> at & 1) for at in range(WIDTH - 1, -1, -1)] for part in row]
    return [pixel for letter in bits for pixel in (*letter, False)][:-1]


def halves(pixels: Sequence[Sequence[bool | int]]) -> str:
    """Rows of pixels as lines of half blocks, two rows to a line."""
    lines = []
    for upper, lower in zip_longest(pixels[::2], pixels[1::2]):
        under = lower or [False] * len(upper)
        lines.append(
            "".join(" ▀▄█"[bool(a) + 2 * bool(b)] for a, b in zip(upper, under, strict=True))
        )
    return "\n".join(lines)


def qr(text: str) -> str:
    """A QR code with its quiet zone, dark on light: for black half blocks on white."""
    import segno

    code = segno.make(text, error="l", micro=False, boost_error=False)
    return halves([list(row) for row in code.matrix_iter(border=2)])
