"""What the console's templates may say beside Django's own words."""
