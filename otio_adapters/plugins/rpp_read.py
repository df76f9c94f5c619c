"""A REAPER project as a ``Session``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from urllib.parse import unquote

from emsync_engine.timecode import canonical_rate
from otio_adapters.media import base_name
from otio_adapters.plugins.midi import Message, Midi, midi_of_messages
from otio_adapters.plugins.rpp_text import Block, number, parse
from otio_adapters.plugins.rpp_write import FREEZE
from otio_adapters.plugins.session import Item, ItemKind, Session, SessionMarker, SessionTrack, nearest_colour
from otio_adapters.plugins.tempo import TempoPoint, fine, meter, ramp_steps, us_of_bpm

_SET_METER, _KEEP_TEMPO = 1, 2
_LINEAR = 0
_REVERSED = 2
_PULLED_DOWN = ("1", "2")
_ALL_NOTES_OFF = 123


def read_rpp(text: str) -> Session:
    """The session of a project file.

    Raises:
        InputError: not a REAPER project, or one that ends early.
    """
    project = parse(text)
    extra = next((block for state in project.inner("EXTSTATE") for block in state.inner("OTIO")), Block([]))
    rate = _rate(project, extra)
    return Session(
        name=" ".join(project.first("TITLE")),
        rate=rate,
        start_frame=max(round(project.number("PROJOFFS") * rate), 0),
        drop_frame=project.first("TIMEMODE")[4:5] == ["1"],
        tempo=tuple(_tempo(project)),
        tracks=tuple(_track(block) for block in project.inner("TRACK")),
        markers=tuple(_markers(project, extra)),
    )


def _rate(project: Block, extra: Block) -> Fraction:
    """Exact where we wrote it and the timecode still counts in it; else 24, 25, 30 … or their NTSC companions."""
    words = project.first("TIMEMODE")
    fps = number(words[3]) if len(words) > 3 else Fraction(0)
    if not 5 <= fps <= 500:
        fps = Fraction(24)
    counted = fps * Fraction(1000, 1001) if words[4:5] and words[4] in _PULLED_DOWN else fps
    try:
        stated = canonical_rate(extra.first("RATE")[0])
    except (IndexError, ValueError):
        return canonical_rate(counted)
    return stated if abs(stated - counted) < Fraction(1, 2) else canonical_rate(counted)


def _tempo(project: Block) -> Iterator[TempoPoint]:
    words = [*project.first("TEMPO"), "120", "4", "4"][:3]
    head = _point(Fraction(0), number(words[0]), meter(int(number(words[1])), int(number(words[2]))))
    points = [row for block in project.inner("TEMPOENVEX") for row in block.lines("PT") if len(row) > 1]
    if not points:
        if project.first("TEMPO"):
            yield head
        return
    signature, bpm = head.meter, number(words[0])
    for row, following in zip(points, [*points[1:], None]):
        start = number(row[0])
        code = int(number(row[3])) if len(row) > 3 else 0
        flags = int(number(row[5])) if len(row) > 5 else _SET_METER
        if code > 0:
            signature = meter(code & 0xFFFF, code >> 16)
        if not flags & _KEEP_TEMPO:
            bpm = number(row[1])
        if following and len(row) > 2 and number(row[2]) == _LINEAR and number(following[0]) > start:
            for time, step in ramp_steps(start, number(following[0]), bpm, number(following[1])):
                yield _point(time, step, signature)
        else:
            yield _point(start, bpm, signature)


def _point(time: Fraction, bpm: Fraction, signature: tuple[int, int]) -> TempoPoint:
    try:
        us = us_of_bpm(bpm)
    except ValueError:
        us = Fraction(500_000)
    return TempoPoint(fine(time), us, *signature)


def _markers(project: Block, extra: Block) -> Iterator[SessionMarker]:
    rows = [row for row in project.lines("MARKER") if len(row) > 2]
    used = set()
    for place, row in enumerate(rows):
        if place in used:
            continue
        time, duration = fine(number(row[1])), Fraction(0)
        if _is_region(row):
            end = next((i for i in range(place + 1, len(rows)) if _is_region(rows[i]) and rows[i][0] == row[0]), None)
            if end is not None:
                used.add(end)
                duration = max(fine(number(rows[end][1])) - time, Fraction(0))
        native = int(number(row[4])) if len(row) > 4 else 0
        rgb = (native & 0xFF) << 16 | native & 0xFF00 | native >> 16 & 0xFF
        comment = "".join(extra.first(f"COMMENT_{row[0]}")[:1])
        colour = nearest_colour(rgb) if native & 0x1000000 else ""
        if time >= 0:
            yield SessionMarker(time, row[2], duration, unquote(comment, errors="replace"), colour)


def _is_region(row: list[str]) -> bool:
    return len(row) > 3 and bool(int(number(row[3])) & 1)


def _track(block: Block) -> SessionTrack:
    items = tuple(filter(None, map(_item, block.inner("ITEM"))))
    known = next((kind for kind, placed in items if kind), "video" if items else "audio")
    placed = [placed.item(kind or known) for kind, placed in items]
    return SessionTrack(
        name=" ".join(block.first("NAME")),
        items=tuple(sorted(placed, key=lambda item: item.start)),
        kind="audio",
        volume=max(float(block.number("VOLPAN", Fraction(1))), 0.0),
        pan=max(-1.0, min(1.0, float(block.number("VOLPAN", place=1)))),
        muted=block.number("MUTESOLO") != 0,
    )


@dataclass(frozen=True)
class _Take:
    """What an item plays, before it is known what an item without a file belongs to."""

    start: Fraction
    duration: Fraction
    name: str
    media: str
    source: Fraction
    speed: Fraction
    muted: bool
    midi: Midi | None

    def item(self, kind: ItemKind) -> Item:
        return Item(
            self.start, self.duration, kind, self.name, self.media, self.source, self.speed, self.muted, self.midi
        )


def _item(block: Block) -> tuple[ItemKind | None, _Take] | None:
    """(kind, None where there is no file; the take that is played)."""
    start, duration = fine(block.number("POSITION")), fine(block.number("LENGTH"))
    if start < 0 or duration <= 0:
        return None
    take = _active_take(block)
    speed = take.number("PLAYRATE", Fraction(1)) or Fraction(1)
    speed = Fraction(0) if abs(speed) <= FREEZE else speed
    kind: ItemKind | None = None
    media, offset, midi = "", take.number("SOFFS"), None
    source = next(take.inner("SOURCE"), None)
    section = source if source is not None and source.words[1:2] == ["SECTION"] else None
    if section is not None:
        source = next(section.inner("SOURCE"), None)
        if int(section.number("MODE")) & _REVERSED:
            offset, speed = section.number("STARTPOS") + section.number("LENGTH") - offset, -speed
        else:
            offset += section.number("STARTPOS")
    if source is not None and len(source.words) > 1:
        name = source.words[1].upper().removeprefix("_OFFLINE_")
        media = "".join(source.first("FILE")[:1])
        if name == "MIDI" and any(True for _ in source.lines("HASDATA")):
            kind, midi, media, speed = "midi", _midi(source), "", Fraction(1)
        elif name == "EMPTY":
            kind = "audio"
        elif media:
            heard_only = any(entry == ["VIDEO_DISABLED"] for entry in source.entries)
            kind = "video" if name == "VIDEO" and not heard_only else "audio"
    label = " ".join(take.first("NAME")) or base_name(media) or _note(block)
    muted = block.number("MUTE") != 0
    return kind, _Take(start, duration, label, media, fine(offset), speed, muted, midi)


def _note(block: Block) -> str:
    """The first line of an item's note."""
    entries = [entry for notes in block.inner("NOTES") for entry in notes.entries if isinstance(entry, list)]
    return " ".join(entries[0]).removeprefix("|") if entries else ""


def _active_take(block: Block) -> Block:
    """The lines of the take that plays: the one marked as selected, else the first."""
    takes = [Block([])]
    chosen = 0
    for entry in block.entries:
        if isinstance(entry, list) and entry[0] == "TAKE":
            takes.append(Block([]))
            if "SEL" in entry:
                chosen = len(takes) - 1
        else:
            takes[-1].entries.append(entry)
    return takes[chosen]


def _midi(source: Block) -> Midi:
    resolution = int(source.number("HASDATA", Fraction(960), place=1))
    messages: list[Message] = []
    tick = 0
    for entry in source.entries:
        words = entry.words if isinstance(entry, Block) else entry
        if len(words) < 2 or words[0].lower() not in ("e", "em", "x", "xm"):
            continue
        tick += max(int(number(words[1])), 0)
        muted = words[0].lower().endswith("m")
        if isinstance(entry, Block) or muted or len(words) < 4:
            continue
        try:
            data = tuple(int(word, 16) & (0xFF if i == 0 else 0x7F) for i, word in enumerate(words[2:5]))
        except ValueError:
            continue
        messages.append(Message(tick, data))
    if messages and messages[-1].data[0] & 0xF0 == 0xB0 and messages[-1].data[1] == _ALL_NOTES_OFF:
        messages.pop()
    return midi_of_messages(messages, resolution if 1 <= resolution <= 100_000 else 960)
