"""EMSYNC in Ableton Live: writes scores into the arrangement and asks for other takes of what is selected.

Live loads this folder as a control surface. Nothing here needs more than Python 3.7 and its standard library, starts
a thread or waits: everything is done in small steps in Live's own timer.
"""

from __future__ import annotations


def create_instance(c_instance):
    """Called by Live when EMSYNC is chosen as a control surface."""
    from .surface import Surface

    return Surface(c_instance)
