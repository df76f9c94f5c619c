"""The four scenes of the demo film, each a table of painters by clip name."""
