"""What images cost, who needs them, and what may go."""
