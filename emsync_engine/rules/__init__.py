"""The rule composer: written musicianship that needs no weights, and the judgement around the learned model."""

from emsync_engine.rules.compose import compose, recompose

__all__ = ["compose", "recompose"]
