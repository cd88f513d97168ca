"""A shopper's phone: what a number received from the local AWS, and what it answers."""
