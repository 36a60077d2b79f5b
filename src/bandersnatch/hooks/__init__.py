"""Who else hears of a run: commands and URLs of the operator, files for other tools and other people's monitors."""
