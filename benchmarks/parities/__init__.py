"""Rows of the table of parity, a module a family: `rows(official)` yields `Row`s."""
