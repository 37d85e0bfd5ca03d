"""What looks inside a network in one process: convlens, and what a user would pick instead."""
