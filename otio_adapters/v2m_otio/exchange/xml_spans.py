"""XML as a tree that knows where each element stands in the file's bytes.

So parts are put in and taken out while every other byte stays as an editor wrote it, comments and order too.

Conventions: offsets count bytes of UTF-8; an edit is (from, to, what stands there then).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from v2m.errors import DocumentError

Edit = tuple[int, int, str]

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_OPENING_TAG = re.compile(rb"""<[^\s/>]+(?:\s+[^\s=]+\s*=\s*(?:"[^"]*"|'[^']*'))*\s*/?>""")


@dataclass
class Element:
    """An element and where it stands."""

    tag: str
    attributes: dict[str, str]
    start: int
    open_end: int
    """Where its opening tag ends."""

    close_start: int = 0
    """Where its closing tag begins; of `<a/>` the end of the element."""

    end: int = 0
    children: list[Element] = field(default_factory=list)
    text: str = ""

    @property
    def is_closed_at_once(self) -> bool:
        """Whether it is written `<a/>`."""
        return self.close_start == self.end

    def all(self, tag: str) -> list[Element]:
        """Its children of this tag."""
        return [child for child in self.children if child.tag == tag]

    def child(self, *path: str) -> Element | None:
        """The first descendant along a path of tags."""
        found: Element | None = self
        for tag in path:
            found = next(iter(found.all(tag)), None) if found else None
        return found

    def below(self) -> Iterator[Element]:
        """Itself and all elements below it, in order."""
        waiting = [self]
        while waiting:
            element = waiting.pop()
            yield element
            waiting.extend(reversed(element.children))


def parsed(raw: bytes) -> Element:
    """The root of an XML document in UTF-8.

    Raises:
        DocumentError: it is no XML, or in another encoding.
    """
    parser = expat.ParserCreate("utf-8")
    top = Element("", {}, 0, 0)
    open_elements = [top]

    def begin(tag: str, attributes: dict[str, str]) -> None:
        start = parser.CurrentByteIndex
        match = _OPENING_TAG.match(raw, start)
        element = Element(tag, attributes, start, match.end() if match else start)
        open_elements[-1].children.append(element)
        open_elements.append(element)

    def finish(tag: str) -> None:
        element = open_elements.pop()
        if raw[element.open_end - 2 : element.open_end] == b"/>":
            element.close_start = element.end = element.open_end
        else:
            element.close_start = parser.CurrentByteIndex
            element.end = raw.index(b">", element.close_start) + 1

    def text(words: str) -> None:
        open_elements[-1].text += words

    parser.StartElementHandler, parser.EndElementHandler = begin, finish
    parser.CharacterDataHandler = text
    try:
        parser.Parse(raw, True)
    except expat.ExpatError as error:
        raise DocumentError(f"is not readable as XML in UTF-8: {error}.") from error
    return top.children[0]


def edited(raw: bytes, edits: Iterable[Edit]) -> bytes:
    """The bytes with all edits done; edits at one place are done in their order."""
    made, at = [], 0
    for start, end, text in sorted(edits, key=lambda edit: edit[:2]):
        made += [raw[at:start], text.encode()]
        at = end
    return b"".join([*made, raw[at:]])


def taken_out(raw: bytes, root: Element, removed: Iterable[Element]) -> bytes:
    """The bytes without some elements; one that held nothing else is written `<a/>` again."""
    starts = {element.start for element in removed}
    edits: list[Edit] = []
    for element in root.below():
        gone = [child for child in element.children if child.start in starts]
        length = sum(child.end - child.start for child in gone)
        if gone and length == element.close_start - element.open_end:
            edits.append((element.open_end - 1, element.end, "/>"))
        else:
            edits += [(child.start, child.end, "") for child in gone]
    return edited(raw, edits)


def quoted(text: str) -> str:
    """Text as an attribute's value, in quotes; characters that XML has not are left out."""
    return quoteattr(_NOT_XML.sub("", text))


def escaped(text: str) -> str:
    """Text as the content of an element."""
    return escape(_NOT_XML.sub("", text))


def put_last(element: Element, text: str) -> Edit:
    """Text as the last content of an element."""
    if element.is_closed_at_once:
        return (element.end - 2, element.end, f">{text}</{element.tag}>")
    return (element.close_start, element.close_start, text)
