"""What a finished run gives to the product: an event adapter, new weights where they moved, and a card."""
