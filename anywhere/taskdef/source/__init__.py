"""From JSON, YAML, CloudFormation and Terraform to definitions with places."""
