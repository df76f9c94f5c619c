"""How a clip looks: whether it fills the frame, how much of what lies beneath shows through, where it fades."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from otio_adapters import document as doc
from otio_adapters.document import Node

LOOK_KEY = "emsync_look"
"""Metadata of a clip: what a format said about its look, for formats that OpenTimelineIO has no words for."""

_FULL_OPACITY = 98.0  # per cent
_FULL_SCALE = 0.98
"""Share of the frame's width and height from which a picture fills it."""
_UNSEEN = 0.5  # per cent
_CENTRED = 0.01  # of the frame
_PREMIERE_NORMAL = 18
"""Premiere's number of the blend mode that covers."""
_FADE_EDGE = Fraction(1, 10)
"""Seconds off a clip's end within which a fade by keyframes still is that end's fade."""

Points = Sequence[tuple[Fraction, float]]
"""Keyframes: (seconds from the clip's head, value)."""


@dataclass(frozen=True)
class Look:
    """What is known about how a clip is composited; the defaults are those of a clip that simply covers."""

    opacity: float = 100.0
    """Per cent, at its highest."""
    scale: float = 1.0
    """Share of the frame, of the longer side where the two differ, at its largest."""
    blended: bool = False
    """Mixed with what lies beneath by another mode than normal (screen, multiply)."""
    fade_in: Fraction = Fraction(0)
    """Seconds from nothing to the whole picture at the clip's head."""
    fade_out: Fraction = Fraction(0)

    @property
    def is_partial(self) -> bool:
        """What lies beneath shows."""
        return self.opacity < _FULL_OPACITY or self.scale < _FULL_SCALE or self.blended

    @property
    def is_unseen(self) -> bool:
        return self.opacity <= _UNSEEN or self.scale <= 0


PLAIN = Look()


def look_metadata(look: Look) -> Node:
    """The look as clip metadata; empty for one that says nothing."""
    if look == PLAIN:
        return {}
    fields = {name: getattr(look, name) for name in ("opacity", "scale", "blended")}
    return {LOOK_KEY: {**fields, "fade_in_s": str(look.fade_in), "fade_out_s": str(look.fade_out)}}


def look_of(node: Node, length: Fraction) -> Look:
    """How an item looks, from what Resolve, Premiere and our own readers write.

    Args:
        node: a clip or a nest.
        length: seconds that it lasts.
    """
    stated = doc.metadata_of(node).get(LOOK_KEY)
    look = _stated(stated) if isinstance(stated, dict) else PLAIN
    for effect in _effects(node):
        metadata = doc.metadata_of(effect)
        resolve, premiere = metadata.get("Resolve_OTIO"), metadata.get("PremierePro_OTIO")
        if isinstance(resolve, dict) and resolve.get("Enabled") is not False:
            look = _with_resolve(look, resolve, _rate(node), length)
        if isinstance(premiere, dict):
            look = _with_premiere(look, premiere)
    if look.fade_in or look.fade_out:
        look = replace(look, fade_in=min(look.fade_in, length), fade_out=min(look.fade_out, length))
    return look


def fades_by_keyframes(points: Points, length: Fraction) -> tuple[Fraction, Fraction]:
    """(fade in, fade out) in seconds of opacity keyframes in per cent: ramps between nothing and full at the ends."""
    if len(points) < 2:
        return Fraction(0), Fraction(0)
    (t0, v0), (t1, v1) = points[:2]
    fade_in = t1 if abs(t0) <= _FADE_EDGE and v0 <= _UNSEEN and v1 >= _FULL_OPACITY else Fraction(0)
    (t0, v0), (t1, v1) = points[-2:]
    at_end = abs(t1 - length) <= _FADE_EDGE
    fade_out = length - t0 if at_end and v1 <= _UNSEEN and v0 >= _FULL_OPACITY else Fraction(0)
    return max(fade_in, Fraction(0)), max(fade_out, Fraction(0))


def _effects(node: Node) -> Iterator[Node]:
    effects = node.get("effects")
    for effect in effects if isinstance(effects, list) else ():
        if isinstance(effect, dict) and effect.get("enabled") is not False:
            yield effect


def _rate(node: Node) -> Fraction:
    """Rate in Hz in which effects count frames: that of the clip's length."""
    source = node.get("source_range")
    return doc.rate_of(source.get("duration")) if isinstance(source, dict) else Fraction(24)


def _stated(fields: Mapping[str, Any]) -> Look:
    opacity, scale = _number(fields.get("opacity")), _number(fields.get("scale"))
    return Look(
        opacity=100.0 if opacity is None else opacity,
        scale=1.0 if scale is None else scale,
        blended=fields.get("blended") is True,
        fade_in=_seconds(fields.get("fade_in_s")),
        fade_out=_seconds(fields.get("fade_out_s")),
    )


def _with_resolve(look: Look, effect: Node, rate: Fraction, length: Fraction) -> Look:
    """One of Resolve's effects, told by its name; key frames count timeline frames from the clip's head."""
    reader = _RESOLVE.get(str(effect.get("Effect Name")))
    listed = effect.get("Parameters")
    if reader is None or not isinstance(listed, list):
        return look
    return reader(look, {str(p.get("Parameter ID")): p for p in listed if isinstance(p, dict)}, rate, length)


def _resolve_faders(look: Look, parameters: Mapping[str, Node], rate: Fraction, length: Fraction) -> Look:
    frames = [_number(parameters.get(name, {}).get("Parameter Value")) for name in ("videoFaderIn", "videoFaderOut")]
    fade_in, fade_out = (Fraction(round(max(n or 0.0, 0.0))) / rate for n in frames)
    return replace(look, fade_in=fade_in or look.fade_in, fade_out=fade_out or look.fade_out)


def _resolve_composite(look: Look, parameters: Mapping[str, Node], rate: Fraction, length: Fraction) -> Look:
    if "opacity" in parameters:
        points = _resolve_points(parameters["opacity"], rate)
        fades = fades_by_keyframes(points, length)
        opacity = _highest(parameters["opacity"], points)
        look = replace(look, opacity=opacity if opacity is not None else look.opacity)
        look = replace(look, fade_in=look.fade_in or fades[0], fade_out=look.fade_out or fades[1])
    mode = _number(parameters.get("composite mode", {}).get("Parameter Value"))
    return replace(look, blended=look.blended or bool(mode))


def _resolve_transform(look: Look, parameters: Mapping[str, Node], rate: Fraction, length: Fraction) -> Look:
    """Zoom is a share of the fitted picture; a zoom that is not written is 1."""
    zooms = []
    for name in ("transformationZoomX", "transformationZoomY"):
        parameter = parameters.get(name, {})
        zoom = _highest(parameter, _resolve_points(parameter, rate))
        zooms.append(1.0 if zoom is None else zoom)
    return replace(look, scale=look.scale * max(zooms))


_RESOLVE: dict[str, Callable[[Look, Mapping[str, Node], Fraction, Fraction], Look]] = {
    "Video Faders": _resolve_faders,
    "Composite": _resolve_composite,
    "Transform": _resolve_transform,
}


def _resolve_points(parameter: Node, rate: Fraction) -> list[tuple[Fraction, float]]:
    frames = parameter.get("Key Frames")
    points = []
    for frame, key in frames.items() if isinstance(frames, dict) else ():
        value = _number(key.get("Value")) if isinstance(key, dict) else None
        if value is not None and frame.removeprefix("-").isdecimal() and len(frame) < 12:
            points.append((Fraction(int(frame)) / rate, value))
    return sorted(points)


def _highest(parameter: Node, points: Points) -> float | None:
    """The greatest value of a parameter: of its keyframes where it has any."""
    return max(value for _, value in points) if points else _number(parameter.get("Parameter Value"))


def _with_premiere(look: Look, effect: Node) -> Look:
    """Premiere's own Opacity and Motion. Parameters are told by number, since their names are translated."""
    listed = effect.get("Parameters")
    found = [p for p in listed if isinstance(p, dict)] if isinstance(listed, list) else []
    parameters = {p["ID"]: p for p in found if isinstance(p.get("ID"), int)}
    name = effect.get("MatchName")
    if name == "AE.ADBE Opacity":
        opacity, mode = _greatest(parameters.get(1)), _greatest(parameters.get(2))
        blended = look.blended or (mode is not None and mode != _PREMIERE_NORMAL)
        return replace(look, opacity=opacity if opacity is not None else look.opacity, blended=blended)
    if name == "AE.ADBE Motion" and not _is_centred(parameters.get(1)):
        scales = [scale for number in (2, 3) if (scale := _greatest(parameters.get(number))) is not None]
        return replace(look, scale=look.scale * max(scales) / 100) if scales else look
    return look


def _is_centred(position: Node | None) -> bool:
    """Premiere scales from the media's own size, which is not in the file: a centred picture is taken to be fitted."""
    values = _premiere_values(position)
    return bool(values) and all(
        isinstance(value, dict) and all(abs((_number(value.get(axis)) or 0.0) - 0.5) <= _CENTRED for axis in ("X", "Y"))
        for value in values
    )


def _greatest(parameter: Node | None) -> float | None:
    numbers = [number for value in _premiere_values(parameter) if (number := _number(value)) is not None]
    return max(numbers, default=None)


def _premiere_values(parameter: Node | None) -> list[Any]:
    """Values of a parameter: of its keyframes where it has any, else its start value."""
    if parameter is None:
        return []
    keyframes = parameter.get("Keyframes")
    values = [key.get("Value") for key in keyframes if isinstance(key, dict)] if isinstance(keyframes, list) else []
    start = parameter.get("StartValue")
    return values or ([start.get("Value")] if isinstance(start, dict) else [])


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < doc.MAX_SECONDS:
        return None
    return float(value)


def _seconds(value: Any) -> Fraction:
    seconds = doc.fraction_of(value)
    return seconds if seconds is not None and 0 <= seconds < doc.MAX_SECONDS else Fraction(0)
