"""The lecture's arithmetic on any small matrix."""
