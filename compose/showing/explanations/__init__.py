"""What each code of `compose.codes` stands for, with an example that is wrong and one that is right."""
