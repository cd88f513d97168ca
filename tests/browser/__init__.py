"""A retailer at a browser, on the deployed stack."""
