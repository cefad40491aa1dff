"""What the terminal, the service and the workshop agree on, to the byte."""
