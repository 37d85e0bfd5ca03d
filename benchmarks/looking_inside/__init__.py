"""convlens beside other ways to look inside a network."""
