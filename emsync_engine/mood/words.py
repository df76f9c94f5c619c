"""Emotion words as points in the valence-arousal plane.

Sources: means of Russell & Mehrabian 1977 (anger, disgust, fear, joy, sadness, surprise) and coordinates of
Russell's 1980 circumplex for the calm half that the Ekman words cannot reach; scoring words that editors write
into markers are placed beside their nearest neighbours.
"""

from __future__ import annotations

import difflib
import math

from emsync_engine.errors import InputError

ANCHORS: dict[str, tuple[float, float]] = {
    "anger": (-0.51, 0.59),
    "disgust": (-0.60, 0.35),
    "fear": (-0.64, 0.60),
    "joy": (0.76, 0.48),
    "sadness": (-0.63, -0.27),
    "surprise": (0.40, 0.67),
    "calm": (0.56, -0.31),
    "tender": (0.59, -0.26),
    "neutral": (0.0, 0.0),
}
"""The categories reported for a shot."""

WORDS: dict[str, tuple[float, float]] = {
    **ANCHORS,
    "excited": (0.62, 0.76), "happy": (0.83, 0.53), "pleased": (0.77, 0.19), "relaxed": (0.69, -0.45),
    "peaceful": (0.59, -0.26), "sleepy": (0.28, -0.67), "tired": (0.04, -0.63), "bored": (-0.66, -0.63),
    "sad": (-0.65, -0.27), "nervous": (-0.63, 0.27), "afraid": (-0.34, 0.64), "angry": (-0.52, 0.58),
    "tense": (-0.45, 0.55), "suspense": (-0.50, 0.35), "dark": (-0.60, 0.05), "ominous": (-0.60, 0.20),
    "mysterious": (-0.25, -0.05), "melancholy": (-0.55, -0.40), "melancholic": (-0.55, -0.40),
    "gloomy": (-0.65, -0.45), "lonely": (-0.55, -0.45), "nostalgic": (0.15, -0.35), "dreamy": (0.35, -0.40),
    "romantic": (0.60, -0.10), "hopeful": (0.50, 0.15), "uplifting": (0.70, 0.45), "triumphant": (0.75, 0.75),
    "heroic": (0.60, 0.75), "epic": (0.40, 0.85), "playful": (0.70, 0.40), "quirky": (0.45, 0.30),
    "aggressive": (-0.55, 0.85), "chase": (-0.20, 0.85), "action": (-0.05, 0.85), "dramatic": (-0.25, 0.60),
    "serene": (0.55, -0.55), "gentle": (0.50, -0.40), "warm": (0.60, -0.15), "bright": (0.65, 0.25),
    "scary": (-0.70, 0.65), "horror": (-0.80, 0.70), "eerie": (-0.55, 0.10), "bleak": (-0.65, -0.50),
}  # fmt: skip


_BLUR = 0.28
"""Standard deviation of a word in the plane, in the middle of those of Russell & Mehrabian's words (0.2-0.4)."""


def categories(valence: float, arousal: float, confidence: float) -> dict[str, float]:
    """Probabilities of the ``ANCHORS``, which sum to 1.

    A softmax over -d²/2s² with d the distance to each word's point; what the confidence leaves open goes to neutral.
    """
    nearness = {
        word: math.exp(-((valence - v) ** 2 + (arousal - a) ** 2) / (2 * _BLUR**2)) for word, (v, a) in ANCHORS.items()
    }
    total = sum(nearness.values())
    shares = {word: confidence * near / total for word, near in nearness.items()}
    shares["neutral"] += 1 - confidence
    return shares


def mood_from_word(word: str) -> tuple[float, float]:
    """(valence, arousal) of an emotion word.

    Raises:
        InputError: unknown word; the nearest known ones are named.
    """
    key = word.strip().lower()
    if key in WORDS:
        return WORDS[key]
    near = difflib.get_close_matches(key, WORDS, n=3)
    hint = f"did you mean {', '.join(near)}?" if near else "such as calm, tense, happy, sad"
    raise InputError(
        f"unknown mood {word.strip()!r}: give valence,arousal in -1..1 or a word ({hint})", code="bad_mood"
    )
