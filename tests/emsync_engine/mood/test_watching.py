"""Watching: what is read, what is not, and what happens when it cannot be."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from mood_films import noise_at, picture_of, shot_of, write_film, write_wav

from emsync_engine.mood import media, watch
from emsync_engine.mood.see import plan, see
from emsync_engine.picture import Picture, Shot, SoundClip


def no_tick(seconds: float, name: str) -> None:
    pass


def grey(level: int) -> object:
    return lambda t: np.full((90, 160, 3), level, dtype=np.uint8)


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Media times of everything that a decoder gives out."""
    times: list[float] = []
    original = media._Tape.next

    def counting(tape: media._Tape) -> object:
        frame = original(tape)
        if frame is not None:
            times.append(tape.position_s)
        return frame

    monkeypatch.setattr(media._Tape, "next", counting)
    return times


# --- only what is on screen


def test_only_the_seconds_on_screen_are_decoded(minute: Path, decoded: list[float]) -> None:
    watch(picture_of(shot_of(minute, 0, 2, 40), shot_of(minute, 2, 3, 10)))
    assert len(decoded) < 24 * (2 + 1 + 2 * 1.2)  # a second before each, from the key frame on
    assert all(8.9 <= t <= 11.2 or 38.9 <= t <= 42.2 for t in decoded)


def test_one_pass_through_a_file_however_often_it_is_used(minute: Path, decoded: list[float]) -> None:
    shots = [shot_of(minute, n, n + 1, start) for n, start in enumerate((20, 5, 20, 12, 5, 21))]
    watch(picture_of(*shots))
    assert decoded == sorted(decoded)


def test_the_plan_holds_only_what_is_on_screen() -> None:
    shots = (
        shot_of("a.mov", 0, 2, 10),
        shot_of("a.mov", 2, 4, 30, speed=Fraction(-1)),
        shot_of("a.mov", 4, 6, 50, speed=Fraction(1, 2)),
        shot_of("a.mov", 6, 9, 70, still=True),
        shot_of("a.mov", 9, 10, 80, speed=Fraction(0)),
        shot_of("b.mov", 10, 11, 0, online=False),
    )
    wanted = plan(shots)
    assert list(wanted) == ["a.mov"]
    times = [m.media_s for m in wanted["a.mov"]]
    assert times == sorted(times)
    spans = ((10, 12), (28, 30), (50, 51), (70, 70), (80, 80))
    assert all(any(a <= t <= b for a, b in spans) for t in times)
    assert sum(m.slot_s for m in wanted["a.mov"]) == pytest.approx(10)


def test_frames_are_those_of_the_right_moment(minute: Path) -> None:
    sight = see([shot_of(minute, 0, 4, 30), shot_of(minute, 4, 8, 20, speed=Fraction(-2))], {}, no_tick)
    seconds = (sight.looks[:, 0] * 255 - 16) / 3.9
    expected = np.where(sight.time_s < 4, 30 + sight.time_s, 20 - 2 * (sight.time_s - 4))
    assert np.abs(seconds - expected).max() < 0.6  # the grey has steps of a quarter of a second, and is compressed


def test_temp_music_is_not_listened_to(minute: Path, tmp_path: Path) -> None:
    loud = write_wav(tmp_path / "loud.wav", np.random.default_rng(1).uniform(-0.9, 0.9, 48_000 * 4))
    music = SoundClip(Fraction(0), Fraction(4), "temp", str(loud), Fraction(0), online=True, role="music")
    with_music = picture_of(shot_of(minute, 0, 4), sounds=(music,))
    curve = watch(with_music)
    assert not {"loudness", "timbre"} & {e.name for e in curve.evidence}
    effects = watch(replace(with_music, sounds=(replace(music, role="effects"),)))
    assert effects.arousal.mean() > curve.arousal.mean() + 0.1


def test_sound_is_heard_at_its_record_time(minute: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    sound = np.concatenate([rng.uniform(-0.01, 0.01, 48_000 * 20), rng.uniform(-0.9, 0.9, 48_000 * 20)])
    path = str(write_wav(tmp_path / "sound.wav", sound))
    clips = (
        SoundClip(Fraction(0), Fraction(10), "loud", path, Fraction(25), online=True),
        SoundClip(Fraction(10), Fraction(20), "quiet", path, Fraction(5), online=True),
    )
    curve = watch(picture_of(shot_of(minute, 0, 20), sounds=clips))
    assert curve.mean(2, 8)[1] > curve.mean(12, 18)[1] + 0.3


# --- moving, still, dark


def test_movement_arouses_and_stillness_calms(tmp_path: Path) -> None:
    def paint(t: float) -> np.ndarray:
        return noise_at(t if t < 6 else 6)

    film = write_film(tmp_path / "film.mp4", paint, 12)
    curve = watch(picture_of(shot_of(film, 0, 12)))
    assert curve.mean(1, 5)[1] > curve.mean(8, 12)[1] + 0.4


def test_a_freeze_has_no_movement(tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mp4", noise_at, 6)
    moving = watch(picture_of(shot_of(film, 0, 4)))
    frozen = watch(picture_of(shot_of(film, 0, 4, 2, speed=Fraction(0), still=True)))
    assert moving.arousal.mean() > frozen.arousal.mean() + 0.3


def test_a_still_picture_file_is_seen_as_long_as_it_stands(tmp_path: Path) -> None:
    still = write_film(tmp_path / "still.jpg", lambda t: np.full((90, 160, 3), 240, np.uint8), 1, fps=1, codec="mjpeg")
    curve = watch(picture_of(shot_of(still, 0, 6, 3600, still=True)))
    assert curve.warnings == ()
    assert curve.valence_confidence is not None
    assert curve.valence_confidence.min() > 0.3
    assert curve.valence.mean() > 0


def test_every_frame_alone_is_read_sparsely(tmp_path: Path, decoded: list[float]) -> None:
    film = write_film(tmp_path / "intra.avi", noise_at, 6, codec="mjpeg")
    curve = watch(picture_of(shot_of(film, 0, 4, 1)))
    assert curve.warnings == ()
    assert 24 <= len(decoded) <= 4 * 8 + 8


def test_black_between_shots_is_neutral_and_unsure(tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mp4", noise_at, 4)
    picture = replace(picture_of(shot_of(film, 0, 4), shot_of(film, 14, 18)), duration=Fraction(18))
    curve = watch(picture)
    assert abs(curve.at(9)[0]) < 0.02
    assert abs(curve.at(9)[1]) < 0.02
    assert np.interp(9, curve.time_s, curve.confidence) < 0.05
    assert curve.mean_confidence(0, 4) > 0.4


# --- not there, damaged


def offline(name: str, start: float, end: float) -> Shot:
    return Shot(Fraction(start), Fraction(end), name, f"/nowhere/{name}.mov", Fraction(0))


def test_all_offline_is_neutral_with_one_warning() -> None:
    sounds = (SoundClip(Fraction(0), Fraction(9), "line", "/nowhere/line.wav", Fraction(0), role="dialogue"),)
    curve = watch(picture_of(*(offline(f"clip {n}", n, n + 1) for n in range(10)), sounds=sounds))
    assert not curve.valence.any()
    assert not curve.arousal.any()
    assert not curve.confidence.any()
    (warning,) = curve.warnings
    assert warning.startswith("11 clips are offline")
    assert "clip 0, clip 1, clip 2 and 8 more" in warning
    assert all(mood.categories["neutral"] == pytest.approx(1) for mood in curve.shots)


def test_what_is_offline_does_not_spoil_the_rest(minute: Path) -> None:
    curve = watch(picture_of(shot_of(minute, 0, 6, 30), offline("lost", 6, 18)))
    assert len(curve.warnings) == 1
    assert curve.mean_confidence(0, 5) > 0.4
    assert curve.mean_confidence(10, 18) < 0.05


def test_offline_sound_is_not_taken_for_silence(minute: Path, tmp_path: Path) -> None:
    path = str(write_wav(tmp_path / "a.wav", np.random.default_rng(1).uniform(-0.3, 0.3, 48_000 * 8)))
    here = SoundClip(Fraction(0), Fraction(8), "here", path, Fraction(0), online=True)
    lost = SoundClip(Fraction(8), Fraction(16), "lost", "/nowhere/b.wav", Fraction(0))
    known = watch(picture_of(shot_of(minute, 0, 16), sounds=(here,)))
    unknown = watch(picture_of(shot_of(minute, 0, 16), sounds=(here, lost)))
    assert unknown.mean(11, 15)[1] > known.mean(11, 15)[1]


def damage(path: Path, how: str) -> Path:
    data = path.read_bytes()
    rng = np.random.default_rng(3)
    broken = {
        "empty": b"",
        "text": b"this is not a film\n" * 200,
        "random": rng.bytes(60_000),
        "cut off": data[: len(data) // 2],
        "head only": data[:64],
    }
    target = path.with_name(f"{how}.mp4")
    target.write_bytes(broken[how])
    return target


@pytest.mark.parametrize("how", ["empty", "text", "random", "cut off", "head only"])
def test_damaged_media_give_a_warning_and_neutral(how: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    film = damage(write_film(tmp_path / "film.mp4", noise_at, 3), how)
    curve = watch(picture_of(shot_of(film, 0, 3)))
    (warning,) = curve.warnings
    assert film.name in warning
    assert not curve.arousal.any()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("seed", range(6))
def test_flipped_bytes_are_survived(seed: int, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    film = write_film(tmp_path / "film.mkv", noise_at, 3)
    data = bytearray(film.read_bytes())
    rng = np.random.default_rng(seed)
    for place in rng.integers(600, len(data), len(data) // 60):
        data[place] = rng.integers(256)
    film.write_bytes(bytes(data))
    curve = watch(picture_of(shot_of(film, 0, 3)))
    assert np.isfinite(curve.arousal).all()
    assert capfd.readouterr() == ("", "")


def test_a_file_that_ends_early_is_reported(tmp_path: Path) -> None:
    film = write_film(tmp_path / "short.mp4", noise_at, 2)
    curve = watch(picture_of(shot_of(film, 0, 10)))
    (warning,) = curve.warnings
    assert "short.mp4" in warning
    assert curve.mean_confidence(0, 1.5) > 0.3
    assert curve.mean_confidence(6, 10) < 0.05


def test_sound_where_a_picture_should_be_and_the_other_way_round(tmp_path: Path) -> None:
    wav = write_wav(tmp_path / "a.wav", np.zeros(48_000))
    film = write_film(tmp_path / "b.mp4", noise_at, 1)
    sound = SoundClip(Fraction(0), Fraction(1), "b", str(film), Fraction(0), online=True)
    (warning,) = watch(picture_of(shot_of(wav, 0, 1), sounds=(sound,))).warnings
    assert "a.wav (no picture in it)" in warning
    assert "b.mp4 (no sound in it)" in warning


def test_a_film_without_sound_is_no_fault(tmp_path: Path) -> None:
    film = write_film(tmp_path / "silent.mp4", noise_at, 2)
    assert watch(picture_of(shot_of(film, 0, 2))).warnings == ()


def test_media_that_vanish_after_reading_the_timeline(tmp_path: Path) -> None:
    (warning,) = watch(picture_of(shot_of(tmp_path / "gone.mp4", 0, 2))).warnings
    assert "gone.mp4 (no such file)" in warning


def test_a_playlist_is_not_followed(tmp_path: Path) -> None:
    playlist = tmp_path / "list.m3u8"
    playlist.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n")
    (warning,) = watch(picture_of(shot_of(playlist, 0, 2))).warnings
    assert "list.m3u8" in warning


def test_titles_and_solids_are_not_missed() -> None:
    title = Shot(Fraction(0), Fraction(3), "Title", "", Fraction(0), still=True)
    assert watch(picture_of(title)).warnings == ()


@pytest.mark.parametrize("duration", [0, Fraction(1, 24), Fraction(1, 4), Fraction(1001, 24000)])
def test_pictures_shorter_than_a_sample(duration: Fraction) -> None:
    curve = watch(Picture("short", Fraction(24), Fraction(duration)))
    assert len(curve.time_s) >= 2
    assert not curve.valence.any()


# --- cost


def test_a_long_film_is_not_held_in_memory(minute: Path) -> None:
    length = Fraction(18, 5)
    starts = np.random.default_rng(5).integers(0, 55, 250)
    shots = [shot_of(minute, n * length, (n + 1) * length, int(start)) for n, start in enumerate(starts)]
    picture = picture_of(*shots)
    tracemalloc.start()
    curve = watch(picture)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(curve.time_s) == 15 * 60 * 4 + 1
    assert peak < 40e6  # 7,200 frames of this size would take 300 MB
