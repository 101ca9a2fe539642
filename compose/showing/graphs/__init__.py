"""Who waits for whom in a stack, drawn as text and as pictures."""
