"""What several worker processes share, and how one starts and stops."""
