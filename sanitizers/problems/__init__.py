"""Everything that keeps schemas and a policy from making a plan, one sentence each."""
