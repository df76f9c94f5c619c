"""Ableton Live: reaching our remote script, installing it, and doing what is asked for inside Live."""
