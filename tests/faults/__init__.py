"""What is killed, stopped or filled up under a running study, and what the study makes of it."""
