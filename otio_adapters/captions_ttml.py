"""Captions in Timed Text: ``.itt`` (iTunes Timed Text), ``.ttml`` and ``.dfxp``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from emsync_engine.errors import InputError
from emsync_engine.picture import Caption
from emsync_engine.timecode import nominal_fps, supports_drop_frame
from otio_adapters.formats.xml_text import Element, parse_xml

_CLOCK = re.compile(r"^(\d{2,}):(\d{2}):(\d{2})(?:[.,](\d+)|[:;](\d{2,})(?:\.\d+)?)?$")
_OFFSET = re.compile(r"^(\d+(?:\.\d+)?)(h|m|s|ms|f|t)$")
_UNITS = {"h": Fraction(3600), "m": Fraction(60), "s": Fraction(1), "ms": Fraction(1, 1000)}
_MAX_SECONDS = 10**6


@dataclass(frozen=True)
class _Clock:
    """How a document counts."""

    rate: Fraction
    """Frames a second."""
    ticks: Fraction
    by_timecode: bool
    """Clock times are timecode: the seconds of an NTSC rate are a little longer than real ones."""
    drop: bool

    def seconds(self, text: str | None) -> Fraction | None:
        """Seconds of a time expression; None when absent or not understood."""
        words = (text or "").strip()
        offset, clock = _OFFSET.match(words), _CLOCK.match(words)
        if offset:
            number, unit = Fraction(offset.group(1)), offset.group(2)
            found = number * _UNITS[unit] if unit in _UNITS else number / (self.rate if unit == "f" else self.ticks)
        elif clock:
            found = self._of_clock(clock)
        else:
            return None
        return found if found < _MAX_SECONDS else None

    def _of_clock(self, match: re.Match[str]) -> Fraction:
        hours, minutes, seconds = (int(match.group(n)) for n in (1, 2, 3))
        whole = (hours * 60 + minutes) * 60 + seconds
        part = Fraction(int(match.group(4)), 10 ** len(match.group(4))) if match.group(4) else Fraction(0)
        frames = int(match.group(5) or 0)
        if not self.by_timecode:
            return whole + part + frames / self.rate
        count = whole * nominal_fps(self.rate) + frames
        if self.drop and supports_drop_frame(self.rate):
            total = hours * 60 + minutes
            count -= (nominal_fps(self.rate) // 15) * (total - total // 10)
        return count / self.rate + part


def read_ttml(path: Path, rate: Fraction) -> tuple[Caption, ...]:
    """The captions of a Timed Text file, in order.

    Args:
        path: the file.
        rate: frames a second where the file counts in frames and does not say.

    Raises:
        InputError: not XML, or not Timed Text.
    """
    root = parse_xml(path)
    if _tag(root) != "tt":
        raise InputError(f"is XML with <{_tag(root)}>, not Timed Text", path.name, "not_captions")
    clock, captions = _clock_of(root, rate), list[Caption]()
    _collect(root, Fraction(0), None, clock, captions)
    return tuple(sorted(captions, key=lambda caption: (caption.start, caption.end)))


def _collect(
    element: Element, start: Fraction, end: Fraction | None, clock: _Clock, captions: list[Caption], depth: int = 0
) -> None:
    """Captions under an element; times count from the beginning of what is around."""
    begin, until, lasts = (clock.seconds(element.get(name)) for name in ("begin", "end", "dur"))
    first = start + begin if begin is not None else start
    own = start + until if until is not None else first + lasts if lasts is not None else None
    last = own if end is None or (own is not None and own < end) else end
    if _tag(element) == "p":
        words = " ".join(_words(element).split())
        timed = [child for child in element if child.get("begin")] if last is None else []
        if words and last is not None and last > first:
            captions.append(Caption(first, last, words))
        for child in timed:
            _collect_span(child, first, clock, captions)
        return
    for child in element if depth < 50 else ():
        _collect(child, first, last, clock, captions, depth + 1)


def _collect_span(span: Element, start: Fraction, clock: _Clock, captions: list[Caption]) -> None:
    begin, until = clock.seconds(span.get("begin")), clock.seconds(span.get("end"))
    words = " ".join(_words(span).split())
    if words and begin is not None and until is not None and until > begin:
        captions.append(Caption(start + begin, start + until, words))


def _words(element: Element) -> str:
    """Text of an element; a line break is a space."""
    parts = [element.text or ""]
    for child in element:
        parts.append(" " if _tag(child) == "br" else "" if _tag(child) == "metadata" else _words(child))
        parts.append(child.tail or "")
    return "".join(parts)


def _tag(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _clock_of(root: Element, rate: Fraction) -> _Clock:
    parameters = {name.rpartition("}")[2]: value for name, value in root.attrib.items() if "parameter" in name}
    frames = parameters.get("frameRate", "")
    numbers = re.findall(r"\d+", parameters.get("frameRateMultiplier", ""))
    if frames.isdecimal() and 0 < int(frames[:4]) < 1000:
        rate = Fraction(int(frames[:4]))
        if len(numbers) == 2 and int(numbers[0][:6]) > 0 and int(numbers[1][:6]) > 0:
            rate *= Fraction(int(numbers[0][:6]), int(numbers[1][:6]))
    ticks = parameters.get("tickRate", "")
    by_timecode = parameters.get("timeBase") == "smpte"
    dropped = parameters.get("dropMode", "").startswith("drop")
    return _Clock(rate, Fraction(int(ticks[:12]) or 1) if ticks.isdecimal() else rate, by_timecode, dropped)
