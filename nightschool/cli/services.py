"""Commands about the installation: the servers to work with, and whether all is well."""
