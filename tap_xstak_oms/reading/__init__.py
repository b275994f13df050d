"""Pages that move, read whole and in order by many threads. Knows no HTTP and no Singer."""
