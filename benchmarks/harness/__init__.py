"""Starts a server, builds the requests that it takes, and puts load on it."""
