"""The pages on members' money: dues, payments, the till box, the bank's statements."""
