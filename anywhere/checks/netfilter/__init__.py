"""Checks of the rules that task credentials need."""
