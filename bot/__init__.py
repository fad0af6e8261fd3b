"""The running program: HTTP and Teams surfaces, jobs, workflow."""
