"""``.otioz`` bundles: what is unpacked, where, how often, and for how long it stays."""

from __future__ import annotations

import json
import os
import threading
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

from emsync_engine.picture import Picture
from otio_adapters import cache, read_picture
from otio_adapters.formats import bundle
from tests.otio_adapters.builders import clip, timeline, tr, track

MEMBERS = {"media/a.mov": b"picture", "media/deep/b c.wav": b"sound", "media/unused.mov": b"not played"}
DOCUMENT = timeline(
    track(clip("a", 0, 48, url="media/a.mov")), track(clip("b", 0, 48, url="media/deep/b%20c.wav"), kind="Audio")
)


def pack(path: Path, document: dict[str, Any] = DOCUMENT, members: dict[str, bytes] = MEMBERS) -> Path:
    with zipfile.ZipFile(path, "w") as zipped:
        zipped.writestr("content.otio", json.dumps(document))
        for name, data in members.items():
            zipped.writestr(name, data)
    return path


def unpacked(folder: Path) -> list[str]:
    files = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    return sorted(path.name for path in files)


def test_only_what_the_timeline_plays_is_unpacked(tmp_path: Path, own_cache: Path) -> None:
    picture = read_picture(pack(tmp_path / "x.otioz"))
    assert Path(picture.shots[0].media).read_bytes() == b"picture"
    assert Path(picture.sounds[0].media).read_bytes() == b"sound"
    assert unpacked(own_cache) == ["a.mov", "b c.wav"]


def test_a_bundle_without_media_leaves_nothing_behind(tmp_path: Path, own_cache: Path) -> None:
    read_picture(pack(tmp_path / "x.otioz", timeline(track(clip("a", 0, 48, url="/elsewhere/a.mov")))))
    assert list(own_cache.iterdir()) == []


def test_image_sequences_are_unpacked_frame_by_frame(tmp_path: Path, own_cache: Path) -> None:
    reference = {
        "OTIO_SCHEMA": "ImageSequenceReference.1",
        "target_url_base": "media/",
        "name_prefix": "shot.",
        "name_suffix": ".exr",
        "frame_zero_padding": 4,
        "available_range": tr(0, 2),
    }
    members = {"media/shot.0001.exr": b"1", "media/shot.0002.exr": b"2", "media/other.0001.exr": b"3"}
    picture = read_picture(pack(tmp_path / "x.otioz", timeline(track(clip("s", 0, 2, reference=reference))), members))
    assert picture.shots[0].online
    assert unpacked(own_cache) == ["shot.0001.exr", "shot.0002.exr"]


def test_the_next_run_finds_it_even_when_the_bundle_was_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = read_picture(pack(tmp_path / "x.otioz"))
    (tmp_path / "x.otioz").rename(tmp_path / "moved.otioz")
    written: list[Path] = []
    monkeypatch.setattr(bundle.shutil, "copyfileobj", lambda *_: written.append(tmp_path))
    second = read_picture(tmp_path / "moved.otioz")
    assert (second.shots[0].media, written) == (first.shots[0].media, [])


def test_other_media_of_the_same_name_has_its_own_place(tmp_path: Path) -> None:
    first = read_picture(pack(tmp_path / "x.otioz"))
    second = read_picture(pack(tmp_path / "x.otioz", members=MEMBERS | {"media/a.mov": b"changed"}))
    assert Path(second.shots[0].media).read_bytes() == b"changed"
    assert Path(first.shots[0].media).read_bytes() == b"picture"


def test_entries_unused_for_a_month_are_dropped_and_used_ones_stay(tmp_path: Path, own_cache: Path) -> None:
    old = read_picture(pack(tmp_path / "old.otioz"))
    entry = Path(old.shots[0].media).parents[1]
    long_ago = time.time() - (cache.KEPT_DAYS + 1) * 86400
    os.utime(entry / ".used", (long_ago, long_ago))
    new = read_picture(pack(tmp_path / "new.otioz", members=MEMBERS | {"media/a.mov": b"new"}))
    assert not entry.exists()
    assert Path(new.shots[0].media).exists()
    again = read_picture(tmp_path / "old.otioz")
    os.utime(Path(again.shots[0].media), (long_ago, long_ago))
    read_picture(tmp_path / "new.otioz")
    assert Path(again.shots[0].media).exists()
    assert len(list((own_cache / "otioz").iterdir())) == 2


def test_runs_at_the_same_time_do_not_disturb_each_other(tmp_path: Path, own_cache: Path) -> None:
    path = pack(tmp_path / "x.otioz", members=MEMBERS | {"media/a.mov": b"x" * 3_000_000})
    seen: list[Picture] = []
    runs = [threading.Thread(target=lambda: seen.append(read_picture(path))) for _ in range(8)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert [Path(picture.shots[0].media).stat().st_size for picture in seen] == [3_000_000] * 8
    assert not list(own_cache.rglob(".unpacking-*"))


def test_a_cache_that_cannot_be_written_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setattr("otio_adapters.cache.cache_folder", lambda: tmp_path / "file")
    picture = read_picture(pack(tmp_path / "x.otioz"))
    assert not picture.shots[0].online
    assert any("could not be unpacked" in warning for warning in picture.warnings)
