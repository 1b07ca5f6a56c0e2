"""What can be measured of a result against its original: small functions on arrays, and the figures made of them."""
