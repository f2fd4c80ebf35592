"""Who may call: certificates and credentials, read from files and read again when they change."""
