"""REAPER projects (``.rpp``): video items are picture, sound items sound, and markers are hits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

from emsync_engine.errors import InputError
from otio_adapters import document as doc
from otio_adapters.document import Node
from otio_adapters.formats.placing import Placed, lanes_of, place_track
from otio_adapters.formats.smf import hits_reading
from otio_adapters.formats.text import read_text
from otio_adapters.reading import Reading

_WORD = re.compile(r'"([^"]*)"|\'([^\']*)\'|`([^`]*)`|(\S+)')
_SOUND_SOURCES = frozenset({"WAVE", "MP3", "FLAC", "VORBIS", "OPUS", "WAVPACK"})
_MAX_DEPTH = 100


@dataclass
class _Block:
    """``<NAME words … >`` with its lines and inner blocks."""

    words: list[str]
    lines: list[list[str]] = field(default_factory=list)
    blocks: list[_Block] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.words[0].upper() if self.words else ""

    def first(self, key: str) -> list[str]:
        """Words after a key; empty when absent."""
        return next((line[1:] for line in self.lines if line and line[0] == key), [])

    def number(self, key: str, default: Fraction = Fraction(0)) -> Fraction:
        words = self.first(key)
        return _number(words[0]) if words else default

    def inner(self, name: str) -> Iterator[_Block]:
        return (block for block in self.blocks if block.name == name)


def read(path: Path, rate: Fraction | None = None) -> Reading:
    """Read a REAPER project.

    Args:
        path: the file.
        rate: frame rate in Hz for frame numbers; None takes the project's, else 24.

    Raises:
        InputError: not a REAPER project, or a damaged one.
    """
    project = _parse(read_text(path), path.name)
    chosen = rate or _project_rate(project) or Fraction(24)
    tracks, end = _tracks(project, chosen)
    marks = [_mark(line) for line in project.lines if line[0] == "MARKER" and len(line) > 3]
    head = round(project.number("PROJOFFS") * chosen)
    reading = hits_reading(path.stem, [mark for mark in marks if mark[1]], end, chosen, max(head, 0))
    reading.document["tracks"]["children"] = tracks or reading.document["tracks"]["children"]
    return replace(reading, metadata={"tempo_map": _tempo_map(project)})


def _tracks(project: _Block, rate: Fraction) -> tuple[list[Node], Fraction]:
    """(tracks, end of the last item): REAPER shows the video of the topmost track, so the last comes first here."""
    pictures: list[Node] = []
    sounds: list[Node] = []
    end = Fraction(0)
    for track in project.inner("TRACK"):
        name = " ".join(track.first("NAME"))
        placed = [clip for item in track.inner("ITEM") if (clip := _clip(item)) is not None]
        end = max([end, *(clip.end for _, clip in placed)])
        video, sound = (lanes_of(clip for is_video, clip in placed if is_video is wanted) for wanted in (True, False))
        pictures = [*(place_track(name or "Video", "Video", lane, rate) for lane in video), *pictures]
        sounds += [place_track(name or "Audio", "Audio", lane, rate) for lane in sound]
    return [*pictures, *sounds], end


def _clip(item: _Block) -> tuple[bool, Placed] | None:
    """(is video, clip) of an item that plays a file."""
    source = next(item.inner("SOURCE"), None)
    while source is not None and len(source.words) > 1 and source.words[1] == "SECTION":
        source = next(source.inner("SOURCE"), None)
    if source is None or len(source.words) < 2 or not source.first("FILE"):
        return None
    kind = source.words[1].upper()
    if kind != "VIDEO" and kind not in _SOUND_SOURCES:
        return None
    start, length = item.number("POSITION"), item.number("LENGTH")
    speed = item.number("PLAYRATE", Fraction(1)) or Fraction(1)
    url = source.first("FILE")[0]
    name = " ".join(item.first("NAME")) or Path(url.replace("\\", "/")).name
    muted = item.number("MUTE") != 0
    if start < 0 or length <= 0:
        return None
    clip = Placed(start, start + length, name, doc.external_reference(url, None, name), item.number("SOFFS"), speed)
    return kind == "VIDEO", replace(clip, enabled=not muted)


def _mark(line: list[str]) -> tuple[Fraction, str]:
    """(seconds, text) of a marker; a region is a section of its name, a marker without a name goes by its number.

    The end of a region has no text.
    """
    name, region = line[3], len(line) > 4 and line[4][:9].isdecimal() and int(line[4][:9]) & 1
    if not region:
        return _number(line[2]), name or f"marker {line[1]}"
    return _number(line[2]), f"section: {name}" if name and ":" not in name else name


def _tempo_map(project: _Block) -> list[dict[str, float]]:
    """Tempo changes in order; the project's tempo where there are none."""
    points = [line for block in project.inner("TEMPOENVEX") for line in block.lines if line[0] == "PT"]
    if not points:
        return [{"time_s": 0.0, "beats_per_minute": float(project.number("TEMPO", Fraction(120)))}]
    return [
        {"time_s": float(_number(line[1])), "beats_per_minute": float(_number(line[2]))}
        for line in points
        if len(line) > 2
    ]


def _project_rate(project: _Block) -> Fraction | None:
    """Frame rate of the project's timecode: 24, 25, 30 or, flagged, their NTSC companions."""
    words = project.first("TIMEMODE")
    fps = _number(words[3]) if len(words) > 3 else Fraction(0)
    if not 5 <= fps <= 500:
        return None
    ntsc = len(words) > 4 and words[4] in ("1", "2") and fps in (24, 30)
    return fps * Fraction(1000, 1001) if ntsc else fps


def _parse(text: str, where: str) -> _Block:
    """The project as blocks.

    Raises:
        InputError: not a REAPER project, or one that ends early.
    """
    if not text.lstrip().startswith("<REAPER_PROJECT"):
        raise InputError("is not a REAPER project: save it again", where, "not_a_timeline")
    root = _Block([])
    opened = [root]
    for raw in text.splitlines():
        line = raw.strip()
        if line.startswith("<"):
            block = _Block(_words(line[1:]))
            opened[-1].blocks.append(block)
            opened.append(block)
            if len(opened) > _MAX_DEPTH:
                raise InputError("is nested too deeply to be a REAPER project: save it again", where)
        elif line == ">":
            if len(opened) > 1:
                opened.pop()
        elif line:
            opened[-1].lines.append(_words(line))
    if len(opened) > 1:
        raise InputError("ends in the middle: save the project again", where, "not_a_timeline")
    return root.blocks[0]


def _words(line: str) -> list[str]:
    return [next((part for part in match.groups() if part is not None), "") for match in _WORD.finditer(line)]


def _number(text: str) -> Fraction:
    """A decimal number; 0 for anything else."""
    try:
        value = Fraction(text)
    except (ValueError, ZeroDivisionError):
        return Fraction(0)
    return value if abs(value) < doc.MAX_SECONDS else Fraction(0)
