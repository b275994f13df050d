"""The whole way: from the API into PostgreSQL and into files, beside what else one could use."""
