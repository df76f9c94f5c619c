"""When two shots are of the same material, whatever their files are called this week.

A new version of an effects shot (``_v012``), a proxy, another container or another folder is the same material; two
cards of one camera that both have a ``C0001.MP4`` are not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from emsync_engine.picture import Shot

BLACK = "black"
"""The key of nothing at all: gaps, and generators of black."""

_FRAME_PATTERN = re.compile(r"[._]?(%0?\d*d|#+|\[\d+-\d+\])$")
_VERSION = re.compile(r"(?<![a-z])(v|ver|version)[ ._-]?\d{1,4}(?![a-z0-9])")
_STAND_IN = re.compile(
    r"^(proxy|prx|offline|online)[ ._-]+"
    r"|[ ._-]+(proxy|prx|offline|online|lowres|hires|copy)([ ._-]?\d{1,2})?$"
    r"|[ ._-]+(\d{3,4}[pi]|[2468]k|uhd|half|quarter|(apple)?prores([ _-]?(422|4444))?([ _-]?(hq|lt|xq))?"
    r"|dnxh[dr]([ _-]?\w{1,3})?|h\.?26[45]|hevc|cineform|mjpe?g)$"
    r"|[ ._-]*\(\d{1,2}\)$"
)
"""Marks of proxies, transcodes and copies."""
_STAND_IN_FOLDERS = frozenset(
    "proxy proxies prx offline online lowres hires transcodes transcoded optimized media".split()  # noqa: SIM905
)
_SEPARATORS = re.compile(r"[ ._-]+")
_BLACK_NAMES = frozenset({"black", "black video", "bl", "slug", "black slug"})


@dataclass(frozen=True)
class Name:
    """What a medium is called."""

    raw: str
    """With the suffix, and as many folders as it takes to tell the media of one cut apart."""
    key: str
    """Without suffix, version and stand-in marks."""


def is_black(shot: Shot) -> bool:
    """A generator of nothing."""
    return not shot.media and shot.still and shot.name.strip().lower() in _BLACK_NAMES


def same_material(old: Sequence[Shot], new: Sequence[Shot]) -> Callable[[Shot, Shot], bool]:
    """Whether a shot of the old cut and one of the new cut show the same material.

    Two names that both cuts use as they are stay two things, however alike they look.
    """
    names = Names((old, new))
    before = {names.of(s).raw for s in old}
    after = {names.of(s).raw for s in new}

    def same(a: Shot, b: Shot) -> bool:
        one, other = names.of(a), names.of(b)
        if one.raw == other.raw:
            return True
        if one.raw in after and other.raw in before:
            return False
        return one.key == other.key or not (a.media and b.media)

    return same


class Names:
    """Names of the media of some cuts."""

    def __init__(self, cuts: Iterable[Sequence[Shot]]) -> None:
        self._depths: dict[str, int] = {}
        self._known: dict[str, Name] = {}
        for shots in cuts:
            self._tell_apart({s.media for s in shots if s.media})

    def _tell_apart(self, media: set[str]) -> None:
        """Where one cut uses several files of a name, as many folders as it takes belong to it."""
        by_name: dict[str, set[tuple[str, ...]]] = {}
        for path in media:
            parts = _parts(path)
            by_name.setdefault(parts[-1], set()).add(parts)
        for name, paths in by_name.items():
            depth = 1
            while len({p[-depth:] for p in paths}) < len(paths):
                depth += 1
            self._depths[name] = max(depth, self._depths.get(name, 1))

    def of(self, shot: Shot) -> Name:
        """The name of a shot's medium, or of the shot where no medium is known."""
        text = shot.media or shot.name
        if text not in self._known:
            self._known[text] = self._name(text) if shot.media else Name(text.lower(), plain(text))
        return self._known[text]

    def _name(self, media: str) -> Name:
        parts = _parts(media)
        tail = parts[-self._depths.get(parts[-1], 1) :]
        return Name("/".join(tail), "/".join((*tail[:-1], plain(tail[-1]))))

    def keys(self, shot: Shot) -> list[str]:
        """Under these a shot may be found again, surest first; a file by the name of its clip and reel too."""
        if is_black(shot):
            return [BLACK]
        named = [f"name {plain(text)}" for text in (shot.name, shot.reel) if text]
        return list(dict.fromkeys([self.of(shot).key, *named] if shot.media else [*named, plain(shot.name)]))


def _parts(media: str) -> tuple[str, ...]:
    parts = media.replace("\\", "/").lower().split("/")
    name = parts[-1] or media.lower()
    return (*(p for p in parts[:-1] if p and p not in _STAND_IN_FOLDERS), name)


def plain(text: str) -> str:
    """A file or clip name without suffix, frame number pattern, version and stand-in marks."""
    name = re.split(r"[\\/]", text.lower().strip())[-1]
    stem, dot, suffix = name.rpartition(".")
    stem = stem if dot and stem and re.fullmatch(r"[a-z][a-z0-9]{1,4}|3gp", suffix) else name
    bare = _FRAME_PATTERN.sub("", stem)
    while (shorter := _STAND_IN.sub("", _VERSION.sub("", bare)).strip(" ._-")) != bare:
        bare = shorter
    return _SEPARATORS.sub("_", bare) or stem
