"""AAF compositions built piece by piece, with cuts worked out by hand: read through the adapter and by our own walk."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from emsync_engine.errors import InputError
from otio_adapters import read_picture
from otio_adapters.formats.aaf_walk import walk_file
from otio_adapters.reading import Reading
from otio_adapters.resolve import resolve

aaf2 = pytest.importorskip("aaf2")
pytest.importorskip("otio_aaf_adapter")

FPS = 24
SPEED_RATIO = "8d56827d-847e-11d5-935a-50f857c10000"


class Film:
    """A top-level composition with two media, ``a`` and ``b``, of 1000 frames each."""

    def __init__(self, file: Any) -> None:
        self.file = file
        self._made = {name: self._master(name) for name in "ab"}
        self._composition = file.create.CompositionMob()
        self._composition.name, self._composition.usage = "cut", "Usage_TopLevel"
        code = self._composition.create_timeline_slot(FPS)
        code.segment = file.create.Timecode(FPS, drop=False)
        code.segment.start, code.segment.length = FPS * 3600, 1000
        file.content.mobs.append(self._composition)

    def _master(self, name: str) -> tuple[Any, int]:
        make = self.file.create
        source, master = make.SourceMob(), make.MasterMob()
        described = make.CDCIDescriptor()
        values = {"ComponentWidth": 8, "HorizontalSubsampling": 2, "StoredHeight": 9, "StoredWidth": 16, "Length": 1000}
        values |= {"FrameLayout": "FullFrame", "VideoLineMap": [42, 0], "SampleRate": FPS, "ImageAspectRatio": "16/9"}
        for key, value in values.items():
            described[key].value = value
        place = make.NetworkLocator()
        place["URLString"].value = f"file:///m/{name}.mov"
        described["Locator"].append(place)
        source.name, source.descriptor, master.name = f"{name}.file", described, name
        slot = source.create_picture_slot(FPS)
        slot.segment = self.unknown(1000)
        shown = master.create_picture_slot(FPS)
        shown.segment = source.create_source_clip(slot.slot_id, start=0, length=1000, media_kind="picture")
        self.file.content.mobs.append(source)
        self.file.content.mobs.append(master)
        return master, shown.slot_id

    def clip(self, name: str, first: int, length: int) -> Any:
        master, slot = self._made[name]
        return master.create_source_clip(slot, start=first, length=length, media_kind="picture")

    def unknown(self, length: int) -> Any:
        """A clip whose media the file does not define."""
        clip = self.file.create.SourceClip(media_kind="picture", length=length)
        clip["SourceID"].value = aaf2.mobid.MobID()
        return clip

    def gap(self, length: int) -> Any:
        return self.file.create.Filler("picture", length)

    def beneath(self, length: int) -> Any:
        reference = self.file.create.ScopeReference(media_kind="picture")
        reference.length = length
        reference["RelativeScope"].value, reference["RelativeSlot"].value = 0, 1
        return reference

    def row(self, *parts: Any) -> Any:
        sequence = self.file.create.Sequence(media_kind="picture")
        total = 0
        for part in parts:
            sequence.components.append(part)
            total += part.length * (-1 if isinstance(part, aaf2.components.Transition) else 1)
        sequence.length = total
        return sequence

    def dissolve(self, length: int, before: int) -> Any:
        found = self.file.create.Transition("picture", length)
        found["CutPoint"].value = before
        operation = self._operation("Video Dissolve", 2)
        group = self.file.create.OperationGroup(operation, length, media_kind="picture")
        found["OperationGroup"].value = group
        return found

    def _operation(self, name: str, inputs: int, warp: bool = False) -> Any:
        found = self.file.create.OperationDef(aaf2.auid.AUID(str(uuid.uuid4())), name)
        found.media_kind = "picture"
        values = {
            "NumberInputs": inputs,
            "IsTimeWarp": warp,
            "Bypass": 0,
            "OperationCategory": "OperationCategory_Effect",
        }
        for key, value in values.items():
            found[key].value = value
        self.file.dictionary.register_def(found)
        return found

    def effect(self, name: str, length: int, *inputs: Any, speed_ratio: str = "") -> Any:
        operation = self._operation(name, len(inputs), bool(speed_ratio))
        group = self.file.create.OperationGroup(operation, length, media_kind="picture")
        for part in inputs:
            group.segments.append(part)
        if speed_ratio:
            rational = self.file.dictionary.lookup_typedef("Rational")
            kind = self.file.create.ParameterDef(aaf2.auid.AUID(SPEED_RATIO), "SpeedRatio", "", rational)
            self.file.dictionary.register_def(kind)
            group.parameters.append(self.file.create.ConstantValue(kind, speed_ratio))
        return group

    def selector(self, length: int, chosen: Any, *others: Any) -> Any:
        found = self.file.create.Selector("picture")
        found["Length"].value, found["Selected"].value = length, chosen
        found["Alternates"].value = list(others)
        return found

    def nest(self, first: int, length: int, *parts: Any) -> Any:
        """A composition of its own, of which a part is shown."""
        inner = self.file.create.CompositionMob()
        inner.name = "nest"
        slot = inner.create_picture_slot(FPS)
        slot.segment = self.row(*parts)
        self.file.content.mobs.append(inner)
        return inner.create_source_clip(slot.slot_id, start=first, length=length, media_kind="picture")

    def scope(self, length: int, *rows: Any) -> Any:
        found = self.file.create.NestedScope("picture", length)
        for part in rows:
            found.slots.append(part)
        return found

    def track(self, *parts: Any) -> None:
        self._composition.create_picture_slot(FPS).segment = self.row(*parts)


def _dissolve(f: Film) -> None:
    f.track(f.clip("a", 10, 50), f.dissolve(20, 5), f.clip("b", 20, 60))


def _effects_in_effects(f: Film) -> None:
    twice = f.effect("Resize", 60, f.effect("Flop", 60, f.clip("b", 20, 60)))
    f.track(f.effect("Color", 50, f.clip("a", 10, 50)), twice, f.clip("a", 100, 10))


def _an_effect_over_two_shots(f: Film) -> None:
    both = f.effect("Color", 50, f.row(f.clip("a", 10, 20), f.clip("b", 0, 30)))
    f.track(f.clip("a", 500, 30), both, f.clip("a", 100, 10))


def _a_submaster_of_layers(f: Film) -> None:
    upper = f.row(f.gap(10), f.clip("b", 0, 15), f.gap(25))
    f.track(f.clip("b", 500, 30), f.effect("Submaster", 50, f.row(f.clip("a", 10, 50)), upper), f.clip("b", 100, 10))


def _upper_tracks(f: Film) -> None:
    f.track(f.clip("a", 0, 80))
    f.track(f.gap(20), f.clip("b", 0, 20), f.gap(40))
    f.track(f.beneath(30), f.clip("a", 700, 30), f.gap(20))


def _titles(f: Film) -> None:
    f.track(f.clip("a", 0, 40), f.gap(40))
    f.track(f.gap(20), f.effect("Title", 10), f.gap(20), f.effect("Title", 20), f.gap(10))


def _a_nested_composition(f: Film) -> None:
    nest = f.nest(25, 50, f.clip("a", 0, 40), f.clip("b", 0, 60))
    f.track(f.clip("b", 500, 30), nest, f.clip("a", 100, 10))


def _a_group_clip(f: Film) -> None:
    f.track(f.clip("b", 500, 30), f.selector(50, f.clip("a", 0, 50), f.clip("b", 0, 50)), f.clip("b", 100, 30))


def _a_muted_clip(f: Film) -> None:
    f.track(f.clip("a", 0, 40), f.clip("b", 0, 60))
    f.track(f.gap(20), f.selector(40, f.gap(40), f.clip("b", 200, 40)), f.gap(40))


def _a_scope(f: Film) -> None:
    upper = f.row(f.beneath(20), f.clip("b", 0, 20), f.beneath(20))
    f.track(f.scope(60, f.row(f.clip("a", 0, 60)), upper))


def _media_that_is_not_defined(f: Film) -> None:
    f.track(f.clip("a", 0, 100))
    f.track(f.gap(20), f.unknown(20), f.gap(10), f.effect("Resize", 30, f.unknown(30)), f.gap(20))


def _double_speed(f: Film) -> None:
    f.track(
        f.clip("b", 0, 30), f.effect("Motion Control", 25, f.clip("a", 100, 50), speed_ratio="1/2"), f.clip("b", 9, 9)
    )


CASES: dict[Callable[[Film], None], list[tuple[int, str]]] = {
    _dissolve: [(35, "dissolve")],
    _effects_in_effects: [(50, "cut"), (110, "cut")],
    _an_effect_over_two_shots: [(30, "cut"), (50, "cut"), (80, "cut")],
    _a_submaster_of_layers: [(30, "cut"), (40, "cut"), (55, "cut"), (80, "cut")],
    _upper_tracks: [(20, "cut"), (30, "cut"), (60, "cut")],
    _titles: [(40, "to_black"), (50, "from_black"), (70, "to_black")],
    _a_nested_composition: [(30, "cut"), (45, "cut"), (80, "cut")],
    _a_group_clip: [(30, "cut"), (80, "cut")],
    _a_muted_clip: [(40, "cut")],
    _a_scope: [(20, "cut"), (40, "cut")],
    _media_that_is_not_defined: [(20, "cut"), (40, "cut"), (50, "cut"), (80, "cut")],
    _double_speed: [(30, "cut"), (55, "cut")],
}


def built(folder: Path, make: Callable[[Film], None]) -> Path:
    path = folder / "x.aaf"
    with aaf2.open(str(path), "w") as file:
        make(Film(file))
    return path


@pytest.mark.parametrize("make", CASES, ids=lambda make: make.__name__[1:])
def test_the_cuts_are_those_on_the_screen(tmp_path: Path, make: Callable[[Film], None]) -> None:
    path = built(tmp_path, make)
    picture = read_picture(path)
    assert [(b.frame, b.kind) for b in picture.boundaries if b.picture] == CASES[make]
    assert picture.start_timecode == "01:00:00:00"
    walked = resolve(Reading(walk_file(path, 86400), rate=Fraction(FPS)), path)
    assert [(b.frame, b.kind) for b in walked.boundaries if b.picture] == CASES[make]
    assert walked.duration == picture.duration
    assert [(s.media, s.media_start, s.speed) for s in walked.shots] == [
        (s.media, s.media_start, s.speed) for s in picture.shots
    ]


def test_speed_and_source_of_a_time_warp(tmp_path: Path) -> None:
    shot = read_picture(built(tmp_path, _double_speed)).shots[1]
    assert (shot.name, shot.media, shot.speed, shot.media_start * FPS) == ("a", "/m/a.mov", 2, 100)


def test_clips_without_media_are_told_in_one_line(tmp_path: Path) -> None:
    warnings = read_picture(built(tmp_path, _media_that_is_not_defined)).warnings
    assert [w for w in warnings if "does not define" in w] == [
        "x.aaf: 2 clips play media that the file does not define; they count as shots"
    ]


def test_a_file_that_the_adapter_cannot_read_is_walked(tmp_path: Path) -> None:
    def two_alternates(f: Film) -> None:
        f.track(f.clip("a", 0, 40), f.clip("b", 0, 60))
        f.track(f.gap(20), f.selector(40, f.gap(40), f.clip("b", 200, 40), f.clip("a", 5, 40)), f.gap(40))

    picture = read_picture(built(tmp_path, two_alternates))
    assert [b.frame for b in picture.boundaries if b.picture] == [40]
    assert any("in a simpler way" in w for w in picture.warnings)
    assert picture.shots[0].media == "/m/a.mov"


def test_damage_ends_in_a_picture_or_in_one_line_and_prints_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = built(tmp_path, _a_submaster_of_layers).read_bytes()
    path = tmp_path / "damaged.aaf"
    for seed in range(12):
        chance = random.Random(seed)
        data = bytearray(whole)
        for _ in range(chance.randrange(1, 30)):
            data[chance.randrange(8192 if seed % 3 else len(data))] = chance.randrange(256)
        path.write_bytes(data[: chance.randrange(len(data))] if seed % 4 == 0 else data)
        try:
            read_picture(path).to_json()
        except InputError as error:
            assert path.name in str(error)
            assert "\n" not in str(error)
    assert capsys.readouterr() == ("", "")
