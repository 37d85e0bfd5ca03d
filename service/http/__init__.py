"""Bytes of a connection become a bounded, timed, authorised request; errors become problems."""
