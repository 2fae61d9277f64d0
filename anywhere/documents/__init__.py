"""YAML as data with the place of each value: task definitions and inventories."""
