"""The pages whose code blocks are executed."""
