"""A trained and scored system as a folder for others: half precision, a card, digests."""
