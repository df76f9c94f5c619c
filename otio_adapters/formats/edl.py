"""CMX 3600 edit decision lists (``.edl``): record times are the truth, whatever the source times add up to."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

from emsync_engine.errors import InputError
from emsync_engine.timecode import frames_from_timecode, nominal_fps, supports_drop_frame
from otio_adapters import document as doc
from otio_adapters.appearance import Look, look_metadata
from otio_adapters.document import Node
from otio_adapters.formats.placing import Blended, Placed, place_track
from otio_adapters.formats.text import read_text
from otio_adapters.reading import Reading

_TC = r"\d{1,2}[:;.,]\d{2}[:;.,]\d{2}[:;.,]\d{2,3}"
_SEPARATOR = re.compile(r"[:;.,]")
_EVENT = re.compile(rf"^\s*(\d{{1,6}})\s+(.*?)\s+({_TC})\s+({_TC})\s+({_TC})\s+({_TC})\s*$")
_TRANSITION = re.compile(r"^(C|D|W\d*|K|KB|KO)$", re.IGNORECASE)
_SPEED = re.compile(rf"^\s*M2\s+(.*?)\s*([-+]?\d{{1,6}}(?:\.\d{{1,9}})?)(?:\s+({_TC}))?\s*$", re.IGNORECASE)
_COUNTING = re.compile(r"^\s*FCM\s*:\s*(NON)?", re.IGNORECASE)
_NOTE = re.compile(
    r"^\s*\*?\s*((?:FROM |TO |KEY )?CLIP NAME|(?:FROM|TO) CLIP|SOURCE FILE|FROM FILE)\s*:\s*(.*?)\s*$",
    re.IGNORECASE,
)
_MORE_SOUND = re.compile(r"^\s*AUD\s+([\d\s]+)$", re.IGNORECASE)
_LISTED_MARKER = re.compile(r"^\s*\|C:(\S*)\s+\|M:(.*?)\s*\|D:\s*(\d+)\s*$", re.IGNORECASE)
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
    number: str = ""
    notes: dict[str, str] = field(default_factory=dict)
    speeds: list[tuple[str, Fraction]] = field(default_factory=list)
    more_sound: tuple[int, ...] = ()
    marker: tuple[str, str, int] | None = None
    """Colour, text and frames of the marker that the event is there for."""

    @property
    def name(self) -> str:
        incoming = ("TO CLIP NAME", "TO CLIP") if self.kind[0] in "DW" else ("KEY CLIP NAME",) if self.is_key else ()
        keys = (*incoming, "FROM CLIP NAME", "CLIP NAME", "FROM CLIP", "SOURCE FILE")
        return next((self.notes[key] for key in keys if self.notes.get(key)), self.reel)

    @property
    def is_key(self) -> bool:
        """It is laid over a background."""
        return self.kind in ("K", "KO")

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
    if len(words) > 1 and words[-1].isdecimal() and len(words[-1]) < 7:
        length = int(words.pop())
    if len(words) > 2 and words[-1].upper() in ("B", "O") and words[-2].upper() == "K":
        words[-2:] = [words[-2] + words[-1]]
    if len(words) < 2 or not _TRANSITION.match(words[-1]):
        return None
    kind, channel = words.pop().upper(), words.pop().upper()
    times = (match.group(3), match.group(4), match.group(5), match.group(6))
    return _Event(number, " ".join(words), channel, kind, length, times, drop, match.group(1))


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
    elif parsed.events and (more := _MORE_SOUND.match(line)):
        parsed.events[-1].more_sound = tuple(int(word) for word in more.group(1).split() if len(word) < 4)
    elif parsed.events and (listed := _LISTED_MARKER.match(line)):
        colour = listed.group(1).upper().removeprefix("RESOLVECOLOR")
        parsed.events[-1].marker = (colour, listed.group(2), int(listed.group(3)[:9]))


def _guess_rate(parsed: _List) -> Fraction:
    """The slowest usual rate that the frame numbers fit."""
    texts = [text for event in parsed.events for text in event.times]
    highest = max(int(_SEPARATOR.split(text)[-1]) for text in texts)
    if any(event.drop for event in parsed.events) or any(_is_drop(text) for text in texts):
        return Fraction(30000, 1001) if highest < 30 else Fraction(60000, 1001)
    return Fraction(next((fps for fps in (24, 25, 30, 50, 60) if highest < fps), 120))


def _is_drop(text: str) -> bool:
    """A timecode's last separator says that it counts drop-frame."""
    return _SEPARATOR.findall(text)[-1] in ";."


class _Builder:
    """Turns the events of one list into tracks at one rate."""

    def __init__(self, parsed: _List, rate: Fraction, where: str) -> None:
        self._parsed = parsed
        self._rate = rate
        self._where = where
        self._placed = self._over_midnight([(event, *self._record(event)) for event in parsed.events])
        video = [start for event, start, _ in self._placed if _video_track(event.channel)]
        self._head = min(video or [start for _, start, _ in self._placed])

    def reading(self, warnings: tuple[str, ...]) -> Reading:
        drop = self._counts_drop()
        backwards = [str(event.line) for event, start, end in self._placed if end < start]
        if backwards:
            text = f"events that end before they start are left out: line {', '.join(backwards[:5])}"
            warnings = (*warnings, f"{self._where}: {text}")
        lanes: dict[tuple[str, float], list[tuple[_Event, int, int]]] = {}
        for event, start, end in self._placed:
            for lane in _lanes(event) if event.marker is None or event.notes else ():
                lanes.setdefault(lane, []).append((event, start, end))
        tracks = [
            self._track(*lane, lanes[lane]) for lane in sorted(lanes, key=lambda lane: (lane[0] == "Audio", lane[1]))
        ]
        head = doc.rational_time(self._head / self._rate, self._rate)
        document = doc.timeline_node(self._parsed.title, tracks, head)
        document["tracks"]["markers"] = self._markers()
        return Reading(document, self._rate, drop, self._head, warnings)

    def _counts_drop(self) -> bool:
        if not supports_drop_frame(self._rate):
            return False
        first = self._parsed.events[0]
        return first.drop if first.drop is not None else _is_drop(first.times[2])

    def _frames(self, text: str, drop: bool | None) -> int:
        says_drop = _is_drop(text)
        plain = _SEPARATOR.sub(":", text)
        return frames_from_timecode(plain, self._rate, True if says_drop else bool(drop))

    def _over_midnight(self, placed: list[tuple[_Event, int, int]]) -> list[tuple[_Event, int, int]]:
        """Events of a list that runs over midnight, counted on."""
        day = self._frames("24:00:00:00", self._counts_drop())
        late = max((start for _, start, _ in placed), default=0)
        over = late - min((start for _, start, _ in placed), default=0) > day // 2
        moved = [(e, a + day, b + day) if over and a < day // 2 else (e, a, b) for e, a, b in placed]
        return [(e, a, b + day) if a - b > day // 2 else (e, a, b) for e, a, b in moved]

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

    def _track(self, kind: str, number: float, events: list[tuple[_Event, int, int]]) -> Node:
        clips, blends = [], []
        for event, start, end in events:
            lo, hi = Fraction(start - self._head) / self._rate, Fraction(end - self._head) / self._rate
            if event.kind[0] in "DW" and event.length:
                blends.append(Blended(lo, lo, min(lo + event.length / self._rate, hi), wipe=event.kind[0] == "W"))
            if hi > lo and hi > 0:
                placed = self._placed_clip(event, lo, hi)
                clips.append(placed.between(Fraction(0), hi) if lo < 0 else placed)
        name = f"{kind[0]}{int(number)}" + (" keys" if number % 1 else "")
        blends = [replace(blend, name="Wipe" if blend.wipe else "Dissolve") for blend in blends]
        return place_track(name, kind, clips, self._rate, blends)

    def _placed_clip(self, event: _Event, lo: Fraction, hi: Fraction) -> Placed:
        if event.black:
            return Placed(lo, hi, "Black", doc.generator_reference("black"))
        speed = self._speed(event)
        source = self._source(event) or Fraction(0)
        metadata: Node = {"cmx_3600": {"reel": event.reel}} if event.reel else {}
        if event.is_key:
            metadata |= look_metadata(Look(blended=True))
        file = event.notes.get("FROM FILE")
        known = event.notes.get("SOURCE FILE", event.reel)
        reference = doc.external_reference(file, None, known) if file else doc.missing_reference(known)
        return Placed(lo, hi, event.name, reference, source, speed, metadata=metadata)

    def _speed(self, event: _Event) -> Fraction:
        for reel, fps in event.speeds:
            if not reel or reel == event.reel or (len(event.speeds) == 1 and event.kind[0] not in "DW"):
                return fps / nominal_fps(self._rate)
        return Fraction(1)

    def _markers(self) -> list[Node]:
        markers = []
        for event, start, _ in self._placed:
            if event.marker is not None and start >= self._head:
                time, (colour, words, frames) = Fraction(start - self._head) / self._rate, event.marker
                length = Fraction(frames) / self._rate if frames > 1 else Fraction(0)
                colour = colour if colour in _COLOURS else "RED"
                markers.append(doc.marker_node(words, time, self._rate, duration=length, color=colour))
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
    match = re.search(r"V(\d{0,4})", channel)
    if match:
        return int(match.group(1) or 1)
    return 1 if channel.startswith("B") else 0


def _lanes(event: _Event) -> list[tuple[str, float]]:
    """Tracks an event goes to: ``B`` is picture and sound, ``AA`` the first two sound tracks, ``NONE`` nowhere.

    A key lies half a track above the one it is keyed over.
    """
    channel, video = event.channel, _video_track(event.channel)
    lanes: list[tuple[str, float]] = [("Video", video + 0.5 * event.is_key)] if video else []
    sounds = {int(number or 1) for number in re.findall(r"A+(\d{0,4})", channel.replace("NONE", ""))}
    if "AA" in channel:
        sounds |= {number + 1 for number in sounds}
    elif channel.startswith("B"):
        sounds.add(1)
    return [*lanes, *(("Audio", number) for number in sorted(sounds | set(event.more_sound)))]
