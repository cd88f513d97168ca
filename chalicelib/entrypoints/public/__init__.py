"""What anybody may open: the signup form of an account."""
