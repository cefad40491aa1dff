"""The workshop: turns blank cards and blank computers into members' cards and terminals."""
