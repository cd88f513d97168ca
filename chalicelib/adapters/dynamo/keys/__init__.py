"""The only place that formats DynamoDB keys, a module per table or use of one. A partition key
names its account, so that accounts are isolated."""
