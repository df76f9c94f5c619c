"""The files made from a take: MIDI, audio, the timeline with music, the report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bridge.files import json_bytes
from bridge.folder import Cut, Document, Take
from emsync_engine.codec import encode
from emsync_engine.composers import composer_of
from emsync_engine.errors import MissingComponentError
from emsync_engine.measure import measure_hits
from emsync_engine.picture import Picture
from emsync_engine.smf import smf_bytes

Progress = Callable[[float, str], None]

MIDI, MIX, TIMELINE, REPORT = "score.mid", "score.wav", "timeline.otio", "report.html"


def stem_file(part: str) -> str:
    return f"stems/{part}.wav"


@dataclass(frozen=True)
class Cue:
    """What derived files are made from."""

    folder: Path
    """Where they will lie in the end."""
    cut: Cut
    timeline: Path
    """The cut as an OpenTimelineIO file."""
    take: Take


def write_midi(cue: Cue, staging: Path) -> None:
    picture = cue.cut.picture
    start = (picture.rate, picture.start_frame, picture.drop_frame)
    (staging / MIDI).write_bytes(smf_bytes(cue.take.score, start_timecode=start))


def write_audio(
    cue: Cue, staging: Path, document: Document, progress: Progress, soundfont: Path | None = None
) -> Document:
    """Mix and stems. The document gets what was used, for the rights statement.

    Raises:
        MissingComponentError: no synthesiser is installed.
    """
    from emsync_engine.audio.render import render
    from emsync_engine.audio.soundfont import find_soundfont

    chosen = soundfont or (Path(document.soundfont) if document.soundfont else None)
    font = find_soundfont(chosen)
    (staging / "stems").mkdir(exist_ok=True)
    picture = cue.cut.picture
    result = render(
        cue.take.score,
        mix_path=staging / MIX,
        stem_paths={p.id: staging / stem_file(p.id) for p in cue.take.score.parts},
        soundfont=font,
        rate=picture.rate,
        start_frame=picture.start_frame,
        drop_frame=picture.drop_frame,
        frames=picture.frame_at(picture.duration),
        description=f"EMSYNC {cue.cut.title} take {document.current}",
        progress=lambda done: progress(done, "rendering"),
    )
    audio = {
        "synth": result.synth,
        "soundfont": result.soundfont,
        "soundfont_path": str(font.path),
        "gain_db": round(result.gain_db, 3),
        "loudness_lufs": result.loudness_lufs,
        "true_peak_dbtp": result.true_peak_dbtp,
    }
    return replace(
        document,
        audio=audio,
        soundfont=str(chosen.resolve()) if chosen else "",
        rights={**document.rights, "soundfont": result.soundfont, "soundfont_licence": result.soundfont_licence},
    )


def write_timeline(cue: Cue, staging: Path, document: Document) -> None:
    """The user's timeline with the music in it, pointing at the files where they will lie."""
    from otio_adapters import MusicDelivery, MusicMarker, timeline_with_music

    score, picture = cue.take.score, cue.cut.picture
    home = cue.folder.resolve()
    tracks = [("MX Mix", home / MIX), *((f"MX {p.name}", home / stem_file(p.id)) for p in score.parts)]
    labels = [f"Hit {i + 1}" for i in range(len(score.hits))]
    offset = cue.cut.offset
    delivery = MusicDelivery(
        name=cue.cut.title,
        tracks=tuple(tracks) if document.audio else (),
        markers=tuple(
            MusicMarker(h.time + offset, label, f"EMSYNC {label}: {h.label}".rstrip(": "))
            for h, label in zip(score.hits, labels)
        ),
        duration=picture.duration,
        rate=picture.rate,
        start_frame=picture.start_frame - round(offset * picture.rate),
        offset=offset,
    )
    document_with_music = timeline_with_music(cue.timeline, delivery)
    (staging / TIMELINE).write_bytes(json_bytes(document_with_music, indent=4, allow_nan=True))


def write_forms(cue: Cue, staging: Path, document: Document) -> None:
    """The forms that single systems take: dialects of the timeline, DAW projects, marker lists."""
    from otio_adapters.out import Delivery, write_all

    home = cue.folder.resolve()
    parts = cue.take.score.parts if document.audio else ()
    delivery = Delivery(
        name=cue.cut.title,
        score=cue.take.score,
        picture=cue.cut.picture,
        mix=home / MIX if document.audio else None,
        stems=tuple((p.id, home / stem_file(p.id)) for p in parts),
    )
    write_all(staging, delivery, home=home)


def plain_timeline(source: Path, picture: Picture) -> bytes:
    """The timeline of a file as OpenTimelineIO, without music of ours: what a cut keeps of it."""
    from otio_adapters import MusicDelivery, timeline_with_music

    nothing = MusicDelivery("", (), (), picture.duration, picture.rate)
    return json_bytes(timeline_with_music(source, nothing), indent=4, allow_nan=True)


def write_report(cue: Cue, staging: Path, document: Document) -> None:
    from bridge.report import HitReport, report_html, thumbnails

    hits = [
        HitReport(m.time_s, m.onset_s, m.error_s, m.bar, m.beat, m.label)
        for m in measure_hits(cue.take.score)
        if m.onset_s is not None and m.error_s is not None
    ]
    page = report_html(
        picture=cue.cut.picture,
        mood=cue.cut.mood,
        score=cue.take.score,
        hits=hits,
        rights=document.rights,
        takes=[takes_row(document, i) for i in range(len(document.takes))],
        warnings=(*cue.cut.warnings, *document.warnings),
        thumbnails=thumbnails(cue.cut.picture),
    )
    (staging / REPORT).write_bytes(page.encode("utf-8", "replace"))


def takes_row(document: Document, index: int) -> dict[str, Any]:
    """A take as ``emsync takes DIR list --json`` shows it."""
    take = document.takes[index]
    row: dict[str, Any] = encode(take)
    return {**row, "current": take.number == document.current}


def derive_all(
    cue: Cue,
    staging: Path,
    document: Document,
    progress: Progress,
    *,
    soundfont: Path | None = None,
    needs_audio: bool = False,
) -> Document:
    """Every derived file of the document's current take. Without a synthesiser the audio is left out, and said.

    Raises:
        MissingComponentError: there is no synthesiser and the audio is what is wanted.
    """
    engine = document.entry(document.current).engine
    document = replace(document, rights=rights_of(engine), warnings=())
    write_midi(cue, staging)
    try:
        document = write_audio(cue, staging, document, progress, soundfont)
    except MissingComponentError as error:
        if needs_audio:
            raise
        document = replace(document, audio={}, warnings=(f"no audio was rendered: {error.message}",))
    progress(1.0, "writing the timeline")
    write_timeline(cue, staging, document)
    write_forms(cue, staging, document)
    progress(1.0, "drawing the report")
    write_report(cue, staging, document)
    return document


def file_paths(folder: Path, document: Document) -> dict[str, str]:
    """Absolute paths of the folder's files by what they are: midi, mix, timeline, report, document, stem names."""
    home = folder.resolve()
    names: Mapping[str, str] = {MIDI: "midi", MIX: "wav", TIMELINE: "timeline", REPORT: "report"}
    files = {"document": str(home / "score.json")}
    for name in document.files:
        label = names.get(name) or (f"stem_{Path(name).stem}" if name.startswith("stems/") else name)
        files[label] = str(home / name)
    return files


def rights_of(engine: str) -> dict[str, str]:
    """What a cue may say of its origin: engine, weights and their training data."""
    try:
        return dict(composer_of(engine).rights)
    except MissingComponentError:  # an older take whose weights are not on this machine
        return {"engine": f"EMSYNC {engine} composer", "weights": "not on this machine any more"}
