"""Captions that lie on tracks of the timeline: text clips, and clips that play a caption file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emsync_engine.errors import InputError
from emsync_engine.picture import Caption
from otio_adapters import document as doc
from otio_adapters.captions import CAPTION_SUFFIXES, plain_text, read_captions
from otio_adapters.document import Node
from otio_adapters.media import MediaFinder, base_name

if TYPE_CHECKING:
    from otio_adapters.layout import Layer

_KINDS = frozenset({"caption", "captions", "subtitle", "subtitles", "text", "timedtext"})
_NAME = re.compile(r"\b(closed )?(captions?|subtitles?|subs|cc|srt|vtt)\s*\d*\b", re.IGNORECASE)
_TEXT_KEYS = ("text", "caption", "subtitle", "str", "string", "content", "contents")
_MAX_DEPTH = 4


def is_caption_track(track: Node) -> bool:
    """A track of text by its kind, or by its name where none of its clips plays a picture."""
    if doc.text_of(track, "kind").lower() in _KINDS:
        return True
    if doc.text_of(track, "kind") == "Audio" or not _NAME.search(doc.text_of(track, "name").replace("_", " ")):
        return False
    clips = [child for child in doc.nodes_of(track, "children") if doc.schema_of(child) == "Clip"]
    return bool(clips) and all(map(_is_text, clips))


def _is_text(clip: Node) -> bool:
    reference = doc.media_reference_of(clip)
    schema = doc.schema_of(reference)
    return schema in ("GeneratorReference", "MissingReference", "") or bool(_caption_url(reference))


def _caption_url(reference: Node) -> str:
    url = doc.text_of(reference, "target_url")
    return url if Path(base_name(url)).suffix.lower() in CAPTION_SUFFIXES else ""


def track_captions(layers: Sequence[Layer], finder: MediaFinder) -> tuple[list[Caption], list[str]]:
    """The captions of the clips of caption tracks in record order, and warnings."""
    found: list[Caption] = []
    warnings: list[str] = []
    for layer in layers:
        url = _caption_url(doc.media_reference_of(layer.clip))
        if not url:
            words = caption_text(layer.clip)
            found += [Caption(layer.start, layer.end, words)] if words else []
            continue
        path, online = finder.find(url, (doc.text_of(layer.clip, "name"),))
        try:
            found += _played(layer, read_captions(Path(path)) if online else ())
            warnings += [] if online else [f"captions {base_name(url)} are not on this machine"]
        except (InputError, OSError) as error:
            warnings.append(f"captions {base_name(url)} could not be read: {error}")
    return sorted(found, key=lambda caption: (caption.start, caption.end)), warnings


def _played(layer: Layer, captions: Sequence[Caption]) -> list[Caption]:
    """Captions of a file at the record times at which a clip plays them."""
    if layer.speed <= 0:
        return []
    played = []
    for caption in captions:
        start, end = (layer.start + (time - layer.source) / layer.speed for time in (caption.start, caption.end))
        if end > layer.start and start < layer.end:
            played.append(Caption(max(start, layer.start), min(end, layer.end), caption.text))
    return played


def caption_text(clip: Node) -> str:
    """What a text clip says: its metadata, its generator's parameters, else its name."""
    reference = doc.media_reference_of(clip)
    parameters = reference.get("parameters")
    for holder in (doc.metadata_of(clip), parameters, doc.metadata_of(reference)):
        words = plain_text(_text_in(holder))
        if words:
            return words
    return plain_text(doc.text_of(clip, "name"))


def _text_in(value: Any, depth: int = 0) -> str:
    """The first text under one of the usual keys."""
    if not isinstance(value, dict) or depth > _MAX_DEPTH:
        return ""
    for key, inner in value.items():
        if isinstance(inner, str) and inner.strip() and key.casefold() in _TEXT_KEYS:
            return inner
    return next((words for inner in value.values() if (words := _text_in(inner, depth + 1))), "")
