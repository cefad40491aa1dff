"""Flat: test_<package>_<module>.py; what several files share has a name without `test_`."""
