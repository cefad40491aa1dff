"""How long the fund lasts: a chart, its table, and what if."""
