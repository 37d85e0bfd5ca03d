"""The lecture's experiments become a report."""
