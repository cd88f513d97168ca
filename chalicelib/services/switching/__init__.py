"""Switching from one POS to another, remembered between its steps (product.md §10)."""
