"""What a network gets wrong: per class, how far its probabilities can be believed, and what two runs disagree about."""
