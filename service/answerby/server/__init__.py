"""The running service: gRPC servicers, process(), intake, timers, wiring and configuration."""
