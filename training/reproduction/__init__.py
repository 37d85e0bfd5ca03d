"""The lecture's experiments become trained models and a report."""
