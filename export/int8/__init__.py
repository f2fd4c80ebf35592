"""A step graph whose large products are of 8-bit integers, and the rest as it was."""
