"""The log of decisions: what was signed, by whom, and how it is taken back."""
