"""`serve run convlens.ray:app`: runs the service as replicas of Ray Serve on many machines.

Needs `pip install convlens[ray]`. Each replica is a process with its own models, batches
and limits. Ray's proxies spread the requests over the replicas, and Ray starts more under load.
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

# Requests in progress that keep a replica's batches full; with more, Ray starts another replica.
TARGET_REQUESTS = 16


class Replica:
    """The class of the deployment: its requests go to `app`, and Ray calls `check_health`."""

    app: FastAPI

    async def check_health(self) -> None:
        """Raise NotReady where `/readyz` would answer 503: Ray then replaces the replica."""
        models: Models = self.app.state.models
        models.get()


def app(settings: Settings) -> Application:
    """The Ray Serve application for `settings`.

    `serve run` takes settings as NAME=VALUE, or as CONVLENS_* variables of its environment. Ray's
    own configuration sets the address, the port and the number of replicas. Paths are read on the
    machines of the replicas.
    """

    def build() -> FastAPI:
        logging.config.dictConfig(log_config(settings.log))
        return create_app(settings)

    deployment = serve.deployment(
        serve.ingress(build)(Replica),
        name="convlens",
        ray_actor_options={"num_cpus": settings.threads},
        max_ongoing_requests=4 * TARGET_REQUESTS,
        # For each proxy; a request beyond it is answered with 503.
        max_queued_requests=settings.queue,
        backpressure_config=BackpressureConfig(retry_after_s=1),
        autoscaling_config=AutoscalingConfig(
            # With two, one still serves when the node of the other is lost.
            min_replicas=2,
            max_replicas=64,
            target_ongoing_requests=TARGET_REQUESTS,
            upscale_delay_s=5,
        ),
        health_check_period_s=2,
        health_check_timeout_s=10,
        graceful_shutdown_timeout_s=2 * (settings.deadline_seconds + settings.drain_seconds),
    )
    return deployment.bind()
