"""Where people speak: speech found in the sound of a timeline that does not name its dialogue tracks."""

from emsync_engine.dialogue.speech import find_speech

__all__ = ["find_speech"]
