"""A score as sound: the mix and one stem a part, as long as the picture to the sample.

Every part is played on an instrument of its own into a temporary file of floats (``performance.py``), at a loudness
that does not depend on the SoundFont (``balance.py``) and in one hall (``hall.py``). One gain for all is found from
their sum; then the stems are rounded to 24 bits with it, and the mix is the integer sum of what was rounded.
"""

from __future__ import annotations

import hashlib
import math
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emsync_engine.audio.bwf import FULL_SCALE, BroadcastInfo, BroadcastWavWriter, CuePoint, picture_samples
from emsync_engine.audio.loudness import Loudness, LoudnessMeter, TruePeakMeter
from emsync_engine.audio.performance import PartJob, part_job, sample_at
from emsync_engine.audio.pool import play_all
from emsync_engine.audio.soundfont import SoundFont
from emsync_engine.audio.synth import SAMPLE_RATE, SynthInfo, choose_synth
from emsync_engine.errors import InputError
from emsync_engine.score import Score
from emsync_engine.smf import smf_bytes
from emsync_engine.version import __version__

TARGET_LUFS = -18.0
PEAK_CEILING_DB = -1.0
"""Of the mix's true peak and the stems' highest samples, in dB below full scale."""
MAX_GAIN_DB = 40.0
FADE_S = 0.010
"""The last 10 ms fade out, so that a tail that the picture's end cuts off does not click."""

_CHUNK = 1 << 17  # samples read at a time
_STALE_S = 24 * 3600  # a working folder older than this was left by a process that was killed
_WORK_PREFIX = ".emsync-render-"

Progress = Callable[[float], None]


@dataclass(frozen=True)
class RenderResult:
    """What was rendered and how."""

    files: dict[str, Path]
    """``"mix"`` and every part's id."""
    synth: str
    """Name and version."""
    soundfont: str
    soundfont_licence: str
    gain_db: float
    """The one gain of the mix and all stems."""
    peak_dbfs: float | None
    """Highest sample of the mix; None for silence."""
    true_peak_dbtp: float | None
    """Highest value of the mix between samples; None for silence."""
    loudness_lufs: float | None
    """Integrated loudness of the mix; None for silence."""
    samples: int
    seconds: float
    """Wall-clock time the rendering took."""


def render(
    score: Score,
    *,
    mix_path: Path,
    stem_paths: Mapping[str, Path],
    soundfont: SoundFont,
    rate: Fraction,
    start_frame: int,
    drop_frame: bool,
    frames: int,
    description: str,
    progress: Progress | None = None,
) -> RenderResult:
    """Render a score to Broadcast WAV files. None is put in place before all are complete.

    Args:
        score: what to play.
        mix_path: target of the mix; its folder exists.
        stem_paths: target of each part by id; all parts must be there.
        soundfont: the sounds.
        rate: the picture's frame rate in Hz.
        start_frame: timecode of the head as a frame count.
        drop_frame: whether that timecode counts drop-frame.
        frames: the picture's length. The files last ``frames`` / ``rate`` s to the nearest sample.
        description: for the files' description field; 256 plain characters are kept.
        progress: told how much is done, 0.0 to 1.0.

    Raises:
        InputError: the synthesiser cannot load the SoundFont, or a file cannot be written.
        MissingComponentError: there is no synthesiser.
        ValueError: ``stem_paths`` are not those of the score's parts.
    """
    began = time.monotonic()
    if set(stem_paths) != {part.id for part in score.parts}:
        raise ValueError(f"stems {sorted(stem_paths)} do not match parts {sorted(p.id for p in score.parts)}")
    synth = choose_synth()
    samples = picture_samples(frames, rate)
    report = _Reporter(progress, samples, len(score.parts))
    base = _base_info(score, synth, soundfont, description, BroadcastInfo("", "", rate, drop_frame, start_frame))
    try:
        _remove_stale(mix_path.parent)
        with tempfile.TemporaryDirectory(prefix=_WORK_PREFIX, dir=mix_path.parent) as folder:
            jobs = [part_job(p, score.tempo_map, samples, Path(folder) / f"{i}.f32") for i, p in enumerate(score.parts)]
            play_all(jobs, synth, soundfont, Path(folder), report.played)
            level = _find_level(jobs, samples, report.measured)
            targets = [(stem_paths[part.id], part.name) for part in score.parts]
            _write(jobs, samples, level, mix_path, targets, base, report.written)
    except OSError as error:
        where = str(error.filename or mix_path)
        raise InputError(
            f"cannot write the audio: {error.strerror or error}", where=where, code="cannot_write"
        ) from error
    report.finish()
    return RenderResult(
        files={"mix": mix_path, **{part.id: stem_paths[part.id] for part in score.parts}},
        synth=str(synth),
        soundfont=soundfont.name,
        soundfont_licence=soundfont.licence,
        gain_db=20 * math.log10(level.gain),
        peak_dbfs=20 * math.log10(level.peak * level.gain) if level.peak else None,
        true_peak_dbtp=level.loudness.true_peak_db,
        loudness_lufs=level.loudness.integrated,
        samples=samples,
        seconds=time.monotonic() - began,
    )


@dataclass(frozen=True)
class _Level:
    gain: float
    peak: float
    """Of the mix before the gain."""
    loudness: Loudness
    """Of the mix after the gain."""


def _find_level(jobs: list[PartJob], samples: int, measured: Callable[[int], None]) -> _Level:
    """The gain that brings the mix to the target loudness, or as near as the highest peak allows."""
    meter, true_peak = LoudnessMeter(), TruePeakMeter()
    mix_peak = stem_peak = 0.0
    for stems in _stem_chunks(jobs, samples):
        mix = np.zeros_like(stems[0])
        for stem in stems:
            mix += stem
            stem_peak = max(stem_peak, float(np.abs(stem).max()))
        mix_peak = max(mix_peak, float(np.abs(mix).max()))
        meter.feed(mix)
        true_peak.feed(mix)
        measured(len(mix))
    energy = meter.finish()
    raw = energy.at_gain(1.0).integrated
    wanted = 0.0 if raw is None else min(TARGET_LUFS - raw, MAX_GAIN_DB)
    gain = 10 ** (wanted / 20)
    highest = max(true_peak.finish(), stem_peak)
    if highest:  # each stem rounds by half a step at most: keep that much below the ceiling
        ceiling = 10 ** (PEAK_CEILING_DB / 20) - (len(jobs) + 1) / FULL_SCALE
        gain = min(gain, ceiling / highest)
    loudness = energy.at_gain(gain)
    if true_peak.peak:
        loudness = replace(loudness, true_peak_db=20 * math.log10(true_peak.peak * gain))
    return _Level(gain, mix_peak, loudness)


def _write(
    jobs: list[PartJob],
    samples: int,
    level: _Level,
    mix_path: Path,
    targets: list[tuple[Path, str]],
    base: BroadcastInfo,
    written: Callable[[int], None],
) -> None:
    mix_info = replace(base, track_name="Mix", loudness=level.loudness)
    with ExitStack() as stack:
        mix_file = stack.enter_context(BroadcastWavWriter(mix_path, samples, mix_info))
        stem_files = [
            stack.enter_context(BroadcastWavWriter(path, samples, replace(base, track_name=name)))
            for path, name in targets
        ]
        done = 0
        for stems in _stem_chunks(jobs, samples):
            count = len(stems[0])
            envelope = _fade(done, count, samples) * np.float32(level.gain * FULL_SCALE)
            mix = np.zeros((count, 2), np.int32)
            for stem, file in zip(stems, stem_files):
                rounded = np.rint(stem * envelope).astype(np.int32)
                file.write(rounded)
                mix += rounded
            mix_file.write(mix)
            done += count
            written(count)
        files = [mix_file, *stem_files]
        for file in files:
            file.finish()
        for file in files:
            file.commit()


def _fade(start: int, count: int, samples: int) -> NDArray[np.float32]:
    """The gain curve of ``count`` samples from ``start``, shape (count, 1): one, but falling to 0 at the file's end."""
    length = min(round(FADE_S * SAMPLE_RATE), samples)
    left = samples - 1 - np.arange(start, start + count)
    return np.minimum(1.0, left / max(length, 1)).astype(np.float32)[:, None]


def _stem_chunks(jobs: list[PartJob], samples: int) -> Iterator[list[NDArray[np.float32]]]:
    """All parts' sound side by side, a chunk at a time; one silent part when there is none."""
    with ExitStack() as stack:
        files = [stack.enter_context(job.path.open("rb")) for job in jobs]
        for start in range(0, samples, _CHUNK):
            count = min(_CHUNK, samples - start)
            stems = [np.fromfile(file, "<f4", count * 2).reshape(-1, 2) for file in files]
            yield stems or [np.zeros((count, 2), np.float32)]


def _base_info(
    score: Score, synth: SynthInfo, soundfont: SoundFont, description: str, place: BroadcastInfo
) -> BroadcastInfo:
    cues = tuple(
        CuePoint(sample_at(score.tempo_map.seconds(marker.tick)), marker.text)
        for marker in score.markers()
        if marker.kind != "end"
    )
    digest = hashlib.sha256(smf_bytes(score)).hexdigest()
    return replace(
        place,
        description=description,
        originator_reference=f"EMSYNC{digest[:24]}",
        coding_history=f"A=PCM,F={SAMPLE_RATE},W=24,M=stereo,T=EMSYNC {__version__}; {synth}; {soundfont.name}",
        cues=cues,
        project=score.title,
    )


def _remove_stale(folder: Path) -> None:
    """Remove the working folders of renderings that were killed a day or more ago."""
    for left in folder.glob(f"{_WORK_PREFIX}*"):
        if left.is_dir() and time.time() - left.stat().st_mtime > _STALE_S:
            shutil.rmtree(left, ignore_errors=True)


class _Reporter:
    """Turns samples of the three stages into one share of the whole; playing is most of the work."""

    _PLAY, _MEASURE = 0.85, 0.07

    def __init__(self, progress: Progress | None, samples: int, parts: int) -> None:
        self._progress = progress
        self._samples = max(samples, 1)
        self._parts = max(parts, 1)
        self._share = 0.0

    def played(self, samples: int) -> None:
        self._advance(self._PLAY * samples / self._samples / self._parts)

    def measured(self, samples: int) -> None:
        self._advance(self._MEASURE * samples / self._samples)

    def written(self, samples: int) -> None:
        self._advance((1 - self._PLAY - self._MEASURE) * samples / self._samples)

    def finish(self) -> None:
        self._advance(1.0)

    def _advance(self, step: float) -> None:
        self._share = min(1.0, self._share + step)
        if self._progress is not None:
            self._progress(self._share)
