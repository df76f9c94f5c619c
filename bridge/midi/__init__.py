"""Live MIDI: a score played in time to ports, following and leading other machines, and pads that start jobs."""
