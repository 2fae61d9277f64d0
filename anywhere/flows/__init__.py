"""What a user can have done, as functions that return values: nothing here prints or knows the command line."""
