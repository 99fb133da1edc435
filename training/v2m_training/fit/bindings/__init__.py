"""What makes each family of sound models a `Trainable`: its time turned round, its words in batches."""
