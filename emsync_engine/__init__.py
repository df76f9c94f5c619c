"""Everything musical and perceptual: picture, mood, spotting, composing, sound. No DAW, no network, no NLE format."""

from emsync_engine.version import __version__

__all__ = ["__version__"]
