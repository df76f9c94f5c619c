"""Damaged and wrong files end in a picture with warnings or in one clear line; never a traceback, never a hang."""

from __future__ import annotations

import os
import random
import re
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

from emsync_engine.errors import InputError
from otio_adapters import read_picture
from tests.otio_adapters.builders import clip, save, stack, timeline, track
from tests.otio_adapters.damage import damaged, sources
from tests.otio_adapters.test_timeline_formats import item, xmeml


def refused(path: Path) -> InputError:
    with pytest.raises(InputError) as caught:
        read_picture(path)
    text = str(caught.value)
    assert "\n" not in text
    assert path.name in text
    assert caught.value.exit_status == 3
    return caught.value


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert "no such file" in refused(tmp_path / "none.otio").message


def test_a_folder_that_is_no_bundle(tmp_path: Path) -> None:
    for name in ("plain", "x.otiod", "y.fcpxmld"):
        (tmp_path / name).mkdir()
        refused(tmp_path / name)


def test_a_file_of_no_known_kind(tmp_path: Path) -> None:
    path = tmp_path / "notes.docx"
    path.write_bytes(b"x")
    assert ".otio" in refused(path).message


@pytest.mark.skipif(os.name == "nt", reason="Windows has no named pipes in folders")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "x.otio"
    os.mkfifo(path)
    refused(path)


@pytest.mark.parametrize(
    "suffix", [".otio", ".otioz", ".edl", ".xml", ".fcpxml", ".aaf", ".kdenlive", ".mid", ".rpp", ".mp4", ".mov"]
)
@pytest.mark.parametrize("data", [b"", b"\x00\x01\x02\xff" * 400, b"hello\n", b"<html/>", b"[]", b"{}", b"PK\x03\x04"])
def test_content_of_another_kind(tmp_path: Path, suffix: str, data: bytes) -> None:
    path = tmp_path / f"x{suffix}"
    path.write_bytes(data)
    refused(path)


def test_a_truncated_document_says_where(tmp_path: Path) -> None:
    path = save(tmp_path, timeline(track(clip("a", 0, 10))))
    path.write_bytes(path.read_bytes()[:-40])
    assert re.search(r"line 1, column \d+", refused(path).message)


def test_a_zip_that_is_no_bundle(tmp_path: Path) -> None:
    path = tmp_path / "x.otioz"
    with zipfile.ZipFile(path, "w") as bundle:
        bundle.writestr("readme.txt", "x")
    assert "content.otio" in refused(path).message


@pytest.mark.parametrize("rate", [0, -24, float("nan"), "24", None, True, 1e-12])
def test_a_rate_that_is_none_names_track_clip_and_time(tmp_path: Path, rate: Any) -> None:
    broken = clip("the clip", 0, 10)
    broken["source_range"]["duration"]["rate"] = rate
    error = refused(save(tmp_path, timeline(track(clip("a", 0, 48), broken, name="V1"))))
    assert "rate" in error.message
    assert "the clip" in error.where
    assert "V1" in error.where
    assert "2.000 s" in error.where


@pytest.mark.parametrize("duration", [-5, float("inf"), "x", 1e300])
def test_a_length_that_cannot_be(tmp_path: Path, duration: Any) -> None:
    broken = clip("the clip", 0, 10)
    broken["source_range"]["duration"]["value"] = duration
    assert "the clip" in refused(save(tmp_path, timeline(track(broken)))).where


@pytest.mark.parametrize(
    "document",
    [
        {"OTIO_SCHEMA": "Timeline.1"},
        {"OTIO_SCHEMA": "Timeline.1", "tracks": None},
        {"OTIO_SCHEMA": "Clip.2", "name": "x"},
        {"OTIO_SCHEMA": "SerializableCollection.1", "children": []},
        timeline({"OTIO_SCHEMA": "Track.1", "children": "no"}),
        timeline({"OTIO_SCHEMA": "Track.1", "children": [1, 2]}),
    ],
)
def test_documents_that_hold_no_timeline(tmp_path: Path, document: dict[str, Any]) -> None:
    refused(save(tmp_path, document))


def test_nesting_without_end(tmp_path: Path) -> None:
    inner: dict[str, Any] = track(clip("a", 0, 10))
    for _ in range(80):
        inner = track(stack(inner))
    refused(save(tmp_path, timeline(inner)))
    path = tmp_path / "deep.otio"
    path.write_text('{"OTIO_SCHEMA": "Timeline.1", "tracks": ' + '{"a":' * 100_000, encoding="utf-8")
    refused(path)


def test_entities_are_not_expanded(tmp_path: Path) -> None:
    path = tmp_path / "x.xml"
    path.write_text('<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><xmeml>&b;</xmeml>', encoding="utf-8")
    assert "entities" in refused(path).message


def test_nests_that_multiply_are_refused(tmp_path: Path) -> None:
    rate = "<rate><timebase>25</timebase><ntsc>FALSE</ntsc></rate>"
    body = f"<track>{item('a', 0, 20)}</track>"
    for level in range(40):
        both = "".join(
            f"<clipitem><name>n</name><start>{10 * n}</start><end>{10 * n + 10}</end><in>0</in><out>10</out>{what}"
            "</clipitem>"
            for n, what in enumerate(
                [
                    f'<sequence id="q{level}">{rate}<media><video>{body}</video></media></sequence>',
                    f'<sequence id="q{level}"/>',
                ]
            )
        )
        body = f"<track>{both}</track>"
    path = tmp_path / "x.xml"
    path.write_text(xmeml(body), encoding="utf-8")
    started = time.monotonic()
    try:
        read_picture(path)
    except InputError as error:
        assert "x.xml" in str(error)
    assert time.monotonic() - started < 60


@pytest.mark.timeout(240)
@pytest.mark.parametrize("block", range(8))
def test_damage_ends_in_a_picture_or_in_one_line(tmp_path: Path, block: int) -> None:
    """2,000 damaged files; ``python -m benchmarks.timelines --damage 20000`` tries more."""
    for seed in range(250 * block, 250 * block + 250):
        suffix, data = damaged(seed)
        path = tmp_path / f"damaged{seed}{suffix}"
        path.write_bytes(data)
        started = time.monotonic()
        try:
            read_picture(path).to_json()
        except InputError as error:
            assert path.name in str(error)
            assert "\n" not in str(error)
        assert time.monotonic() - started < 60


@pytest.mark.parametrize("seed", range(3))
def test_numbers_of_thousands_of_digits(tmp_path: Path, seed: int) -> None:
    """Python refuses to make integers of texts of more than 4,300 digits."""
    chance = random.Random(seed)
    for suffix, data in sources()[:13]:
        found = chance.choice(list(re.finditer(rb"\d+", data)))
        path = tmp_path / f"long{suffix}"
        path.write_bytes(data[: found.start()] + b"7" * 5000 + data[found.end() :])
        try:
            read_picture(path).to_json()
        except InputError as error:
            assert "\n" not in str(error)
