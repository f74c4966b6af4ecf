"""What is asked of the machine: whole files, other processes, addresses without passwords."""
