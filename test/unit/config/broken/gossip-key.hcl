# Most of a key is still a key: it is never shown.
encrypt = "cg8StVXbQJ0gPvMd9o7yr=="
