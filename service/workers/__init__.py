"""Worker processes: what they share, their memory and garbage collector, how they stop."""
