"""The contract: servicers, messages, errors and credentials of the gRPC API."""
