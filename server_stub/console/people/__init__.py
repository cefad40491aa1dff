"""The pages on members: who they are, what they promised, and how they come and leave."""
