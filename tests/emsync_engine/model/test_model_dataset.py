"""The data set: nothing lost, nothing twice, splits by work, a datasheet that counts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from little_band import band_piece

from emsync_engine.model import dataset, shards, sources
from emsync_engine.model import events as ev
from emsync_engine.model.midi_files import read_piece


def stored(folder: Path) -> dict[str, ev.Piece]:
    return {
        f"{shard.source}/{name}": shard.piece(index)
        for split in shards.SPLITS
        for shard in shards.load_split(folder, split).values()
        for index, name in enumerate(shard.names)
    }


def test_every_note_of_every_piece_is_stored(built: Path, music_folder: Path) -> None:
    pieces = stored(built)
    for name, piece in pieces.items():
        original = read_piece(music_folder / f"{name}.mid")
        np.testing.assert_array_equal(ev.to_rows(piece), ev.to_rows(original))
        np.testing.assert_array_equal(piece.velocity, original.velocity)
        np.testing.assert_allclose(piece.bar_seconds, original.bar_seconds)
    assert len(pieces) == 20


def test_copies_are_left_out_and_counted(built: Path) -> None:
    sheet = json.loads((built / "datasheet.json").read_text())
    assert sheet["sources"]["other"]["duplicates"] == 1
    assert "other/piece_copied" not in stored(built)


def test_the_datasheet_counts_what_is_stored(built: Path) -> None:
    sheet = json.loads((built / "datasheet.json").read_text())
    for split in shards.SPLITS:
        for source, shard in shards.load_split(built, split).items():
            entry = sheet["sources"][source][split]
            assert entry["notes"] == shard.n_notes
            assert entry["pieces"] == shard.n_pieces
            assert sum(entry["notes_by_group"].values()) == shard.n_notes
            hours = float(shard.columns["bar_seconds"].sum()) / 3600
            assert entry["hours"] == pytest.approx(hours, abs=1e-3)
    assert "unstated" in (built / "datasheet.md").read_text()


def test_splits_share_no_work(built: Path) -> None:
    works: list[set[str]] = []
    for split in shards.SPLITS:
        loaded = shards.load_split(built, split)
        works.append({sources.work_of(source, name) for source, shard in loaded.items() for name in shard.names})
    assert works[0].isdisjoint(works[1])
    assert all(works)


@pytest.mark.parametrize(
    "source, name, other",
    [
        ("mma", "Someone__A_Song__A_Song__3", "Someone__A_Song__A_Song__8"),
        ("mutopia", "HaydnFJ__O76__op76-n1__violin1", "HaydnFJ__O76__op76-n1__cello"),
        ("groove", "drummer7_session3_108_rock_95_beat_4-4", "drummer7_session3_12_funk_90_fill_4-4"),
    ],
)
def test_variants_of_a_work_stay_together(source: str, name: str, other: str) -> None:
    assert sources.work_of(source, name) == sources.work_of(source, other)


def test_building_again_gives_the_same_split(built: Path) -> None:
    names = [name for shard in shards.load_split(built, "train").values() for name in shard.names]
    everything = [name for name in stored(built) if name.startswith("band/")]
    held = dataset.held_out_works("band", [name.removeprefix("band/") for name in everything])
    assert held.isdisjoint(names)


def test_a_broken_file_is_reported_and_the_rest_is_built(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    source = tmp_path / "music" / "mixed"
    source.mkdir(parents=True)
    (source / "good.mid").write_bytes(band_piece(1))
    (source / "bad.mid").write_bytes(b"not music")
    sheet = dataset.build(tmp_path / "music", tmp_path / "out")
    assert sheet["sources"]["mixed"]["unreadable"] == 1
    assert sheet["sources"]["mixed"]["train"]["pieces"] == 1
    assert "mixed/bad left out" in caplog.text


def test_a_folder_of_files_is_one_source(tmp_path: Path) -> None:
    (tmp_path / "one.mid").write_bytes(band_piece(1))
    assert list(sources.find(tmp_path)) == [tmp_path.name]


def test_labels_of_a_source_span_their_range(train_shards: dict[str, shards.Shard]) -> None:
    arousal = train_shards["band"].columns["arousal"].astype(int)
    assert arousal.min() < -100
    assert arousal.max() > 100
    assert abs(arousal.mean()) < 15


def test_another_version_of_the_shards_is_refused(built: Path, tmp_path: Path) -> None:
    with np.load(built / "band.train.npz") as data:
        columns = {name: data[name] for name in data.files}
    columns["version"] = np.array(99)
    np.savez(tmp_path / "band.train.npz", **columns)
    with pytest.raises(ValueError, match="version 99"):
        shards.load(tmp_path / "band.train.npz")


def test_the_command_builds_what_it_is_told(music_folder: Path, tmp_path: Path) -> None:
    status = dataset.main(["build", "--music", str(music_folder), "--out", str(tmp_path), "--only", "other"])
    assert status == 0
    assert {path.name.split(".")[0] for path in tmp_path.glob("*.npz")} == {"other"}


def test_a_folder_without_shards_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="build the data set first"):
        shards.load_split(tmp_path, "train")


def test_real_collections_lose_no_note(music_data: Path) -> None:
    import io

    import mido

    for source in ("freedoom", "groove"):
        for number, (name, data) in enumerate(sources.read_files(music_data / f"{source}.tar.xz")):
            if number % 40:
                continue
            midi = mido.MidiFile(file=io.BytesIO(data))
            counted = sum(m.type == "note_on" and m.velocity > 0 for track in midi.tracks for m in track)
            assert read_piece(data).n_notes == counted, f"{source}/{name}"
