"""Measurements of the service, each printed by one command."""
