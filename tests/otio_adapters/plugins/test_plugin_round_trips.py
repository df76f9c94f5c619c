"""What is written is read back: markers, tempo map and clip times within a microsecond."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio
import pytest
from hypothesis import HealthCheck, given, settings

from otio_adapters.plugins.dawproject_read import read_dawproject
from otio_adapters.plugins.dawproject_write import dawproject_of
from otio_adapters.plugins.from_timeline import session_of
from otio_adapters.plugins.rpp_read import read_rpp
from otio_adapters.plugins.rpp_write import rpp_text
from otio_adapters.plugins.session import Item, Session, SessionMarker, SessionTrack
from otio_adapters.plugins.smf_read import read_smf
from otio_adapters.plugins.smf_write import smf_of
from otio_adapters.plugins.tempo import TempoPoint
from otio_adapters.plugins.to_timeline import timeline_of
from otio_adapters.read import read_timeline
from tests.otio_adapters.plugins.conftest import ROOT
from tests.otio_adapters.plugins.sessions import NTSC_FILM, RATES, by_hand, differences, sessions

_MANY = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def _through_otio(session: Session) -> Session:
    return session_of(timeline_of(session))


def _plain(session: Session) -> Session:
    """Without the one thing RPP cannot say: a name with all three kinds of quote."""
    return replace(session, markers=tuple(replace(m, name=m.name.replace("`", "")) for m in session.markers))


FORMS = {
    "otio": (_through_otio, "all"),
    "rpp": (lambda session: read_rpp(rpp_text(session)), "all"),
    "smf": (lambda session: read_smf(smf_of(session)), "music"),
    "dawproject": (lambda session: read_dawproject(dawproject_of(session)), "all"),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("rate", RATES, ids=str)
def test_by_hand(form: str, rate: Fraction) -> None:
    trip, what = FORMS[form]
    session = _plain(by_hand(rate))
    assert differences(session, trip(session), of=what) == []


@pytest.mark.parametrize("form", FORMS)
@_MANY
@given(session=sessions())
def test_at_random(form: str, session: Session) -> None:
    trip, what = FORMS[form]
    assert differences(session, trip(session), of=what) == []


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=25, deadline=None)
@given(session=sessions())
def test_a_second_trip_changes_nothing(form: str, session: Session) -> None:
    trip, _ = FORMS[form]
    once = trip(session)
    assert differences(once, trip(once)) == []


@pytest.mark.parametrize("form", FORMS)
def test_a_cut_at_two_hours_is_right_to_the_sample(form: str) -> None:
    """01:59:59:00 after a head at 00:00:00:00, at 23.976: frame 172,776."""
    cut = Fraction(172_776) / NTSC_FILM
    tempo = (TempoPoint(Fraction(0), Fraction(517_241)), TempoPoint(Fraction(3600) + Fraction(1, 7), Fraction(731_707)))
    marker = SessionMarker(cut, "cut")
    items = (
        Item(Fraction(0), cut, "midi" if form == "smf" else "video", "before", media="/a.mov"),
        Item(cut, Fraction(24) / NTSC_FILM, "midi" if form == "smf" else "video", "after", media="/b.mov"),
    )
    if form == "smf":
        items = tuple(replace(item, media="", midi=by_hand().tracks[-1].items[0].midi) for item in items)
    session = Session("two hours", NTSC_FILM, tempo=tempo, tracks=(SessionTrack("T", items),), markers=(marker,))
    read = FORMS[form][0](session)
    for time in (read.markers[0].time, read.tracks[0].items[1].start, read.tracks[0].items[0].end):
        assert abs(time - cut) * 48_000 < Fraction(1, 2)


_TIMELINES = ROOT.parent / "shared" / "timelines"
_READABLE = (".otio", ".edl", ".xml", ".fcpxml", ".kdenlive")
_REAL = sorted(path for path in _TIMELINES.glob("*/*") if path.suffix in _READABLE) if _TIMELINES.is_dir() else []


@pytest.mark.skipif(not _REAL, reason="the collection of real timelines is not here")
@pytest.mark.parametrize("path", _REAL, ids=lambda path: path.name)
def test_real_timelines(path: Path) -> None:
    document = read_timeline(path).document
    if "Marker.3" in json.dumps(document):
        pytest.skip("newer than the installed OpenTimelineIO")
    session = session_of(otio.core.deserialize_json_from_string(json.dumps(document)))
    for form, (trip, what) in FORMS.items():
        found = differences(session, trip(session), of=what)
        if form == "dawproject":  # a clip without a file has no speed there
            found = [text for text in found if " speed " not in text]
        assert (form, found) == (form, [])


@pytest.mark.parametrize("name", ["DF at one hour", "NDF at one hour"])
@pytest.mark.parametrize("form", ["rpp", "smf", "dawproject", "otio"])
def test_drop_frame_survives(form: str, name: str) -> None:
    drop = name.startswith("DF")
    start = 107_892 if drop else 108_000
    session = replace(by_hand(Fraction(30000, 1001)), start_frame=start, drop_frame=drop)
    read = FORMS[form][0](session)
    assert (read.rate, read.start_frame, read.drop_frame) == (Fraction(30000, 1001), start, drop)
