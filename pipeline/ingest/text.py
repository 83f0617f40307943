"""Cleaning of text that strangers wrote: it is data, shown to people, and never markup or instruction."""

import html
import re
import unicodedata

INVISIBLE = re.compile(
    "[\u0000-\u0008\u000e-\u001f\u007f-\u0084\u0086-\u009f"  # control characters, but for white space
    "\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
"""Control, zero-width and bidirectional characters: they show nothing, and can make one text look like another."""

_MARKUP = re.compile(
    # What never closes goes on to the end, as in a browser; that keeps hostile markup linear, too.
    r"<!--.*?(?:-->|\Z)|<(script|style)\b.*?(?:</\1[^<>]*>|\Z)|</?[a-zA-Z!?][^<>]*>",
    re.DOTALL | re.IGNORECASE,
)
_SPACE = re.compile(r"\s+")
_LONGEST_MARKUP = 20_000
"""Characters of a description that are looked at; its plain text is cut far below that."""


def plain_line(text: str) -> str:
    r"""One line without invisible characters, entities decoded, white space collapsed.

    >>> plain_line("Tom &amp; Jerry\u202e\n  Mug ")
    'Tom & Jerry Mug'
    """
    if text.isascii() and text.isprintable() and "&" not in text and "  " not in text:
        return text.strip()
    visible = INVISIBLE.sub("", html.unescape(text))
    return _SPACE.sub(" ", unicodedata.normalize("NFC", visible)).strip()


def plain_text(markup: str, longest: int) -> str:
    """The text of an HTML description in one line of at most `longest` characters.

    >>> plain_text("<p>Mugs &lt;3<br/>tea</p><script>alert(1)</script>", 100)
    'Mugs <3 tea'
    """
    return cut(plain_line(_MARKUP.sub(" ", markup[:_LONGEST_MARKUP])), longest)


def cut(text: str, longest: int) -> str:
    """`text`, or its beginning and an ellipsis: at most `longest` characters."""
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


def tags_of(text: str) -> list[str]:
    """The tags of a comma-separated list, in its order, blank ones left out."""
    return [tag for tag in (plain_line(part) for part in text.split(",")) if tag]


def joined_tags(text: str) -> str:
    """Tags in lower case, sorted, without repeats, joined by `, `.

    >>> joined_tags("Sale, gift ,sale,")
    'gift, sale'
    """
    return ", ".join(sorted({tag.lower() for tag in tags_of(text)}))


def web_address(text: str) -> str:
    """`text` where it is a plain http(s) address, else empty: no other scheme may reach a page."""
    address = text.strip()
    return address if re.fullmatch(r"https?://[^\s\"'<>\\]{1,2000}", address) else ""
