"""Signal processing: small pure functions on arrays."""
