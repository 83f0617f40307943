"""What is kept warm or talks outside: store shards and the embedding model."""
