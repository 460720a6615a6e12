"""What every back office is made of: tools over a database, who may use them, and that an effect happens once."""
