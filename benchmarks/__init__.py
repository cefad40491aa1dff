"""Measurements of this machine: `python -m benchmarks`; no part of any program."""
