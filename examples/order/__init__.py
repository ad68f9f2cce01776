"""An order in the fewest lines that are right: reserve, charge, ship, and only then the mail."""
