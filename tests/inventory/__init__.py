"""What an inventory may say, and what magnusctl answers when it says something else."""
