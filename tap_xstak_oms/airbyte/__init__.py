"""The tap as a source of the Airbyte protocol."""
