"""The product at work on this machine: a simulated retailer, connected and synced."""
