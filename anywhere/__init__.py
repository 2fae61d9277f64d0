"""Takes an on-premises server to a healthy Amazon ECS Anywhere instance and proves every step."""

__version__ = "0.1.0"
