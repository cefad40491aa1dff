"""What a merchant sees: its own sales and payouts, and nobody else's."""
