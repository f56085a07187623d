"""What is listed, and how it is read and decoded ahead of the network."""
