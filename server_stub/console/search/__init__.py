"""One field that finds what a person half remembers."""
