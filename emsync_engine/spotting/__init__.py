"""Spotting: which boundaries the music hits, where sections change, how the tempo map bends, how it ends."""

from emsync_engine.spotting.cuesheet import CueSheet, SectionPlan
from emsync_engine.spotting.spot import SpotOptions, respot, spot

__all__ = ["CueSheet", "SectionPlan", "SpotOptions", "respot", "spot"]
