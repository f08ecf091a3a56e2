"""Night by the hour and by the sun, at a place and time. The only module that knows astral."""

from datetime import datetime

from camalert.capture.night import within
from camalert.clock import clock_quality
from camalert.config import Camera, Place

HORIZON = -0.833
"""The sun's elevation in degrees at sunrise and sunset: its radius and the air's refraction."""


def is_night(camera: Camera, place: Place, now: datetime) -> bool:
    """Whether the camera's settings for the night are in force at `now` (UTC), by hour or sun.

    Day as long as the clock is not set.
    """
    if clock_quality(now) == "unset":
        return False
    if camera.night == "hours":
        local = now.astimezone()
        return within(local.hour * 60 + local.minute, camera.night_from, camera.night_to)
    return camera.night == "sun" and elevation(place, now) < HORIZON


def elevation(place: Place, now: datetime) -> float:
    """The sun's elevation above the horizon in degrees, without refraction."""
    from astral import Observer
    from astral.sun import elevation

    return elevation(Observer(place.latitude, place.longitude), now, with_refraction=False)
