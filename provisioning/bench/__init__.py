"""The real-card bench asks a blank DESFire what no public document tells, and writes it down."""
