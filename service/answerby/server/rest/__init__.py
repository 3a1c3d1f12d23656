"""The gRPC contract as HTTP and JSON: paths by the annotations `google.api.http`, errors by RFC 9457."""
