"""The books: balances, what must come to nothing, postings, and files for other programs."""
