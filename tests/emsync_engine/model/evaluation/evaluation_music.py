"""What the evaluation's tests share: random tiny networks and self-made MIDI files."""

from __future__ import annotations

import io
import json
from dataclasses import asdict
from pathlib import Path

import mido

from emsync_engine.model.config import ModelConfig
from emsync_engine.model.decode.weights import Weights, random_weights


def tiny(conditioning: str = "full", seed: int = 1) -> Weights:
    """A random network of a few thousand weights."""
    shape = ModelConfig(32, 2, 2, 1, 48, 16, 32, context=64, conditioning=conditioning)
    return random_weights(shape, seed, scale=0.5)


def midi_bytes(notes: list[tuple[int, int, int, int, int]], ticks: int = 480) -> bytes:
    """A file of notes (channel, start, length, pitch, velocity), times in ticks."""
    file = mido.MidiFile(ticks_per_beat=ticks, type=0)
    track = mido.MidiTrack()
    file.tracks.append(track)
    events = [(start, "note_on", channel, pitch, velocity) for channel, start, _, pitch, velocity in notes]
    events += [(start + length, "note_off", channel, pitch, 0) for channel, start, length, pitch, _ in notes]
    now = 0
    for at, kind, channel, pitch, velocity in sorted(events):
        track.append(mido.Message(kind, channel=channel, note=pitch, velocity=velocity, time=at - now))
        now = at
    out = io.BytesIO()
    file.save(file=out)
    return out.getvalue()


def tune(count: int, step: int = 240, low: int = 60) -> bytes:
    """A scale up and down, with a drum on every quarter."""
    steps = (0, 2, 4, 5, 7, 9, 11, 12)
    notes = [(0, i * step, step, low + steps[abs(i % 14 - 7)], 60 + i % 40) for i in range(count)]
    notes += [(9, i * 480, 60, 36, 100) for i in range(count * step // 480)]
    return midi_bytes(notes)


def save(weights: Weights, folder: Path) -> None:
    """Write weights as an export: one safetensors file in fp32, and its description."""
    header, blob = {}, b""
    for name, tensor in weights.tensors.items():
        data = tensor.astype("<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [len(blob), len(blob) + len(data)]}
        blob += data
    text = json.dumps(header).encode()
    (folder / "model-1.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + blob)
    (folder / "model.json").write_text(json.dumps({"model": asdict(weights.config)}), encoding="utf-8")
