"""A market week of the Flers scheme on virtual hardware, in fast-forward."""
