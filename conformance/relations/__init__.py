"""What must hold between two runs of one lane, whatever the right answer is: no second framework is needed."""
