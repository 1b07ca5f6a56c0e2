"""Published weights: the catalogue, the folder they live in, and how they are fetched."""
