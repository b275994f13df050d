"""One run over the partitions: bookmarks, checkpoints, progress, summary. Knows no Singer."""
