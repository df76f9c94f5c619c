"""The remote script for Ableton Live. ``emsync live install`` copies ``EMSYNC/`` into Live's Remote Scripts folder."""
