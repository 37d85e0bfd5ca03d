"""A folder becomes a verified, batched and reloadable model."""
