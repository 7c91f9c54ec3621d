"""Pictures and videos: their requests, jobs, answers and files."""
