"""What a person types: a module for each noun of `clafoutis-server`."""
