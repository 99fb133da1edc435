"""Documents of editors <-> `v2m.timeline`, and the placement of music in them."""
