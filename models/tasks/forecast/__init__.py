"""The next values of a series from any CSV."""
