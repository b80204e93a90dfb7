"""Binary, ordinal and paired outcomes."""
