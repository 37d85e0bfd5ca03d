"""A folder becomes a proved, batched and reloadable model."""
