"""The daemon's front: gRPC calls in, the job desk behind them."""
