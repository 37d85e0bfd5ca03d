"""convlens beside other model servers."""
