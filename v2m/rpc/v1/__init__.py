"""Version 1 of the wire contract; `make protos` writes the modules in here."""
