"""Arrays become PNG pictures."""
