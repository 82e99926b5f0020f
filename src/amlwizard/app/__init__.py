"""What front ends ask of the program: the port, and the application behind it."""
