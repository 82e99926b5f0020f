"""Where a line of a Japanese text may end. Rich and Textual break lines between words only, so that a
sentence without spaces begins on a line of its own and ends in the middle of one."""

from __future__ import annotations

import re

from rich import _wrap
from rich.text import Text

NEVER_FIRST = ")]}.,:;!?%、。，．・：；？！‐ー々ゝゞヽヾぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ）］｝〉》」』】〕"
NEVER_LAST = "([{（［｛〈《「『【〔"
KATAKANA = "[\u30a1-\u30fa\u30fc]"
LETTER = r"[\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef]"  # of two cells


def let_lines_end_between_letters() -> None:
    """Make a Japanese letter a word for them, and a foreign word in katakana one, with the punctuation
    that may not be parted from it (JIS X 4051). Other texts keep their words, and lose a space after a
    line that is full, not its last letter."""
    first, last = re.escape(NEVER_FIRST), re.escape(NEVER_LAST)
    _wrap.re_word = re.compile(
        rf"\s*[{last}]*(?:{KATAKANA}+|{LETTER}|(?:(?!{LETTER})\S)+)[{first}]*\s*"
    )
    Text.rstrip_end = _rstrip_end  # type: ignore[method-assign, assignment]


def _rstrip_end(text: Text, size: int) -> None:
    """As Rich has it, but in cells, not in characters."""
    spaces = len(text.plain) - len(text.plain.rstrip())
    beyond = min(spaces, text.cell_len - size)
    if beyond > 0:
        text.right_crop(beyond)
