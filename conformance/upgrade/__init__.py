"""Models of one's own in front of two versions of Keras: what moved, what it uses, and what is known of that."""
