"""Letters and papers: what is to print today, the words of letters, and every blank form."""
