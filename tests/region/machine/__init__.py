"""The process that is the region: it makes the namespaces, starts the host, and serves every name until its standard
input ends. Standard library only, and no site-packages: it has to be up in a tenth of a second."""
