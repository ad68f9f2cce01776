"""Leave: the team lead agrees, then HR, in working days; while the lead is away somebody else."""
