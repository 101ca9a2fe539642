"""Images: references, the store, layers and where they come from."""
