"""What a developer runs: packaging, deploying, the local stack."""
