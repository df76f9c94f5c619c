"""XML files: parsed without entity tricks, with small typed look-ups."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

from emsync_engine.errors import InputError

Element = ET.Element


def parse_xml(path: Path) -> Element:
    """The root element of an XML file.

    Raises:
        InputError: not well-formed, or it defines entities (which no editing system does).
    """
    data = path.read_bytes()
    if b"<!ENTITY" in data:
        raise InputError("defines XML entities, which no timeline needs: export it again", path.name, "not_a_timeline")
    try:
        return ET.fromstring(data)
    except (ET.ParseError, LookupError, ValueError) as error:
        message = f"is not valid XML ({error}): is it complete? Export it again"
        raise InputError(message, path.name, "not_a_timeline") from error


def text_at(element: Element, path: str) -> str:
    """Stripped text of a descendant; empty when absent."""
    return (element.findtext(path) or "").strip()


def number_at(element: Element, path: str) -> float | None:
    """A finite number of a descendant; None when absent or no number."""
    try:
        value = float(text_at(element, path))
    except ValueError:
        return None
    return value if abs(value) < 1e15 else None
