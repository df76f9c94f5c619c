"""What an item of a document is: how fast it runs, what it paints, how a transition blends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Literal

from emsync_engine.errors import InputError
from otio_adapters import document as doc
from otio_adapters.appearance import PLAIN, Look
from otio_adapters.document import Node

LayerKind = Literal["picture", "partial", "generator", "adjustment"]
"""``partial``: a picture that lets what lies beneath show."""

_ADJUSTMENT_NAME = re.compile(r"^\s*adjustment[ _-]?(layer|clip)\b", re.IGNORECASE)
_RESOLVE_ADJUSTMENT_TYPE = 74
_BLACK_GENERATORS = frozenset({"black", "slug", "black video"})
_WARPS = frozenset({"LinearTimeWarp", "FreezeFrame"})


def speed_of(node: Node) -> Fraction:
    """Product of the linear time warps of an item; 0 is a freeze."""
    speed = Fraction(1)
    for effect in effects_of(node):
        if doc.schema_of(effect) not in _WARPS or effect.get("enabled") is False:
            continue
        scalar = effect.get("time_scalar", 0 if doc.schema_of(effect) == "FreezeFrame" else 1)
        if isinstance(scalar, bool) or not isinstance(scalar, (int, float)) or not abs(scalar) < doc.MAX_SECONDS:
            raise InputError(f"its speed is {scalar!r}, which is no number: export the timeline again")
        speed *= doc.exact_scalar(scalar)
    return speed


def effects_of(node: Node) -> Iterator[Node]:
    effects = node.get("effects")
    if isinstance(effects, list):
        yield from (effect for effect in effects if isinstance(effect, dict))


def layer_kind(clip: Node, look: Look = PLAIN) -> LayerKind | None:
    """What a clip paints; None for black and for what is fully transparent, which show as nothing."""
    reference = doc.media_reference_of(clip)
    if _ADJUSTMENT_NAME.match(doc.text_of(clip, "name")) or any(map(_is_resolve_adjustment, effects_of(clip))):
        return "adjustment"
    if look.is_unseen:
        return None
    if doc.schema_of(reference) != "GeneratorReference":
        return "partial" if look.is_partial else "picture"
    kind = doc.text_of(reference, "generator_kind").lower()
    name = doc.text_of(clip, "name").strip().lower()
    return None if kind in _BLACK_GENERATORS and (not name or name in _BLACK_GENERATORS) else "generator"


def _is_resolve_adjustment(effect: Node) -> bool:
    details = doc.metadata_of(effect).get("Resolve_OTIO")
    return isinstance(details, dict) and details.get("Type") == _RESOLVE_ADJUSTMENT_TYPE


def is_wipe(transition: Node) -> bool:
    """A wipe by its type or by its name, where systems write every type as a dissolve."""
    kind = doc.text_of(transition, "transition_type").lower()
    names = [doc.text_of(transition, "name")]
    details = doc.metadata_of(transition).get("Resolve_OTIO")
    if isinstance(details, dict):
        names.append(str(details.get("Transition Type", "")))
    return "wipe" in kind or any("wipe" in name.lower() for name in names)
