"""Emotion of the picture over time: evidence from picture and sound, fused into a valence-arousal curve."""

from emsync_engine.mood.curve import Evidence, MoodCurve, ShotMood

__all__ = ["Evidence", "MoodCurve", "ShotMood"]
