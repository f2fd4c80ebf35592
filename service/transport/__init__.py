"""gRPC over HTTP/2 by libnghttp2: a server that takes the handlers of generated code."""
