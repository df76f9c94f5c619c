"""Finding SoundFonts and saying what they are."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from emsync_engine.audio import soundfont as module
from emsync_engine.audio.soundfont import find_soundfont, read_soundfont
from emsync_engine.errors import InputError, MissingComponentError


def fake_soundfont(path: Path, **info: str) -> Path:
    """A file with the head of a SoundFont and nothing behind it."""
    rows = b""
    for name, text in info.items():
        value = text.encode() + b"\0"
        value += b"\0" * (len(value) % 2)
        rows += struct.pack("<4sI", name.encode(), len(value)) + value
    body = b"sfbk" + struct.pack("<4sI", b"LIST", len(rows) + 4) + b"INFO" + rows
    path.write_bytes(struct.pack("<4sI", b"RIFF", len(body)) + body)
    return path


@pytest.fixture
def empty_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose only SoundFont folder is empty."""
    folder = tmp_path / "sounds"
    folder.mkdir()
    monkeypatch.setattr(module, "_system_folders", lambda: [tmp_path / "absent", folder])
    return folder


def test_a_known_font_is_recognised_by_the_name_it_gives_itself(tmp_path: Path) -> None:
    font = read_soundfont(fake_soundfont(tmp_path / "renamed.sf2", INAM="Fluid R3 GM", ICMT="whatever"))
    assert font.name == "Fluid R3 GM"
    assert font.licence.startswith("MIT")


def test_a_file_name_alone_does_not_make_a_licence(tmp_path: Path) -> None:
    font = read_soundfont(fake_soundfont(tmp_path / "FluidR3_GM.sf2", INAM="My samples"))
    assert font.licence.startswith("unknown")


def test_an_unknown_font_is_quoted(tmp_path: Path) -> None:
    font = read_soundfont(fake_soundfont(tmp_path / "a.sf2", INAM="Mine", ICOP="(c) Me", ICMT="All rights\nreserved"))
    assert font.licence == "see the file's own information: (c) Me; All rights reserved"


def test_a_silent_font_is_called_unknown(tmp_path: Path) -> None:
    font = read_soundfont(fake_soundfont(tmp_path / "Mine.sf2"))
    assert (font.name, font.licence) == ("Mine", "unknown: the file says nothing about it")


@pytest.mark.parametrize(
    "content", [b"", b"RIFF", b"RIFF\0\0\0\0WAVEfmt \0\0\0\0", b"\0" * 100, b"RIFF\0\0\0\0sfbk"], ids=repr
)
def test_what_is_no_soundfont_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.sf2"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        find_soundfont(path)
    assert (caught.value.code, caught.value.where) == ("bad_soundfont", str(path))


def test_a_missing_explicit_file_is_not_replaced_by_another(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"absent\.sf2: cannot read the SoundFont"):
        find_soundfont(tmp_path / "absent.sf2")


def test_a_folder_is_no_soundfont(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        find_soundfont(tmp_path)


def test_the_best_of_the_system_is_taken(empty_machine: Path) -> None:
    for name in ("TimGM6mb.sf2", "aaa.sf2", "FluidR3_GM.sf2", "GeneralUser-GS.sf2", "FluidR3_GM.sf3"):
        fake_soundfont(empty_machine / name)
    assert find_soundfont().path == empty_machine / "FluidR3_GM.sf2"


def test_a_broken_file_of_the_system_is_passed_over(empty_machine: Path) -> None:
    (empty_machine / "FluidR3_GM.sf2").write_bytes(b"broken")
    fake_soundfont(empty_machine / "GeneralUser GS 1.471.sf2")
    assert find_soundfont().path.name == "GeneralUser GS 1.471.sf2"


def test_the_small_font_of_a_dependency_is_the_last_resort(empty_machine: Path) -> None:
    pytest.importorskip("pretty_midi")
    font = find_soundfont()
    assert font.path.name == "TimGM6mb.sf2"
    assert font.licence.startswith("GPL-2")


def test_without_any_font_the_fix_is_named(empty_machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(MissingComponentError, match="--soundfont"):
        find_soundfont()
