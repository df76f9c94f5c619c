"""Timed Text and STL captions, written by hand."""

from __future__ import annotations

import random
from fractions import Fraction
from pathlib import Path

import pytest

from emsync_engine.errors import InputError
from otio_adapters import read_picture
from otio_adapters.captions import read_captions
from tests.otio_adapters.builders import clip, rt, save, timeline, track

Rows = list[tuple[Fraction, Fraction, str]]


def read(path: Path, rate: Fraction = Fraction(25)) -> Rows:
    return [(c.start, c.end, c.text) for c in read_captions(path, rate)]


def ttml(folder: Path, body: str, parameters: str = "", name: str = "cut.itt") -> Path:
    path = folder / name
    path.write_text(
        f"""<?xml version="1.0" encoding="UTF-8"?><tt xmlns="http://www.w3.org/ns/ttml"
        xmlns:ttp="http://www.w3.org/ns/ttml#parameter" xmlns:tts="http://www.w3.org/ns/ttml#styling" {parameters}>
        <head><metadata><title>x</title></metadata></head><body>{body}</body></tt>""",
        encoding="utf-8",
    )
    return path


def test_itunes_timed_text_counts_timecode(tmp_path: Path) -> None:
    """At 23.976 an hour of timecode lasts 3603.6 s."""
    parameters = 'ttp:timeBase="smpte" ttp:frameRate="24" ttp:frameRateMultiplier="1000 1001" ttp:dropMode="nonDrop"'
    words = 'One<br/>two <span tts:color="red">three</span>'
    body = f'<div><p begin="00:00:01:00" end="00:00:02:12" region="r">{words}</p></div>'
    second = Fraction(1001, 1000)
    assert read(ttml(tmp_path, body, parameters)) == [(second, second * Fraction(5, 2), "One two three")]


def test_drop_frame_timed_text(tmp_path: Path) -> None:
    parameters = 'ttp:timeBase="smpte" ttp:frameRate="30" ttp:frameRateMultiplier="1000 1001" ttp:dropMode="dropNTSC"'
    body = '<div><p begin="00:01:00:02" end="00:01:01:02">x</p></div>'
    assert read(ttml(tmp_path, body, parameters)) == [(1800 * Fraction(1001, 30000), 1830 * Fraction(1001, 30000), "x")]


@pytest.mark.parametrize(
    ("begin", "end", "times"),
    [
        ("00:00:01.500", "00:00:02", (Fraction(3, 2), Fraction(2))),
        ("1.5s", "2s", (Fraction(3, 2), Fraction(2))),
        ("100ms", "1m", (Fraction(1, 10), Fraction(60))),
        ("30f", "60f", (Fraction(6, 5), Fraction(12, 5))),
        ("00:00:01:05", "00:00:02:00", (Fraction(6, 5), Fraction(2))),
        ("10000000t", "20000000t", (Fraction(1), Fraction(2))),
    ],
)
def test_every_kind_of_time(tmp_path: Path, begin: str, end: str, times: tuple[Fraction, Fraction]) -> None:
    path = ttml(tmp_path, f'<div><p begin="{begin}" end="{end}">x</p></div>', 'ttp:tickRate="10000000"', "cut.ttml")
    assert read(path) == [(*times, "x")]


def test_times_count_from_what_is_around_and_may_be_lengths(tmp_path: Path) -> None:
    body = """<div begin="10s"><p begin="1s" dur="2s">a</p><p begin="4s" end="5s">b</p></div>
      <div><p><span begin="20s" end="21s">c</span> <span begin="22s" end="23s">d</span></p><p>untimed</p></div>"""
    assert read(ttml(tmp_path, body, name="cut.dfxp")) == [
        (11, 13, "a"), (14, 15, "b"), (20, 21, "c"), (22, 23, "d")
    ]  # fmt: skip


def ebu(
    folder: Path, *blocks: bytes, start: bytes = b"00000000", form: bytes = b"STL25.01", page: bytes = b"00"
) -> Path:
    head = bytearray(b" " * 1024)
    head[0:14] = b"850" + form + b"1" + page
    head[256:264] = start
    path = folder / "cut.stl"
    path.write_bytes(bytes(head) + b"".join(blocks))
    return path


def block(text: bytes, first: tuple[int, ...], last: tuple[int, ...], number: int = 0xFF, comment: int = 0) -> bytes:
    return bytes([0, 1, 0, number, 0, *first, *last, 20, 2, comment]) + text.ljust(112, b"\x8f")


def test_ebu_subtitles(tmp_path: Path) -> None:
    path = ebu(
        tmp_path,
        block(b"\x0dA\xc8u caf\xc2e\x8a\x8asecond line", (10, 0, 1, 0), (10, 0, 3, 5)),
        block(b"a long ", (10, 0, 4, 0), (10, 0, 6, 0), number=0),
        block(b"text", (10, 0, 4, 0), (10, 0, 6, 0)),
        block(b"not for the screen", (10, 0, 7, 0), (10, 0, 8, 0), comment=1),
        block(b"user data", (10, 0, 7, 0), (10, 0, 8, 0), number=0xFE),
        start=b"10000000",
    )
    assert read(path) == [(1, Fraction(16, 5), "Aü caf\u00e9 second line"), (4, 6, "a long text")]


def test_ebu_accents(tmp_path: Path) -> None:
    def said(text: bytes) -> str:
        return read(ebu(tmp_path, block(text, (0, 0, 1, 0), (0, 0, 2, 0))))[0][2]

    assert said(b"Caf\xc2e \xc8uber\xfb Gar\xcbcon \xd0 \xe9re") == "Café überß Garçon — Øre"
    cyrillic = ebu(tmp_path, block("Да".encode("iso8859-5"), (0, 0, 1, 0), (0, 0, 2, 0)), page=b"01")
    assert read(cyrillic)[0][2] == "Да"


def test_ebu_subtitles_of_an_ntsc_programme_count_thirty(tmp_path: Path) -> None:
    path = ebu(tmp_path, block(b"x", (0, 0, 1, 15), (0, 0, 2, 0)), form=b"STL30.01")
    assert read(path) == [(Fraction(3, 2), 2, "x")]


def test_a_list_of_captions(tmp_path: Path) -> None:
    path = tmp_path / "cut.stl"
    path.write_text(
        "$FontName = Arial\n// a comment\n00:00:01:00 , 00:00:02:12 , ^IHello^I|there\n"
        "00:00:03;00,00:00:04;00,Bye\nrubbish\n"
    )
    assert read(path, Fraction(24)) == [(1, Fraction(5, 2), "Hello there"), (3, 4, "Bye")]


@pytest.mark.parametrize("name", ["cut.itt", "cut.stl"])
def test_a_file_that_is_none_is_a_warning(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x00\x01\x02\x00" * 100)
    picture = read_picture(save(tmp_path, timeline(track(clip("v", 0, 48)))))
    assert picture.captions == ()
    assert any(name in warning for warning in picture.warnings)
    with pytest.raises(InputError):
        read_captions(tmp_path / name)


def test_captions_in_the_timecode_of_the_sequence_count_from_its_head(tmp_path: Path) -> None:
    ttml(tmp_path, '<div><p begin="01:00:01.000" end="01:00:02.000">x</p></div>')
    document = timeline(track(clip("v", 0, 480)), global_start_time=rt(86400))
    assert [(c.start, c.end) for c in read_picture(save(tmp_path, document)).captions] == [(1, 2)]


@pytest.mark.parametrize("seed", range(20))
def test_damage_is_read_or_refused(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    whole = [
        ttml(tmp_path, '<div begin="1s"><p begin="1s" dur="2s">a</p></div>', 'ttp:frameRate="24" ttp:tickRate="9"'),
        ebu(tmp_path, *(block(b"abc", (0, 0, n, 0), (0, 0, n + 1, 0)) for n in range(9))),
    ][seed % 2]
    data = bytearray(whole.read_bytes())
    for _ in range(10):
        data[chance.randrange(len(data))] = chance.randrange(256)
    whole.write_bytes(bytes(data[: chance.randrange(len(data))]) if chance.random() < 0.3 else bytes(data))
    try:
        assert all(c.start < c.end for c in read_captions(whole))
    except InputError as error:
        assert "\n" not in str(error)
