"""Tests that start other programs: Meltano, PostgreSQL, the installed commands, the wheel."""
