"""How good the composer is: likelihood, obedience, sync, music, infilling and speed, each in a module of its own.

Every subject is a function from a `Request` to a `Report`; ``emsync evaluate`` (bridge/cli/evaluate.py) runs them. What
the numbers mean stands in the module that computes them; what they are for the shipped weights stands in
docs/model/evaluation.md.
"""
