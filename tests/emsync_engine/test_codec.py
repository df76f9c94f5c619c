"""Documents as JSON and back, exactly."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emsync_engine.codec import CodecError, decode, encode
from emsync_engine.mood.curve import constant
from emsync_engine.picture import Boundary, Instruction, Picture, PictureMarker, Shot, ShotRef
from emsync_engine.score import (
    Bar,
    ChordSpan,
    Control,
    Key,
    Note,
    Part,
    Score,
    ScoreHit,
    Section,
    Tempo,
    TempoMap,
)

SCORE = Score(
    tempo_map=TempoMap((Tempo(0, 500_000), Tempo(3840, 480_001, True))),
    bars=(Bar(0, 4), Bar(3840, 3)),
    key=Key(3, "minor"),
    parts=(Part("bass", "Bass", 33, 0, (Note(0, 40, 960, 90),), (Control(0, 7, 100),)),),
    sections=(Section("s1", "Überfall", 0, 6720, -0.25, 0.5, 1, 2, "b"),),
    chords=(ChordSpan(0, 3840, 3, "min7", "i", 10),),
    hits=(ScoreHit(3840, Fraction(48048, 24000), "Door", 10.0, 4),),
    duration=Fraction(1001, 286),
    end_tick=6720,
    seed=7,
    engine="rules",
    title="Ende 夜",
    metadata={"seeds": {"s1": {"bass": 3}}, "motif_ticks": [0, 960]},
)


def there_and_back(value: Any) -> Any:
    return decode(type(value), json.loads(json.dumps(encode(value), allow_nan=False)))


def test_a_score_comes_back_equal() -> None:
    assert there_and_back(SCORE) == SCORE


def test_a_picture_comes_back_equal() -> None:
    ref = ShotRef("a", "a.mov", Fraction(1001, 24000))
    picture = Picture(
        "cut",
        Fraction(24000, 1001),
        Fraction(1001, 24),
        drop_frame=False,
        start_frame=86400,
        shots=(Shot(Fraction(0), Fraction(1001, 24), "a", "a.mov", Fraction(1, 3), Fraction(-1, 2), path=(0, 2)),),
        boundaries=(
            Boundary(Fraction(1), 24, Fraction(3, 2), "dissolve", span=(Fraction(1), Fraction(2)), outgoing=ref),
        ),
        markers=(PictureMarker(Fraction(1), "hit", instruction=Instruction("hit")),),
        dialogue=((Fraction(1, 7), Fraction(2, 7)),),
        metadata={"a": [1, {"b": None}]},
    )
    assert there_and_back(picture) == picture


def test_a_mood_curve_comes_back() -> None:
    curve = constant(3.0, 0.123456, -0.5)
    again = there_and_back(curve)
    assert np.allclose(again.valence, curve.valence, atol=1e-6) and again.time_s.dtype == np.float64
    assert again.valence_confidence is None or isinstance(again.valence_confidence, np.ndarray)


def test_notes_are_short_rows() -> None:
    assert encode(Note(1, 2, 3, 4)) == [1, 2, 3, 4]
    assert encode(Tempo(0, 5, True)) == [0, 5, True]


@dataclass(frozen=True)
class Inner:
    kind: Literal["a", "b"] = "a"


@dataclass(frozen=True)
class Sample:
    """Every kind of field."""

    exact: Fraction
    real: float = 0.0
    whole: int = 0
    flag: bool = False
    text: str = ""
    maybe: int | None = None
    rows: tuple[Inner, ...] = ()
    pair: tuple[Fraction, str] | None = None
    table: Mapping[str, float] = field(default_factory=dict)
    anything: Any = None


SAMPLES = st.builds(
    Sample,
    exact=st.fractions(),
    real=st.floats(allow_nan=False, allow_infinity=False),
    whole=st.integers(),
    flag=st.booleans(),
    text=st.text(),
    maybe=st.none() | st.integers(),
    rows=st.lists(st.builds(Inner, st.sampled_from(["a", "b"]))).map(tuple),
    pair=st.none() | st.tuples(st.fractions(), st.text()),
    table=st.dictionaries(st.text(), st.floats(allow_nan=False, allow_infinity=False)),
    anything=st.none() | st.integers() | st.lists(st.text()),
)


@given(SAMPLES)
def test_every_kind_of_field_comes_back_equal(sample: Sample) -> None:
    assert there_and_back(sample) == sample


def test_missing_fields_take_their_defaults() -> None:
    assert decode(Sample, {"exact": "1/3"}) == Sample(Fraction(1, 3))


WRONG: list[tuple[Any, str]] = [
    ({}, "exact"),
    ({"exact": "1/0"}, "exact"),
    ({"exact": None}, "exact"),
    ({"exact": "1", "newer": 1}, "newer"),
    ({"exact": "1", "real": "2"}, "real"),
    ({"exact": "1", "real": True}, "real"),
    ({"exact": "1", "whole": 1.5}, "whole"),
    ({"exact": "1", "whole": True}, "whole"),
    ({"exact": "1", "flag": 1}, "flag"),
    ({"exact": "1", "rows": {}}, "rows"),
    ({"exact": "1", "rows": [{"kind": "c"}]}, r"rows\[0\].kind"),
    ({"exact": "1", "rows": [{"kind": ["a"]}]}, r"rows\[0\].kind"),
    ({"exact": "1", "pair": ["1"]}, "pair"),
    ({"exact": "1", "table": {"a": "b"}}, r"table\[a\]"),
    ([], "Sample"),
    (None, "Sample"),
]


@pytest.mark.parametrize(("data", "place"), WRONG, ids=[str(row[0]) for row in WRONG])
def test_what_does_not_fit_is_named(data: Any, place: str) -> None:
    with pytest.raises(CodecError, match=place):
        decode(Sample, data)


@pytest.mark.parametrize("rows", [[[5, 500_000, False]], [], [[0, "x", False]], [[0, 1]], "rows", [None]])
def test_values_that_break_a_promise_are_codec_errors_too(rows: Any) -> None:
    with pytest.raises(CodecError):
        decode(TempoMap, {"events": rows})


@pytest.mark.parametrize("values", [["a"], [[1.0]], [None], "abc", [True]])
def test_arrays_of_something_else(values: Any) -> None:
    @dataclass(frozen=True)
    class Curve:
        y: npt.NDArray[np.float64]

    Curve.__annotations__["y"] = npt.NDArray[np.float64]
    with pytest.raises(CodecError, match="y"):
        decode(Curve, {"y": values})


@pytest.mark.parametrize("seed", range(5))
def test_a_score_with_anything_exchanged_decodes_or_is_a_codec_error(seed: int) -> None:
    rng = random.Random(seed)
    text = json.dumps(encode(SCORE))
    for _ in range(200):
        document = json.loads(text)
        node: Any = document
        while True:
            keys = list(node) if isinstance(node, dict) else list(range(len(node)))
            key = rng.choice(keys)
            if not isinstance(node[key], dict | list) or not node[key] or rng.random() < 0.15:
                node[key] = rng.choice((None, "x", -1, 1.5, [], {}, True, "1/0", [1, 2], {"a": 1}))
                break
            node = node[key]
        try:
            decode(Score, document)
        except CodecError as error:
            assert "Score" in str(error)
