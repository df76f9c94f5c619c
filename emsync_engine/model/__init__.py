"""The learned composer: events, data set, network and training (decoding lives beside it)."""
