"""`kt policy mutate`: the mutants of policies, and which of them no test notices."""
