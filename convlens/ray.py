"""`serve run convlens.ray:app`: the same service as replicas of Ray Serve on many machines.

Needs `pip install convlens[ray]`. Each replica is a process with its models, its batching and its
bounds; Ray's proxies share the requests among them and start more when they have much to do.
"""

import logging.config

from fastapi import FastAPI
from ray import serve
from ray.serve import Application
from ray.serve.config import AutoscalingConfig, BackpressureConfig

from convlens.serve import log_config
from service.app import create_app
from service.models.registry import Models
from service.settings import Settings

# So many requests at once keep a replica's batches full; with more of them another one is started.
BUSY = 16


class Replica:
    """What Ray asks of a replica, beside its requests."""

    app: FastAPI

    async def check_health(self) -> None:
        """Raise NotReady where `/readyz` would answer 503: Ray then puts another in its place."""
        models: Models = self.app.state.models
        models.get()


def app(settings: Settings) -> Application:
    """The application for `settings`, given as NAME=VALUE or as `CONVLENS_*` of who starts it.

    Ray's own configuration has the address, the port and the number of replicas. Paths are those
    of the replicas' machines.
    """

    def build() -> FastAPI:
        logging.config.dictConfig(log_config(settings.log))
        return create_app(settings)

    deployment = serve.deployment(
        serve.ingress(build)(Replica),
        name="convlens",
        ray_actor_options={"num_cpus": settings.threads},
        max_ongoing_requests=4 * BUSY,
        # Of each proxy; beyond it 503.
        max_queued_requests=settings.queue,
        backpressure_config=BackpressureConfig(retry_after_s=1),
        autoscaling_config=AutoscalingConfig(
            # One goes on while a node with the other is lost.
            min_replicas=2,
            max_replicas=64,
            target_ongoing_requests=BUSY,
            upscale_delay_s=5,
        ),
        health_check_period_s=2,
        health_check_timeout_s=10,
        graceful_shutdown_timeout_s=2 * (settings.deadline_seconds + settings.drain_seconds),
    )
    return deployment.bind()
