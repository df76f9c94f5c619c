"""``read_picture``: any supported file or bundle to a ``Picture``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from importlib import import_module
from pathlib import Path

from emsync_engine.errors import InputError
from emsync_engine.picture import Picture
from emsync_engine.timecode import canonical_rate
from otio_adapters.media import VIDEO_SUFFIXES
from otio_adapters.rates import given_rate
from otio_adapters.reading import Reading
from otio_adapters.resolve import resolve


@dataclass(frozen=True)
class Format:
    """How files of a kind are read: a module and the function in it, imported only when needed."""

    name: str
    module: str
    function: str = "read"
    takes_rate: bool = False


FORMATS: dict[str, Format] = {
    ".otio": Format("OpenTimelineIO", "otio_json"),
    ".otioz": Format("OpenTimelineIO bundle", "bundle", "read_zip"),
    ".otiod": Format("OpenTimelineIO bundle", "bundle", "read_folder"),
    ".edl": Format("CMX 3600 edit decision list", "edl", takes_rate=True),
    ".xml": Format("Final Cut Pro 7 XML", "xml_any"),
    ".fcpxml": Format("FCPXML", "fcpxml"),
    ".fcpxmld": Format("FCPXML bundle", "fcpxml"),
    ".aaf": Format("AAF", "aaf"),
    ".kdenlive": Format("Kdenlive project", "kdenlive"),
    ".mid": Format("standard MIDI file", "smf", takes_rate=True),
    ".midi": Format("standard MIDI file", "smf", takes_rate=True),
    ".rpp": Format("REAPER project", "rpp", takes_rate=True),
    **dict.fromkeys(VIDEO_SUFFIXES, Format("video", "video")),
}
"""Readers by suffix."""


def read_picture(
    path: str | Path,
    *,
    rate: Fraction | None = None,
    media_roots: Sequence[Path] = (),
    detect_within: bool = False,
) -> Picture:
    """Read a timeline, a bundle or a bare video.

    Args:
        path: the file, or the folder of a bundle.
        rate: frame rate in Hz for formats that carry none (EDL); others keep their own.
        media_roots: folders in which missing media is looked for, by name, then by timecode and reel.
        detect_within: also look for cuts inside clips of 8 s and more (previous exports, stock reels).

    Raises:
        InputError: the file cannot be used; the message names file, track, clip, time and remedy.
    """
    path = Path(path)
    reading = read_timeline(path, rate=rate)
    picture = resolve(reading, path, tuple(Path(root) for root in media_roots))
    if rate is not None and canonical_rate(rate) != picture.rate:
        text = f"{path.name} has its own frame rate, {picture.rate}: the given {canonical_rate(rate)} is not used"
        picture = replace(picture, warnings=(*picture.warnings, text))
    if detect_within and not reading.detected:
        from otio_adapters.detect import with_detected_cuts  # heavy: only when asked

        picture = with_detected_cuts(picture)
    return picture


def read_timeline(path: Path, *, rate: Fraction | None = None) -> Reading:
    """The timeline of a file as an OpenTimelineIO document with what such a document cannot say.

    Raises:
        InputError: the file cannot be read.
    """
    exact = given_rate(rate)
    form = _format_of(path)
    reader: Callable[..., Reading] = getattr(import_module(f"otio_adapters.formats.{form.module}"), form.function)
    try:
        return reader(path, rate=exact) if form.takes_rate else reader(path)
    except InputError as error:
        raise error if error.where else InputError(error.message, path.name, error.code) from error
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror or error})", str(path), "unreadable") from error
    except RecursionError as error:
        raise InputError("is nested too deeply: flatten the nests and export again", path.name) from error


def _format_of(path: Path) -> Format:
    suffix = path.suffix.lower()
    try:
        is_folder, exists = path.is_dir(), path.exists()
    except (OSError, ValueError) as error:
        raise InputError("is not a usable file name", repr(str(path)), "not_found") from error
    if not exists:
        raise InputError("no such file", str(path), "not_found")
    form = FORMATS.get(suffix)
    folders = (".otiod", ".fcpxmld")
    if not is_folder and not path.is_file():
        raise InputError("is neither a file nor a folder", str(path), "not_a_timeline")
    if is_folder and suffix not in folders:
        message = f"is a folder, not a timeline or a bundle ({', '.join(folders)})"
        raise InputError(message, str(path), "not_a_timeline")
    if form is None or (suffix in folders and not is_folder):
        known = ", ".join(sorted(s for s in FORMATS if s not in VIDEO_SUFFIXES))
        message = f"is no timeline that can be read ({known}) and no video: export one of these"
        raise InputError(message, path.name, "unknown_format")
    return form
