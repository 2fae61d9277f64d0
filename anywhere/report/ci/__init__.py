"""The formats that CI systems read."""
