"""Random timelines as Final Cut Pro 7 XML, Kdenlive projects and FCPXML, each against a reading frame by frame.

The edit is made as plain values first; the writer of each dialect and the sampler share nothing with the readers.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import pytest

from otio_adapters import read_picture
from tests.otio_adapters.test_timeline_formats import fcpxml, write, xmeml

FPS = 25
HALF = Fraction(1, 2)


@dataclass(frozen=True)
class Piece:
    """A clip in frames of whatever holds it."""

    name: str
    start: int
    length: int
    first: int
    """Source frame at its start."""
    kind: str = "clip"
    """``clip``, ``title``, ``gap``, ``nest`` or ``storyline``."""
    on: bool = True
    nest: int = 0
    """Number of the sequence that a nest shows."""
    lane: int = 0
    above: tuple[Piece, ...] = ()
    """What is connected to it; starts in the same frames as its own."""
    inside: tuple[Piece, ...] = ()
    """The clips of a storyline, from 0."""
    pace: Fraction = Fraction(1)
    """Source frames a frame."""

    @property
    def end(self) -> int:
        return self.start + self.length


@dataclass(frozen=True)
class Leaf:
    """Something that is seen at an instant."""

    name: str
    source: Fraction
    title: bool
    order: tuple[int, ...] = ()
    through: tuple[str, ...] = ()
    """Names of the nests it is seen through, the outermost first."""

    def within(self, nest: str) -> Leaf:
        return replace(self, through=(nest, *self.through))


def winner(leaves: list[Leaf]) -> Leaf | None:
    """The topmost picture; a title only where there is none."""
    pictures = [leaf for leaf in leaves if not leaf.title]
    return (pictures or leaves or [None])[-1]  # type: ignore[list-item]


def check(path: Path, shown: list[Leaf | None]) -> None:
    picture = read_picture(path)
    places = [(*leaf.through, leaf.name) if leaf else None for leaf in shown]
    changes = [n for n in range(1, len(places)) if places[n] != places[n - 1]]
    assert [b.frame for b in picture.boundaries if b.picture] == (changes if any(places) else [])
    for shot in picture.shots:
        leaf = shown[int(shot.start * FPS)]
        assert leaf is not None
        assert shot.name == leaf.name
        if not leaf.title:
            assert (shot.media_start * FPS + HALF * shot.speed) == leaf.source


# --- Final Cut Pro 7 XML -------------------------------------------------------------------------------------


Tracks = list[tuple[bool, list[Piece]]]


def tracks(chance: random.Random, tag: str, depth: int) -> Tracks:
    rows: Tracks = []
    for number in range(chance.randrange(1, 4)):
        at, row = 0, []
        for index in range(chance.randrange(0, 6)):
            at += chance.choice([0, 0, chance.randrange(1, 20)])
            length = chance.randrange(1, 30)
            kinds = ["clip", "clip", "clip", "title"] + (["nest", "nest"] if depth else [])
            kind = chance.choice(kinds)
            name = f"{tag}{number}-{index}"
            first = chance.randrange(0, 25 if kind == "nest" else 400)
            row.append(Piece(name, at, length, first, kind, chance.random() < 0.85, depth - 1))
            at += length
        rows.append((chance.random() < 0.85, row))
    return rows


def xml_of(piece: Piece, sequences: list[Tracks], written: set[int]) -> str:
    times = f"""<enabled>{str(piece.on).upper()}</enabled><start>{piece.start}</start><end>{piece.end}</end>
      <in>{piece.first}</in><out>{piece.first + piece.length}</out>"""
    if piece.kind == "title":
        return (
            f"<generatoritem><name>{piece.name}</name>{times}<effect><effectid>Text</effectid></effect></generatoritem>"
        )
    if piece.kind == "clip":
        file = f'<file id="f{piece.name}"><name>{piece.name}</name><duration>9999</duration></file>'
        return f"<clipitem><name>{piece.name}</name>{times}{file}</clipitem>"
    if piece.nest in written:
        inner = f'<sequence id="q{piece.nest}"/>'
    else:
        written.add(piece.nest)
        rate = f"<rate><timebase>{FPS}</timebase><ntsc>FALSE</ntsc></rate>"
        body = tracks_xml(sequences[piece.nest], sequences, written)
        inner = f'<sequence id="q{piece.nest}"><name>n</name>{rate}<media><video>{body}</video></media></sequence>'
    return f"<clipitem><name>{piece.name}</name>{times}{inner}</clipitem>"


def tracks_xml(rows: Tracks, sequences: list[Tracks], written: set[int]) -> str:
    return "".join(
        f"<track>{''.join(xml_of(p, sequences, written) for p in row)}<enabled>{str(on).upper()}</enabled></track>"
        for on, row in rows
    )


def leaves(rows: Tracks, at: Fraction, sequences: list[Tracks]) -> Iterator[Leaf]:
    for on, row in rows:
        for piece in row:
            if not (on and piece.on and piece.start <= at < piece.end):
                continue
            inner = piece.first + at - piece.start
            if piece.kind == "nest":
                yield from (leaf.within(piece.name) for leaf in leaves(sequences[piece.nest], inner, sequences))
            else:
                yield Leaf(piece.name, inner, piece.kind == "title")


@pytest.mark.parametrize("seed", range(30))
def test_final_cut_pro_7_xml(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    sequences = [tracks(chance, f"s{depth}-", depth) for depth in range(3)]
    top = sequences[-1]
    ends = [row[-1].end for on, row in top if on and row]
    if not ends:
        return
    shown = [winner(list(leaves(top, frame + HALF, sequences))) for frame in range(max(ends))]
    check(write(tmp_path, "x.xml", xmeml(tracks_xml(top, sequences, set()), FPS)), shown)


# --- Kdenlive ------------------------------------------------------------------------------------------------


def kdenlive_entry(piece: Piece, producers: list[str]) -> str:
    """An entry of a playlist; its producer is added to the list."""
    name = f"s{piece.nest}" if piece.kind == "nest" else f"p-{piece.name}"
    service = {"title": "kdenlivetitle", "clip": "avformat"}.get(piece.kind)
    if service is None:
        off = ""  # a sequence is off by its track only
    else:
        off = "" if piece.on else '<property name="set.test_image">1</property>'
        producers.append(
            f"""<chain id="{name}"><property name="resource">{piece.name}.mp4</property>{off}
            <property name="mlt_service">{service}</property><property name="length">9000</property>
            <property name="kdenlive:clipname">{piece.name}</property></chain>"""
        )
    return f'<entry producer="{name}" in="{piece.first}" out="{piece.first + piece.length - 1}"/>'


def kdenlive_sequence(name: str, rows: Tracks, chance: random.Random) -> str:
    producers: list[str] = []
    parts, tracks_of = [], ""
    for number, (on, row) in enumerate(rows):
        lists = ["", ""]
        ends = [0, 0]
        for piece in row:
            side = chance.randrange(2)
            lists[side] += f'<blank length="{piece.start - ends[side]}"/>' if piece.start > ends[side] else ""
            lists[side] += kdenlive_entry(piece, producers)
            ends[side] = piece.end
        key = f"{name}t{number}"
        hide = "audio" if on else "both"
        for side, text in enumerate(lists):
            parts.append(f'<playlist id="{key}l{side}">{text}</playlist>')
        inner = "".join(f'<track hide="{hide}" producer="{key}l{side}"/>' for side in (0, 1))
        parts.append(f'<tractor id="{key}">{inner}</tractor>')
        tracks_of += f'<track producer="{key}"/>'
    black = f'<producer id="{name}b"><property name="resource">black</property></producer>'
    whole = f'<tractor id="{name}"><track producer="{name}b"/>{tracks_of}</tractor>'
    return "".join([*producers, black, *parts, whole])


@pytest.mark.parametrize("seed", range(30))
def test_kdenlive(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    sequences = [tracks(chance, f"s{depth}-", depth) for depth in range(3)]
    sequences = [
        [(on, [replace(p, on=True) if p.kind == "nest" else p for p in row]) for on, row in s] for s in sequences
    ]
    ends = [row[-1].end for on, row in sequences[-1] if on and row]
    if not ends:
        return
    body = "".join(kdenlive_sequence(f"s{n}", rows, chance) for n, rows in enumerate(sequences))
    text = f"""<mlt><profile frame_rate_num="25" frame_rate_den="1"/>{body}<tractor id="project"><property
      name="kdenlive:projectTractor">1</property><track producer="s2"/></tractor></mlt>"""
    shown = [winner(list(leaves(sequences[-1], frame + HALF, sequences))) for frame in range(max(ends))]
    check(write(tmp_path, "x.kdenlive", text), shown)


# --- FCPXML --------------------------------------------------------------------------------------------------


def free(taken: list[tuple[int, int]], start: int, end: int) -> bool:
    return all(end <= a or start >= b for a, b in taken)


class Connected:
    """Makes clips connected to clips, none of one lane over another of it."""

    def __init__(self, chance: random.Random, compounds: int) -> None:
        self._chance = chance
        self._compounds = compounds
        self._taken: dict[tuple[int, ...], list[tuple[int, int]]] = {}
        self._count = 0

    def name(self) -> str:
        self._count += 1
        return f"c{self._count}"

    def leaf(self, start: int, length: int) -> Piece:
        chance = self._chance
        kind = chance.choice(
            ["clip", "clip", "clip", "title", "nest"] if self._compounds else ["clip", "clip", "title"]
        )
        first = chance.randrange(0, 20 if kind == "nest" else 300)
        pace = Fraction(25, 24) if kind == "clip" and chance.random() < 0.2 else Fraction(1)
        return Piece(
            self.name(),
            start,
            length,
            first,
            kind,
            chance.random() < 0.9,
            chance.randrange(0, max(self._compounds, 1)),
            pace=pace,
        )

    def over(self, record: int, length: int, lanes: tuple[int, ...]) -> tuple[Piece, ...]:
        """What hangs from a clip that lies at ``record`` and lasts ``length``."""
        chance, found = self._chance, []
        for _ in range(chance.choice([0, 0, 1, 2]) if len(lanes) < 3 else 0):
            lane = chance.choice([-1, 1, 1, 2])
            start, lasts = record + chance.randrange(0, length), chance.randrange(1, 25)
            row = self._taken.setdefault((*lanes, lane), [])
            if not free(row, start, start + lasts):
                continue
            row.append((start, start + lasts))
            if chance.random() < 0.25:
                inside = self.storyline(lasts)
                piece = Piece(self.name(), start - record, sum(p.length for p in inside), 0, "storyline", inside=inside)
            else:
                piece = self.leaf(start - record, lasts)
                piece = replace(piece, above=self.over(start, lasts, (*lanes, lane)))
            found.append(replace(piece, lane=lane))
        return tuple(found)

    def storyline(self, length: int) -> tuple[Piece, ...]:
        at, row = 0, []
        while at < length:
            lasts = min(self._chance.randrange(1, 20), length - at)
            gap = self._chance.random() < 0.2
            row.append(Piece("", at, lasts, 0, "gap") if gap else self.leaf(at, lasts))
            at += lasts
        return tuple(row)

    def primary(self) -> tuple[Piece, ...]:
        row = self.storyline(self._chance.randrange(20, 150))
        return tuple(replace(p, above=self.over(p.start, p.length, ())) for p in row)


def seconds(frames: Fraction | int) -> str:
    exact = Fraction(frames) / FPS
    return f"{exact.numerator}/{exact.denominator}s"


def element(piece: Piece, base: int) -> str:
    """A piece whose start counts from a time of its parent that is ``base`` frames."""
    local = Fraction(piece.first if piece.kind != "gap" else 90000)
    lane = f' lane="{piece.lane}"' if piece.lane else ""
    times = f'{lane} offset="{seconds(base + piece.start)}" duration="{seconds(piece.length)}"'
    if piece.kind == "storyline":
        inside = "".join(element(p, 0) for p in piece.inside)
        return f'<spine{lane} offset="{seconds(base + piece.start)}">{inside}</spine>'
    more = "".join(hung(p, local, piece.pace) for p in piece.above)
    state = f' name="{piece.name}" start="{seconds(local)}" enabled="{int(piece.on)}"'
    if piece.kind == "nest":
        return f'<ref-clip ref="n{piece.nest}"{times}{state}>{more}</ref-clip>'
    if piece.kind == "title":
        return f'<title ref="t1"{times}{state}>{more}</title>'
    if piece.kind == "gap":
        return f'<gap{times} start="{seconds(local)}">{more}</gap>'
    conform = '<conform-rate srcFrameRate="24"/>' if piece.pace != 1 else ""
    return f'<asset-clip ref="a2"{times}{state}>{conform}{more}</asset-clip>'


def hung(piece: Piece, local: Fraction, pace: Fraction) -> str:
    """A connected piece: its offset counts in its parent's own time."""
    here = seconds(local + piece.start * pace)
    written = element(piece, 0)
    return written.replace(f'offset="{seconds(piece.start)}"', f'offset="{here}"', 1)


def seen(
    piece: Piece, record: Fraction, at: Fraction, order: tuple[int, ...], nests: list[tuple[Piece, ...]]
) -> Iterator[Leaf]:
    """Leaves of a piece that begins at ``record``, and of all that hangs from it, at a time."""
    for child in piece.above:
        yield from seen(child, record + child.start, at, (*order, child.lane), nests)
    if not (piece.on and record <= at < record + piece.length):
        return
    if piece.kind == "storyline":
        for inner in piece.inside:
            yield from seen(inner, record + inner.start, at, order, nests)
    elif piece.kind == "nest":
        found = winner(sampled(nests[piece.nest], piece.first + at - record, nests))
        if found:
            yield replace(found.within(piece.name), order=order)
    elif piece.kind != "gap":
        yield Leaf(piece.name, piece.first + (at - record) * piece.pace, piece.kind == "title", order)


def sampled(row: tuple[Piece, ...], at: Fraction, nests: list[tuple[Piece, ...]]) -> list[Leaf]:
    found = [leaf for piece in row for leaf in seen(piece, Fraction(piece.start), at, (), nests)]
    return sorted(found, key=lambda leaf: leaf.order + (0,) * (8 - len(leaf.order)))


def extent(piece: Piece, record: int) -> int:
    own = record + piece.length if piece.on or not piece.lane else 0
    return max([own, *(extent(child, record + child.start) for child in piece.above)])


@pytest.mark.parametrize("seed", range(40))
def test_fcpxml(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    nests = [Connected(chance, number).primary() for number in range(2)]
    nests = [tuple(rename(piece, f"n{number}") for piece in row) for number, row in enumerate(nests)]
    row = Connected(chance, len(nests)).primary()
    media = "".join(
        f'<media id="n{n}"><sequence format="r1" tcStart="0s"><spine>{"".join(element(p, 0) for p in nest)}</spine>'
        "</sequence></media>"
        for n, nest in enumerate(nests)
    )
    text = fcpxml("".join(element(p, 90000) for p in row), media)
    last = max(extent(piece, piece.start) for piece in row)
    shown = [winner(sampled(row, frame + HALF, nests)) for frame in range(last)]
    path = write(tmp_path, "x.fcpxml", text)
    assert read_picture(path).duration * FPS <= last
    check(path, shown[: int(read_picture(path).duration * FPS)])


def rename(piece: Piece, tag: str) -> Piece:
    above = tuple(rename(p, tag) for p in piece.above)
    return replace(piece, name=f"{tag}-{piece.name}", above=above, inside=tuple(rename(p, tag) for p in piece.inside))
