"""The projects and versions that requirements need, to a fixed point; and the proof that a mirror has them."""
