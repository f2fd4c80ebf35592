"""What is measured: each part gives some rows of the table."""
