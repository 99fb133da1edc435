"""The models that a user can choose to compose."""
