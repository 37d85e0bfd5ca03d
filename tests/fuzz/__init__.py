"""What strangers control is read by these; none may raise anything but a refusal of ours."""
