"""The endpoints: each strings the steps together and handles nothing but HTTP."""
