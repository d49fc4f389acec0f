"""Hold one module a back end; `choose` discovers them here, and tolerates one that is missing."""
