"""The `convlens` command: one subcommand for each thing that a terminal can ask for."""

import typer

from convlens.key import key
from convlens.predict import predict
from convlens.reproduce import reproduce
from convlens.serve import serve
from training.__main__ import train

app = typer.Typer(
    help="""Serve small convolutional networks and look inside them.

Start with `convlens serve`, then open http://127.0.0.1:8000 or send an image:
curl -F file=@digit.png http://127.0.0.1:8000/predict""",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)
app.command()(serve)
app.command()(train)
app.command()(reproduce)
app.command()(predict)
app.command()(key)

if __name__ == "__main__":
    app()
