"""Likelihood: every note of a folder counts, and the bits are those that training counts."""

from __future__ import annotations

import io
import json
import tarfile
from dataclasses import replace
from pathlib import Path

import mido
import numpy as np
import pytest
from evaluation_music import midi_bytes, tiny, tune

from emsync_engine.errors import InputError
from emsync_engine.model.decode import likelihood as decoding
from emsync_engine.model.decode.reference import Network
from emsync_engine.model.decode.weights import Weights
from emsync_engine.model.evaluation import corpus, likelihood
from emsync_engine.model.evaluation.passes import Reader, sequence_of
from emsync_engine.model.evaluation.request import Request
from emsync_engine.model.midi_files import read_piece


def note_ons(folder: Path) -> int:
    """What an independent parser finds in the readable files of a folder."""
    count = 0
    for path in folder.rglob("*"):
        if path.suffix.lower() in (".mid", ".midi") and path.stem != "broken":
            file = mido.MidiFile(path)
            count += sum(m.type == "note_on" and m.velocity > 0 for track in file.tracks for m in track)
    return count


def test_every_note_of_a_folder_counts(midi_folder: Path, weights: Weights) -> None:
    found = likelihood.measure(Request(weights), midi_folder).numbers
    assert found["notes"] == note_ons(midi_folder)
    assert found["pieces"] == 5
    assert set(found["sources"]) == {"first", "second", midi_folder.name}
    assert [entry["file"] for entry in found["unreadable"]] == ["second/broken"]
    assert found["empty"] == 1
    assert found["bits_per_note"] == pytest.approx(sum(found["fields"].values()), abs=1e-3)
    json.dumps(found)


def test_a_chord_struck_twice_and_a_note_without_an_end_count_each(tmp_path: Path) -> None:
    track = mido.MidiTrack([mido.Message("note_on", channel=c, note=60, velocity=70, time=0) for c in (0, 0, 1, 9)])
    track.append(mido.Message("note_on", channel=0, note=60, velocity=70, time=30))
    file = mido.MidiFile(type=0)
    file.tracks.append(track)
    file.save(tmp_path / "odd.mid")
    assert next(corpus.read(tmp_path)).notes == 5


def test_an_archive_reads_like_the_folder_in_it(tmp_path: Path, weights: Weights) -> None:
    (tmp_path / "plain").mkdir()
    (tmp_path / "packed").mkdir()
    with tarfile.open(tmp_path / "packed" / "tunes.tar.xz", "w:xz") as archive:
        for index in range(2):
            data = tune(20 + index)
            (tmp_path / "plain" / f"{index}.mid").write_bytes(data)
            info = tarfile.TarInfo(f"tunes/{index}.mid")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    request = Request(weights)
    packed = likelihood.measure(request, tmp_path / "packed").numbers
    plain = likelihood.measure(request, tmp_path / "plain").numbers
    assert (packed["bits_per_note"], packed["notes"]) == (plain["bits_per_note"], plain["notes"])


@pytest.mark.parametrize("conditioning", ["full", "paper", "none"])
def test_a_piece_that_fits_the_window_has_the_bits_of_training(conditioning: str) -> None:
    network = Network(tiny(conditioning))
    sequence = sequence_of(read_piece(tune(20)))
    assert len(sequence) < network.config.context
    np.testing.assert_allclose(Reader(network).nats(sequence), decoding.nats(network, sequence), atol=1e-4)


@pytest.mark.parametrize("conditioning", ["full", "paper", "none"])
def test_the_sliding_window_is_a_window_that_opens_half_a_context_before(conditioning: str) -> None:
    """One layer sees only the rows themselves: sliding must give what reading that window anew gives."""
    weights = tiny(conditioning)
    weights = replace(weights, config=replace(weights.config, n_layers=1))
    network = Network(weights)
    sequence = sequence_of(read_piece(tune(90)))
    context, keep = network.config.context, network.config.context // 2
    begin = context - keep + 1  # the first row that is kept
    chosen = np.array([0, *range(begin, context + keep + 1)])
    window = replace(
        sequence, rows=sequence.rows[chosen].copy(), values=sequence.values[chosen],
        categories=sequence.categories[chosen], weight=sequence.weight[chosen],
    )  # fmt: skip
    window.rows[0, 0] = 4  # a window that goes on, not a piece that begins
    anew = decoding.nats(network, window)[keep:]
    slid = Reader(network).nats(sequence)[context : context + len(anew)]
    np.testing.assert_allclose(slid, anew, atol=1e-4)


def test_what_comes_later_changes_nothing_before(weights: Weights) -> None:
    reader = Reader(Network(weights))
    short, long = (sequence_of(read_piece(tune(count))) for count in (80, 120))
    same = 90
    np.testing.assert_allclose(reader.nats(short)[:same], reader.nats(long)[:same], atol=1e-5)


def test_a_limit_takes_pieces_from_all_over(midi_folder: Path) -> None:
    first = next(s for s in corpus.read(midi_folder, limit=40) if s.name == "first")
    assert 40 <= first.notes < sum(len(p.onset) for _, p in next(iter(corpus.read(midi_folder))).pieces)
    order = corpus.evenly(100)
    assert sorted(order) == list(range(100))
    assert max(np.diff(sorted(order[:10]))) < 20


def test_another_network_stands_in_the_same_table(midi_folder: Path, weights: Weights) -> None:
    report = likelihood.measure(Request(weights, {"other": tiny("none", 2)}), midi_folder)
    assert report.numbers["compare"]["other"]["notes"] == report.numbers["notes"]
    assert report.numbers["compare"]["other"]["bits_per_note"] != report.numbers["bits_per_note"]
    assert "other" in report.tables[0].text()


def test_a_folder_an_archive_and_loose_files_of_one_name_are_all_read(tmp_path: Path) -> None:
    root = tmp_path / "tunes"
    (root / "tunes").mkdir(parents=True)
    (root / "tunes" / "inside.mid").write_bytes(tune(20))
    (root / "loose.mid").write_bytes(tune(30))
    with tarfile.open(root / "tunes.tar.xz", "w:xz") as archive:
        data = tune(40)
        info = tarfile.TarInfo("packed.mid")
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    (source,) = corpus.read(root)
    assert sorted(name for name, _ in source.pieces) == ["inside", "loose", "packed"]


def test_files_without_a_note_are_no_music(tmp_path: Path, weights: Weights) -> None:
    (tmp_path / "silent.mid").write_bytes(midi_bytes([]))
    with pytest.raises(InputError, match="no note"):
        likelihood.measure(Request(weights), tmp_path)


def test_a_folder_without_music_is_said_so(tmp_path: Path, weights: Weights) -> None:
    with pytest.raises(InputError, match="no MIDI file"):
        likelihood.measure(Request(weights), tmp_path)
    with pytest.raises(InputError, match="not a folder"):
        likelihood.measure(Request(weights), tmp_path / "nowhere")


def test_baselines_come_from_the_data_set(built: Path, midi_folder: Path, weights: Weights) -> None:
    found = likelihood.measure(Request(weights), midi_folder, built).numbers
    unigram, five = found["baselines"]["unigram"], found["baselines"]["5-gram"]
    assert unigram["notes"] == five["notes"] == found["notes"]
    assert unigram["bits_per_note"] > 0


def test_telling_says_what_every_condition_does(built: Path, weights: Weights) -> None:
    found = likelihood.telling(Request(weights), built, 200).numbers["telling"]
    assert {"nothing", "valence", "arousal", "boundary", "everything"} <= set(found)
    assert found["nothing"]["bits_per_note"] != found["everything"]["bits_per_note"]
