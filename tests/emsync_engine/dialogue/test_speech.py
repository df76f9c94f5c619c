"""Speech found in sound: how much of it, how rarely elsewhere, and where on the timeline."""

from __future__ import annotations

import random
import shutil
import sys
import types
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from bridge.demo.sound import VOICE_LINES, write_sound
from emsync_engine.audio.render import render
from emsync_engine.audio.soundfont import find_soundfont
from emsync_engine.audio.synth import available_synths
from emsync_engine.dialogue import detectors, find_speech, speech
from emsync_engine.dialogue.voice import spoken
from emsync_engine.mood.media import UnreadableMediaError, sound_in
from emsync_engine.picture import Picture, Shot, SoundClip
from emsync_engine.rules import compose
from emsync_engine.score import Score
from emsync_engine.spotting import SpotOptions, spot
from tests.emsync_engine.dialogue import sounds
from tests.emsync_engine.dialogue.sounds import RATE, Labels, Sound
from tests.emsync_engine.mood.mood_films import write_wav
from tests.recuts import calm, first_cut, picture_of

F = Fraction


def labels_of(spans: list[tuple[float, float]], count: int) -> Labels:
    row = np.zeros(count, dtype=bool)
    for start, end in spans:
        row[round(start * 100) : round(end * 100)] = True
    return row


def rated(found: Labels, truth: Labels) -> tuple[float, float]:
    """(precision, recall) by hundredths of a second."""
    hits = float((found & truth).sum())
    return hits / max(found.sum(), 1), hits / max(truth.sum(), 1)


def rate(sound: Sound, truth: Labels) -> tuple[float, float]:
    return rated(labels_of(spoken(sound), len(truth)), truth)


# --- the detector ---


@pytest.mark.parametrize("seed", range(6))
def test_talkers_are_heard(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sound, truth = sounds.conversation(rng, 25, (90 + 12 * seed, 170 + 15 * seed))
    precision, recall = rate(sound, truth)
    assert precision > 0.8 and recall > 0.93


@pytest.mark.parametrize("name", ["white", "room tone", "traffic", "wind", "mains hum", "birds"])
def test_talkers_are_heard_in_a_place(name: str) -> None:
    rng = np.random.default_rng(11)
    sound, truth = sounds.conversation(rng, 25)
    precision, recall = rate(sounds.with_background(sound, truth, sounds.noises(rng)[name], 12), truth)
    assert precision > 0.75 and recall > 0.85


def test_quiet_talkers_are_heard() -> None:
    rng = np.random.default_rng(12)
    sound, truth = sounds.conversation(rng, 25)
    precision, recall = rate(sound * np.float32(0.02), truth)
    assert precision > 0.8 and recall > 0.93


@pytest.mark.parametrize("name", list(sounds.noises(np.random.default_rng(0), 1.5)))
def test_noises_are_not_speech(name: str) -> None:
    assert spoken(sounds.noises(np.random.default_rng(21))[name]) == []


def composed(mood: tuple[float, float], seed: int) -> Score:
    picture = picture_of(first_cut([120, 96, 140]))
    curve = calm(picture)
    curve = replace(curve, valence=curve.valence * 0 + mood[0], arousal=curve.arousal * 0 + mood[1])
    return compose(spot(picture, curve, SpotOptions(seed=seed)), seed)


MOODS = [(0.7, 0.6), (-0.6, 0.7), (0.5, -0.6), (-0.6, -0.5)]


@pytest.mark.parametrize("part", ["piano", "guitar", "strings", "bass"])
def test_music_is_not_speech(part: str) -> None:
    """Lines of our own composer as bare tones."""
    false_s = total_s = 0.0
    for seed, mood in enumerate(MOODS):
        score = composed(mood, seed)
        seconds = score.tempo_map.seconds
        notes = [(float(seconds(n.tick)), float(seconds(n.end)), n.pitch) for n in score.part(part).notes]
        sound = sounds.plucked(notes, float(score.duration), 0.3 if part == "strings" else 2.5)
        false_s += sum(b - a for a, b in spoken(sound))
        total_s += float(score.duration)
    assert false_s / total_s < 0.03


@pytest.mark.parametrize("mood", MOODS[1:3])
def test_our_own_rendered_music_is_not_speech(mood: tuple[float, float], tmp_path: Path) -> None:
    if not available_synths():
        pytest.skip("no synthesiser here")
    score = composed(mood, 3)
    stems = {p.id: tmp_path / f"{p.id}.wav" for p in score.parts}
    frames = round(score.duration * 24)
    render(score, mix_path=tmp_path / "mix.wav", stem_paths=stems, soundfont=find_soundfont(None), rate=F(24),
           start_frame=0, drop_frame=False, frames=frames, description="", progress=None)  # fmt: skip
    for path in (tmp_path / "mix.wav", *stems.values()):
        sound = np.concatenate([b.samples for b in sound_in(str(path), [(0.0, 60.0)])])
        assert sum(b - a for a, b in spoken(sound)) <= 0.03 * float(score.duration), path.name


def test_speech_over_music_is_heard_and_the_music_alone_is_not() -> None:
    score = composed(MOODS[0], 5)
    seconds = score.tempo_map.seconds
    notes = [(float(seconds(n.tick)), float(seconds(n.end)), n.pitch) for p in score.parts[1:] for n in p.notes]
    music = sounds.plucked(notes, float(score.duration), 1.0)
    rng = np.random.default_rng(31)
    sound, truth = sounds.conversation(rng, float(score.duration))
    precision, recall = rate(sounds.with_background(sound, truth, music, 10), truth)
    assert precision > 0.7 and recall > 0.8


ESPEAK = [
    ("en-us+f3", "Where have you been all night? I told you, I was waiting for the last train."),
    ("en-gb+m7", "Nobody believes that any more, and you know it. Look at me when I talk to you!"),
    ("de+f1", "Wo bist du die ganze Nacht gewesen? Ich habe am Bahnhof auf den letzten Zug gewartet."),
    ("fr+m2", "Regarde-moi quand je te parle ! Personne ne te croit plus, et tu le sais."),
    ("ru+m4", "Где ты был всю ночь? Я ждал последний поезд."),
]


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
@pytest.mark.parametrize(("voice", "text"), ESPEAK, ids=[v for v, _ in ESPEAK])
def test_synthetic_speech_in_several_languages_is_heard(voice: str, text: str, tmp_path: Path) -> None:
    said = sounds.espeak(text, voice, tmp_path)
    pause = np.zeros(RATE * 3, np.float32)
    sound = np.concatenate([pause, said, pause])
    truth = np.concatenate([np.zeros(300, bool), sounds.audible(said), np.zeros(300, bool)])
    precision, recall = rate(sound, truth)
    assert precision > 0.8 and recall > 0.9


@pytest.mark.parametrize("count", [0, 1, 100, 5000, 16_000])
def test_very_short_sound(count: int) -> None:
    rng = np.random.default_rng(1)
    for a, b in spoken(rng.standard_normal(count).astype(np.float32) * np.float32(0.1)):
        assert 0 <= a < b <= count / RATE


def test_odd_samples_do_not_raise() -> None:
    wild = np.random.default_rng(2).standard_normal(RATE * 4).astype(np.float32)
    for sound in (wild * np.float32(1e6), np.ones(RATE * 4, np.float32), wild * np.float32(1e-20)):
        spoken(sound)


# --- on the timeline ---


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Labels]:
    """40 s of talk in a file and where it is."""
    sound, truth = sounds.conversation(np.random.default_rng(41), 40)
    return write_wav(tmp_path_factory.mktemp("talk") / "talk.wav", sound, RATE), truth


def clip(path: Path, start: float, end: float, media: float = 0.0, **more: object) -> SoundClip:
    values: dict[str, object] = {"online": True, **more}
    times = (F(x).limit_denominator(1000) for x in (start, end, media))
    a, b, m = times
    return SoundClip(a, b, path.name, str(path), m, **values)  # type: ignore[arg-type]


def film(*clips: SoundClip, length: float = 60, shots: tuple[Shot, ...] = (), **more: object) -> Picture:
    return Picture("film", F(24), F(length).limit_denominator(1000), sounds=clips, shots=shots, **more)  # type: ignore[arg-type]


def heard(picture: Picture, length: float = 60) -> Labels:
    return labels_of([(float(a), float(b)) for a, b in find_speech(picture)], round(length * 100))


def moved(truth: Labels, start: float, end: float, media: float, length: float = 60) -> Labels:
    """The labels of a clip on the timeline."""
    row = np.zeros(round(length * 100), dtype=bool)
    part = truth[round(media * 100) : round((media + end - start) * 100)]
    row[round(start * 100) : round(start * 100) + len(part)] = part
    return row


def test_speech_is_found_where_a_clip_lies(talk: tuple[Path, Labels]) -> None:
    path, truth = talk
    precision, recall = rated(heard(film(clip(path, 10, 35, 12))), moved(truth, 10, 35, 12))
    assert precision > 0.8 and recall > 0.9


def test_clips_of_one_file_are_read_in_one_pass(talk: tuple[Path, Labels], monkeypatch: pytest.MonkeyPatch) -> None:
    path, truth = talk
    opened: list[str] = []

    def counted(media: str, spans: object) -> Iterator[object]:
        opened.append(media)
        return sound_in(media, spans)  # type: ignore[arg-type]

    monkeypatch.setattr(speech, "sound_in", counted)
    row = heard(film(clip(path, 30, 40, 5), clip(path, 0, 10, 25), clip(path, 0, 10, 25)))
    precision, recall = rated(row, moved(truth, 30, 40, 5) | moved(truth, 0, 10, 25))
    assert opened == [str(path)]
    assert precision > 0.75 and recall > 0.9


def test_only_what_may_hold_speech_is_listened_to(talk: tuple[Path, Labels]) -> None:
    path, _ = talk
    for silent in (
        clip(path, 0, 20, role="music"),
        clip(path, 0, 20, role="effects"),
        clip(path, 0, 20, online=False),
        clip(path, 0, 20, speed=F(0)),
    ):
        assert find_speech(film(silent)) == ()


def test_named_dialogue_is_the_answer(talk: tuple[Path, Labels], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech, "best_detector", lambda: pytest.fail("it must not listen"))
    named = ((F(1), F(2)), (F(5), F(9)))
    assert find_speech(film(clip(talk[0], 0, 20), dialogue=named)) == named


def test_a_timeline_without_sound_clips_is_heard_through_its_shots(talk: tuple[Path, Labels]) -> None:
    path, truth = talk
    shot = Shot(F(5), F(25), "shot", str(path), F(8), online=True)
    row = heard(film(shots=(shot,)))
    assert min(rated(row, moved(truth, 5, 25, 8))) > 0.8
    for other in (replace(shot, online=False), replace(shot, still=True), replace(shot, speed=F(0))):
        assert find_speech(film(shots=(other,))) == ()


def test_shots_are_not_heard_where_the_timeline_has_sound_of_its_own(talk: tuple[Path, Labels]) -> None:
    shot = Shot(F(0), F(20), "shot", str(talk[0]), F(0), online=True)
    assert find_speech(film(clip(talk[0], 0, 20, role="music"), shots=(shot,))) == ()


@pytest.mark.parametrize("speed", [F(5, 4), F(4, 5), F(-1)])
def test_speech_of_a_retimed_clip_lies_where_it_is_heard(talk: tuple[Path, Labels], speed: Fraction) -> None:
    path, truth = talk
    media = 35.0 if speed < 0 else 4.0
    row = heard(film(clip(path, 10, 30, media, speed=speed)))
    at = np.clip(np.round((media + (np.arange(2000) / 100) * float(speed)) * 100).astype(int), 0, len(truth) - 1)
    wanted = np.zeros(6000, dtype=bool)
    wanted[1000:3000] = truth[at]
    assert min(rated(row, wanted)) > 0.75


def test_ranges_are_in_order_apart_and_inside_the_picture(talk: tuple[Path, Labels]) -> None:
    path, _ = talk
    rng = random.Random(6)
    for _ in range(5):
        clips = []
        for _ in range(6):
            start, media = rng.uniform(0, 25), rng.uniform(0, 30)
            clips.append(clip(path, start, start + rng.uniform(0.1, 9), media))
        found = find_speech(film(*clips, length=28))
        assert all(0 <= a < b <= 28 for a, b in found)
        assert all(b < c for (_, b), (c, _) in pairwise(found))
        assert found == find_speech(film(*reversed(clips), length=28))


def test_speech_across_the_pieces_of_a_long_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three minutes: judged a minute at a time, with nothing lost or split where the pieces meet."""
    sound, truth = sounds.conversation(np.random.default_rng(51), 180)
    path = write_wav(tmp_path / "long.wav", sound, RATE)
    longest = 0.0

    def noting(samples: Sound) -> list[tuple[float, float]]:
        nonlocal longest
        longest = max(longest, len(samples) / RATE)
        return spoken(samples)

    monkeypatch.setattr(speech, "best_detector", lambda: noting)
    row = heard(film(clip(path, 0, 180), length=180), 180)
    assert longest < 90, "memory does not grow with the film"
    assert min(rated(row, truth)) > 0.8
    whole = labels_of(spoken(sound), 18_000)
    assert (row ^ whole).mean() < 0.01


def test_progress_is_told_up_to_the_end(talk: tuple[Path, Labels]) -> None:
    told: list[tuple[float, str]] = []
    find_speech(film(clip(talk[0], 0, 5)), lambda done, what: told.append((done, what)))
    assert told[0] == (0.0, "talk.wav") and told[-1] == (1.0, "")
    assert [d for d, _ in told] == sorted(d for d, _ in told)


def test_the_demo_film_s_dialogue(tmp_path: Path) -> None:
    write_sound(tmp_path / "dialogue.wav", "dialogue")
    found = find_speech(film(clip(tmp_path / "dialogue.wav", 0, 13.4), length=14))
    starts = [start for start, _, _ in VOICE_LINES]
    assert len(found) == len(starts)
    assert all(abs(float(a) - start) < 0.25 for (a, _), start in zip(found, starts, strict=True))


@pytest.mark.parametrize(
    "name", ["room_tone", "day_ambience", "night_ambience", "chase_effects", "rest_ambience", "door_slam"]
)
def test_the_demo_film_s_other_sounds_hold_no_speech(name: str, tmp_path: Path) -> None:
    write_sound(tmp_path / "sound.wav", name)
    assert find_speech(film(clip(tmp_path / "sound.wav", 0, 20), length=20)) == ()


# --- media as they come ---


def write_sound_of(path: Path, source: Path, codec: str) -> bytes:
    """The first ten seconds of a sound file in another form."""
    with av.open(str(source)) as given, av.open(str(path), "w") as made:
        stream = made.add_stream(codec, rate=RATE)
        for frame in given.decode(audio=0):
            if frame.time > 10:
                break
            made.mux(stream.encode(frame))
        made.mux(stream.encode(None))
    return path.read_bytes()


@pytest.mark.parametrize(("codec", "suffix"), [("pcm_s16le", "wav"), ("aac", "mp4"), ("flac", "mkv")])
def test_damaged_media_never_raise(codec: str, suffix: str, talk: tuple[Path, Labels], tmp_path: Path) -> None:
    whole = write_sound_of(tmp_path / f"whole.{suffix}", talk[0], codec)
    assert find_speech(film(clip(tmp_path / f"whole.{suffix}", 0, 10), length=10))
    rng = random.Random(61)
    for number in range(40):
        data = bytearray(whole)
        for _ in range(rng.randrange(1, 60)):
            data[rng.randrange(len(data) if number % 2 else 400)] = rng.randrange(256)
        path = tmp_path / f"damaged.{rng.choice([suffix, 'mp3', 'mov'])}"
        path.write_bytes(data[: rng.randrange(1, len(data))])
        found = find_speech(film(clip(path, 0, 10), length=10))
        assert all(0 <= a < b <= 10 for a, b in found)


@pytest.mark.parametrize("content", [b"", b"no sound", b"RIFF\xff\xff\xff\xffWAVEfmt "])
def test_files_that_hold_no_sound(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    path.write_bytes(content)
    assert find_speech(film(clip(path, 0, 10), clip(tmp_path / "missing.wav", 0, 10))) == ()


def test_one_bad_file_does_not_silence_the_others(talk: tuple[Path, Labels], tmp_path: Path) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"RIFF")
    assert find_speech(film(clip(bad, 0, 10), clip(talk[0], 0, 30))) == find_speech(film(clip(talk[0], 0, 30)))


def test_what_was_heard_before_a_file_breaks_counts(talk: tuple[Path, Labels], monkeypatch: pytest.MonkeyPatch) -> None:
    def breaking(media: str, spans: object) -> Iterator[object]:
        for number, block in enumerate(sound_in(media, [(0.0, 400.0)])):
            if number == 20:
                break
            yield block
        raise UnreadableMediaError("it ends here")

    monkeypatch.setattr(speech, "sound_in", breaking)
    assert find_speech(film(clip(talk[0], 0, 30))) == ()


# --- which detector ---


@pytest.fixture
def fresh() -> Iterator[None]:
    detectors.best_detector.cache_clear()
    yield
    detectors.best_detector.cache_clear()


def package(load: Callable[[], object]) -> types.ModuleType:
    module = types.ModuleType("silero_vad")
    module.__spec__ = types.SimpleNamespace(name="silero_vad")  # type: ignore[assignment]
    module.load_silero_vad = load  # type: ignore[attr-defined]
    module.get_speech_timestamps = lambda samples, model, **_: [  # type: ignore[attr-defined]
        {"start": 1600, "end": 1600 + int(model) * len(samples) // len(samples)}
    ]
    return module


@pytest.mark.usefixtures("fresh")
def test_silero_is_used_where_it_is_installed(talk: tuple[Path, Labels], monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    monkeypatch.setitem(sys.modules, "silero_vad", package(lambda: 8000))
    assert find_speech(film(clip(talk[0], 0, 20))) == ((F(1, 10), F(6, 10)),)


@pytest.mark.usefixtures("fresh")
def test_a_silero_that_does_not_load_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")

    def broken() -> object:
        raise RuntimeError("no weights")

    monkeypatch.setitem(sys.modules, "silero_vad", package(broken))
    assert detectors.best_detector() is spoken


@pytest.mark.usefixtures("fresh")
def test_without_any_package_our_own_detector_listens() -> None:
    if "silero_vad" not in sys.modules:
        assert detectors.best_detector() is spoken
