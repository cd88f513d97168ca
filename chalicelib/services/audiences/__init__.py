"""Audience runs: everybody derived again, the lists and counts that this leaves, their export."""
