"""CMX 3600 edit decision lists (``.edl``): record times are the truth, whatever the source times add up to."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

from emsync_engine.errors import InputError
from emsync_engine.timecode import frames_from_timecode, nominal_fps, supports_drop_frame
from otio_adapters import document as doc
from otio_adapters.document import Node
from otio_adapters.formats.placing import Blended, Placed, place_track
from otio_adapters.formats.text import read_text
from otio_adapters.reading import Reading

_TC = r"\d{1,2}:\d{2}:\d{2}[:;.]\d{2,3}"
_EVENT = re.compile(rf"^\s*(\d{{1,6}})\s+(.*?)\s+({_TC})\s+({_TC})\s+({_TC})\s+({_TC})\s*$")
_TRANSITION = re.compile(r"^(C|D|W\d*|K|KB|KO)$", re.IGNORECASE)
_SPEED = re.compile(rf"^\s*M2\s+(.*?)\s*([-+]?\d+(?:\.\d+)?)\s+({_TC})?\s*$", re.IGNORECASE)
_COUNTING = re.compile(r"^\s*FCM\s*:\s*(NON)?", re.IGNORECASE)
_NOTE = re.compile(r"^\s*\*?\s*(FROM CLIP NAME|TO CLIP NAME|SOURCE FILE|FROM FILE)\s*:\s*(.*?)\s*$", re.IGNORECASE)
_LOCATOR = re.compile(rf"^\s*\*?\s*LOC:\s*({_TC})\s+(\S+)\s*(.*?)\s*$", re.IGNORECASE)
_TITLE = re.compile(r"^\s*TITLE\s*:\s*(.*?)\s*$", re.IGNORECASE)
_BLACK_REELS = frozenset({"BL", "BLACK"})
_BLACK_NAMES = frozenset({"black video", "black", "bl"})
_COLOURS = frozenset("RED ORANGE YELLOW GREEN CYAN BLUE PURPLE MAGENTA PINK BLACK WHITE".split())  # noqa: SIM905


@dataclass
class _Event:
    """One event line with the notes below it. Times are timecode texts until the rate is known."""

    line: int
    reel: str
    channel: str
    kind: str
    length: int
    times: tuple[str, str, str, str]
    drop: bool | None
    notes: dict[str, str] = field(default_factory=dict)
    speeds: list[tuple[str, Fraction]] = field(default_factory=list)

    @property
    def name(self) -> str:
        incoming = self.notes.get("TO CLIP NAME") if self.kind != "C" else None
        return incoming or self.notes.get("FROM CLIP NAME") or self.notes.get("SOURCE FILE") or self.reel

    @property
    def black(self) -> bool:
        return self.reel.upper() in _BLACK_REELS or self.name.strip().lower() in _BLACK_NAMES


@dataclass
class _List:
    title: str = ""
    events: list[_Event] = field(default_factory=list)
    locators: list[tuple[str, bool | None, str, str]] = field(default_factory=list)
    skipped: list[int] = field(default_factory=list)


def read(path: Path, rate: Fraction | None = None) -> Reading:
    """Read an edit decision list.

    Args:
        path: the file.
        rate: frame rate in Hz; None takes 24, or 25, 30 or 29.97 when the list's timecodes need it.

    Raises:
        InputError: not an edit decision list, or one that does not fit the rate.
    """
    parsed = _parse(read_text(path))
    if not parsed.events:
        message = "holds no CMX 3600 events: export it as a CMX 3600 EDL"
        raise InputError(message, path.name, "not_a_timeline")
    warnings = _skipped_warnings(parsed.skipped, path.name)
    chosen = rate if rate is not None else _guess_rate(parsed)
    if rate is None:
        warnings.insert(0, f"{path.name}: an EDL has no frame rate; {chosen} was taken, give --rate if it is another")
    return _Builder(parsed, chosen, path.name).reading(tuple(warnings))


def _skipped_warnings(lines: list[int], where: str) -> list[str]:
    if not lines:
        return []
    shown = ", ".join(map(str, lines[:5])) + (f" and {len(lines) - 5} more" if len(lines) > 5 else "")
    return [f"{where}: events without a transition letter (C, D, W001, K) are left out: line {shown}"]


def _parse(text: str) -> _List:
    parsed = _List()
    drop: bool | None = None
    for number, line in enumerate(text.splitlines(), 1):
        counting = _COUNTING.match(line)
        if counting:
            drop = counting.group(1) is None
        elif _EVENT.match(line):
            event = _event(line, number, drop)
            if event is None:
                parsed.skipped.append(number)
            else:
                parsed.events.append(event)
        else:
            _note(parsed, line, drop)
    return parsed


def _event(line: str, number: int, drop: bool | None) -> _Event | None:
    match = _EVENT.match(line)
    words = match.group(2).split() if match else []
    if match is None:
        return None
    length = 0
    if len(words) > 1 and words[-1].isdecimal():
        length = int(words.pop())
    if len(words) > 2 and words[-1].upper() in ("B", "O") and words[-2].upper() == "K":
        words[-2:] = [words[-2] + words[-1]]
    if len(words) < 2 or not _TRANSITION.match(words[-1]):
        return None
    kind, channel = words.pop().upper(), words.pop().upper()
    times = (match.group(3), match.group(4), match.group(5), match.group(6))
    return _Event(number, " ".join(words), channel, kind, length, times, drop)


def _note(parsed: _List, line: str, drop: bool | None) -> None:
    """Anything that is no event: it belongs to the event before it, or to the list."""
    title, locator, note, speed = (p.match(line) for p in (_TITLE, _LOCATOR, _NOTE, _SPEED))
    if locator:
        parsed.locators.append((locator.group(1), drop, locator.group(2), locator.group(3)))
    elif title:
        parsed.title = parsed.title or title.group(1)
    elif note and parsed.events:
        parsed.events[-1].notes.setdefault(note.group(1).upper(), note.group(2))
    elif speed and parsed.events:
        parsed.events[-1].speeds.append((speed.group(1), Fraction(speed.group(2))))


def _guess_rate(parsed: _List) -> Fraction:
    """The slowest usual rate that the frame numbers fit."""
    texts = [text for event in parsed.events for text in event.times]
    if any(event.drop for event in parsed.events) or any(text[-3] in ";." for text in texts):
        return Fraction(30000, 1001)
    highest = max(int(re.split(r"[:;.]", text)[-1]) for text in texts)
    return Fraction(next((fps for fps in (24, 25, 30, 50, 60) if highest < fps), 120))


class _Builder:
    """Turns the events of one list into tracks at one rate."""

    def __init__(self, parsed: _List, rate: Fraction, where: str) -> None:
        self._parsed = parsed
        self._rate = rate
        self._where = where
        self._placed = [(event, *self._record(event)) for event in parsed.events]
        video = [start for event, start, _ in self._placed if _video_track(event.channel)]
        self._head = min(video or [start for _, start, _ in self._placed])

    def reading(self, warnings: tuple[str, ...]) -> Reading:
        drop = self._counts_drop()
        backwards = [str(event.line) for event, start, end in self._placed if end < start]
        if backwards:
            text = f"events that end before they start are left out: line {', '.join(backwards[:5])}"
            warnings = (*warnings, f"{self._where}: {text}")
        lanes: dict[tuple[str, int], list[tuple[_Event, int, int]]] = {}
        for event, start, end in self._placed:
            for lane in _lanes(event.channel):
                lanes.setdefault(lane, []).append((event, start, end))
        tracks = [self._track(kind, number, lanes[kind, number]) for kind, number in sorted(lanes, reverse=True)]
        tracks.sort(key=lambda track: (track["kind"] != "Video", track["name"]))
        head = doc.rational_time(self._head / self._rate, self._rate)
        document = doc.timeline_node(self._parsed.title, tracks, head)
        document["tracks"]["markers"] = self._markers()
        return Reading(document, self._rate, drop, self._head, warnings)

    def _counts_drop(self) -> bool:
        if not supports_drop_frame(self._rate):
            return False
        first = self._parsed.events[0]
        return first.drop if first.drop is not None else first.times[2][-3] in ";."

    def _frames(self, text: str, drop: bool | None) -> int:
        return frames_from_timecode(text, self._rate, drop if drop is None or text[-3] == ":" else True)

    def _record(self, event: _Event) -> tuple[int, int]:
        try:
            start, end = (self._frames(text, event.drop) for text in event.times[2:])
        except ValueError as error:
            message = f"{error}: give the rate of the list with --rate"
            raise InputError(message, f"{self._where}, line {event.line}", "bad_timecode") from error
        return start, end

    def _source(self, event: _Event, which: int = 0) -> Fraction | None:
        """Source seconds of an event, None where its timecode is of another rate."""
        try:
            return self._frames(event.times[which], event.drop) / self._rate
        except ValueError:
            return None

    def _track(self, kind: str, number: int, events: list[tuple[_Event, int, int]]) -> Node:
        clips, blends = [], []
        for event, start, end in events:
            lo, hi = Fraction(start - self._head) / self._rate, Fraction(end - self._head) / self._rate
            if event.kind[0] in "DW" and event.length:
                blends.append(Blended(lo, lo, min(lo + event.length / self._rate, hi), wipe=event.kind[0] == "W"))
            if hi > lo and hi > 0:
                placed = self._placed_clip(event, lo, hi)
                clips.append(placed.between(Fraction(0), hi) if lo < 0 else placed)
        name = f"{kind[0]}{number}"
        blends = [replace(blend, name="Wipe" if blend.wipe else "Dissolve") for blend in blends]
        return place_track(name, kind, clips, self._rate, blends)

    def _placed_clip(self, event: _Event, lo: Fraction, hi: Fraction) -> Placed:
        if event.black:
            return Placed(lo, hi, "Black", doc.generator_reference("black"))
        speed = self._speed(event)
        source = self._source(event) or Fraction(0)
        metadata: Node = {"cmx_3600": {"reel": event.reel}} if event.reel else {}
        file = event.notes.get("FROM FILE")
        known = event.notes.get("SOURCE FILE", event.reel)
        reference = doc.external_reference(file, None, known) if file else doc.missing_reference(known)
        return Placed(lo, hi, event.name, reference, source, speed, metadata=metadata)

    def _speed(self, event: _Event) -> Fraction:
        for reel, fps in event.speeds:
            if not reel or reel == event.reel or len(event.speeds) == 1:
                return fps / nominal_fps(self._rate)
        return Fraction(1)

    def _markers(self) -> list[Node]:
        markers = []
        for text, drop, colour, words in self._parsed.locators:
            try:
                time = (self._frames(text, drop) - self._head) / self._rate
            except ValueError:
                continue  # a locator of another rate points nowhere
            name = words if colour.upper() in _COLOURS else f"{colour} {words}".strip()
            colour = colour.upper() if colour.upper() in _COLOURS else "RED"
            if time >= 0:
                markers.append(doc.marker_node(name, time, self._rate, color=colour))
        return markers


def _video_track(channel: str) -> int:
    """Number of the video track an event goes to; 0 for sound alone."""
    match = re.match(r"^(?:.*/)?V(\d*)(?:/.*)?$", channel)
    if match:
        return int(match.group(1) or 1)
    return 1 if channel.startswith("B") else 0


def _lanes(channel: str) -> list[tuple[str, int]]:
    """Tracks an event goes to: ``B`` is picture and sound, ``AA`` the first two sound tracks, ``NONE`` nowhere."""
    lanes = [("Video", _video_track(channel))] if _video_track(channel) else []
    sound = re.search(r"A+(\d*)", channel.replace("NONE", ""))
    if sound:
        number = int(sound.group(1) or 1)
        lanes += [("Audio", number + extra) for extra in range(2 if "AA" in channel else 1)]
    elif channel.startswith("B"):
        lanes.append(("Audio", 1))
    return lanes
