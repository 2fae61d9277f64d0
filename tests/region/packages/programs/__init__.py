"""What the stand-in packages install. Standard library of Python 3.9 and `openssl`; nothing of this project."""
