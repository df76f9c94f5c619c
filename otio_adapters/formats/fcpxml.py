"""FCPXML 1.8 to 1.14 (``.fcpxml``, ``.fcpxmld``): times are rational, clips hang from clips in lanes."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from emsync_engine.errors import InputError
from otio_adapters import document as doc
from otio_adapters.formats.fcpxml_parts import CLIPS, Story
from otio_adapters.formats.fcpxml_resources import Resources, time_of
from otio_adapters.formats.fcpxml_story import StoryTeller
from otio_adapters.formats.xml_text import Element, parse_xml
from otio_adapters.reading import Reading

_ZERO = Fraction(0)


def read(path: Path) -> Reading:
    """Read an FCPXML file or bundle.

    Raises:
        InputError: not one, or a damaged one.
    """
    file = path / "Info.fcpxml" if path.is_dir() else path
    if not file.is_file():
        raise InputError("is a folder without Info.fcpxml: export it again", path.name, "not_a_timeline")
    root = parse_xml(file)
    if root.tag != "fcpxml":
        raise InputError(f"is XML with <{root.tag}>, not FCPXML: export it again", path.name, "not_a_timeline")
    resources = Resources.of(root)
    name, story_root, warnings = _choose(root, resources, path.name)
    rate = _rate_of(story_root, resources)
    resources.frame_size = resources.sizes.get(story_root.get("format") or "")
    teller, story = StoryTeller(resources, rate), Story()
    if story_root.tag == "sequence":
        head = time_of(story_root, "tcStart", _ZERO)
        for spine in story_root.findall("spine"):
            teller.storyline(spine, head, story)
    else:
        head = _ZERO
        teller.storyline([story_root], time_of(story_root, "offset", _ZERO), story)
    start = round(head * rate)
    tracks = [*story.video_tracks(rate), *story.audio_tracks(rate)]
    document = doc.timeline_node(name, tracks, doc.rational_time(start / rate, rate))
    document["tracks"]["markers"] = story.markers
    drop = {"DF": True, "NDF": False}.get(story_root.get("tcFormat") or "")
    return Reading(document, rate, drop, start, warnings, tuple(story.captions))


def _choose(root: Element, resources: Resources, where: str) -> tuple[str, Element, tuple[str, ...]]:
    """(name, sequence or single clip, warnings): the fullest project, else the first clip or compound clip."""
    projects = [(p.get("name") or "", s) for p in root.iter("project") for s in p.findall("sequence")]
    if projects:
        name, chosen = max(projects, key=lambda project: sum(1 for _ in project[1].iter()))
        more = (f"{where} holds {len(projects)} projects; the fullest is read: {name!r}",)
        return name, chosen, more if len(projects) > 1 else ()
    alone = [element for parent in (root, *root.iter("event")) for element in parent if element.tag in CLIPS]
    compounds = [sequence for media in resources.media.values() for sequence in media.findall("sequence")]
    for element in (*alone, *compounds):
        return element.get("name") or "", element, ()
    raise InputError("holds no project: export the project itself", where, "not_a_timeline")


def _rate_of(element: Element, resources: Resources) -> Fraction:
    """Frame rate of the sequence, else of the first format that has one; 24 where none does."""
    keys = (key for inner in element.iter() for key in _formats_of(inner, resources))
    return next((resources.rates[key] for key in keys if key in resources.rates), Fraction(24))


def _formats_of(element: Element, resources: Resources) -> tuple[str, ...]:
    """Ids of the formats that an element names: its own, or those of the media or the compound clip that it plays."""
    name = element.get("ref") or ""
    media, asset = resources.media.get(name), resources.assets.get(name)
    inner = [found.get("format") or "" for found in media] if media is not None else []
    return (element.get("format") or "", *inner, asset.format if asset is not None else "")
