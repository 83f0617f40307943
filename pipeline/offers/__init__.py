"""What is sold and said: price, types of offer, words, exports."""
