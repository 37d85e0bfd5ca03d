"""Starts servers, builds the requests that they take, and puts load on them."""
