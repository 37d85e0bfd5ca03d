"""Libraries that show the inside of a network within one process: convlens and alternatives."""
