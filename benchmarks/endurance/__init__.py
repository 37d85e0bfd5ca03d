"""How the service behaves over hours, under overload, over many reloads, and its memory."""
