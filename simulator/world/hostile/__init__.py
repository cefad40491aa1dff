"""People who mean harm, with the keys that such people would really have."""
