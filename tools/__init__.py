"""Commands for developers and operators: packaging, deploying, the local stack."""
