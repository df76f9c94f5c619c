"""A reading resolved to a ``Picture``: the step every format shares."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from emsync_engine.errors import InputError
from emsync_engine.picture import Caption, Picture, Shot
from otio_adapters import document as doc
from otio_adapters.boundaries import picture_boundaries, soft_boundaries, weighted
from otio_adapters.caption_tracks import track_captions
from otio_adapters.captions import captions_beside
from otio_adapters.dialect import lay_out_document
from otio_adapters.layout import Layout
from otio_adapters.markers import picture_markers
from otio_adapters.media import MediaFinder
from otio_adapters.rates import guess_drop_frame, sequence_rate, start_frame
from otio_adapters.reading import Reading
from otio_adapters.shots import MediaMap, merged_ranges
from otio_adapters.visible import Segment, paint, snap_segments


def resolve(reading: Reading, path: Path, media_roots: Sequence[Path] = ()) -> Picture:
    """What is on the screen of a timeline.

    Args:
        reading: the timeline as read.
        path: the file it came from.
        media_roots: folders in which missing media is looked for by name.

    Raises:
        InputError: the timeline is damaged.
    """
    where = path.name
    try:
        return _resolve(reading, path, media_roots)
    except InputError as error:
        raise error if error.where else InputError(error.message, where, error.code) from error
    except RecursionError as error:
        raise InputError("is nested too deeply: flatten the nests and export again", where) from error


def timing_of(reading: Reading) -> tuple[Fraction, int, bool]:
    """(rate in Hz, record timecode of the head in frames, drop-frame) of a reading.

    Raises:
        InputError: a damaged time.
    """
    rate = reading.rate or sequence_rate(reading.document)
    head = reading.start_frame if reading.start_frame is not None else start_frame(reading.document, rate)
    drop = reading.drop_frame if reading.drop_frame is not None else guess_drop_frame(reading.document, rate, head)
    return rate, head, drop


def _resolve(reading: Reading, path: Path, media_roots: Sequence[Path]) -> Picture:
    document = reading.document
    rate, head, drop = timing_of(reading)
    layout = lay_out_document(document, path.name, rate)
    media = MediaMap(MediaFinder(reading.media_folder or path.parent, tuple(media_roots)), rate)
    segments, warnings = _segments(layout, rate, reading.detected)
    markers, marker_warnings = picture_markers(layout, rate, head, drop, reading.markers_are_hits)
    seen = picture_boundaries(segments, layout, media, reading.detected)
    changes = (boundary.frame for boundary in seen if not boundary.through)
    soft = soft_boundaries(segments, layout, rate, changes)
    sounds = tuple(media.sound(layer) for layer in sorted(layout.sounds, key=lambda layer: layer.start))
    shots = tuple(shot for segment in segments for shot in media.shots(segment))
    captions, caption_warnings = _captions(reading, layout, media.finder, path, rate)
    captions = _from_head(captions, layout.duration, head / rate)
    return Picture(
        name=doc.text_of(document, "name") or path.stem,
        rate=rate,
        duration=segments[-1].end if segments else layout.duration,
        source=str(path.absolute()),
        drop_frame=drop,
        start_frame=head,
        shots=shots,
        boundaries=tuple(weighted([*seen, *soft], markers, rate)),
        markers=tuple(markers),
        sounds=sounds,
        dialogue=merged_ranges((sound.start, sound.end) for sound in sounds if sound.role == "dialogue"),
        captions=captions,
        warnings=(
            *reading.warnings,
            *layout.warnings,
            *warnings,
            *marker_warnings,
            *caption_warnings,
            *media.warnings,
            *_media_warnings(shots, path.name),
        ),
        metadata=reading.metadata,
    )


def _captions(
    reading: Reading, layout: Layout, finder: MediaFinder, path: Path, rate: Fraction
) -> tuple[tuple[Caption, ...], Sequence[str]]:
    """Captions of the timeline itself, else those of a file beside it, and warnings."""
    on_tracks, warnings = track_captions(layout.captions, finder)
    if reading.captions or on_tracks:
        both = {*reading.captions, *on_tracks}
        return tuple(sorted(both, key=lambda caption: (caption.start, caption.end, caption.text))), warnings
    beside, more = captions_beside(path, rate)
    return beside, (*warnings, *more)


def _from_head(captions: tuple[Caption, ...], duration: Fraction, head: Fraction) -> tuple[Caption, ...]:
    """Captions from the head of the sequence: some files count in its timecode."""
    if not captions or not head or captions[0].start < max(duration, head):
        return captions
    return tuple(Caption(c.start - head, c.end - head, c.text) for c in captions)


def _segments(layout: Layout, rate: Fraction, detected: bool) -> tuple[list[Segment], list[str]]:
    """What is on the screen, ends on the grid, without anything when there is no picture at all."""
    painted = paint(layout.layers, layout.duration)
    if all(segment.layer is None for segment in painted):
        return [], ["the timeline has no picture: no video track with a clip that is on"]
    if detected:
        return painted, []
    segments, moved = snap_segments(painted, rate)
    text = f"{moved} cuts lay between frames of the {rate} grid and were moved to the frame that shows them"
    return segments, [text] if moved else []


def _media_warnings(shots: Sequence[Shot], where: str) -> list[str]:
    """One line for all media that is not on this machine."""
    missing = sorted({shot.name or shot.media for shot in shots if not shot.online and not shot.still})
    if not missing:
        return []
    shown = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
    return [f"{where}: media not found for {shown}; give --media-root FOLDER to look there"]
