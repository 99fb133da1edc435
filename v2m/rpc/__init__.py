"""The wire contract as Python: generated from `protos/`, committed, never edited."""
