"""From files to one document and its stack, with all that is wrong with them."""
