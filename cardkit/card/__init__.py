"""The card application `claf-purse/1`, from bytes on the wire to one sale."""
