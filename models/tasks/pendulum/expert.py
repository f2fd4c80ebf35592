"""A controller of `Pendulum-v1` that sees what its pupil does not: the true angle and velocity."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.tasks.pendulum.world import MAX_TORQUE

Floats = npt.NDArray[np.float64]

# The rod of mass 1 kg and length 1 m under Pendulum-v1's gravity of 10 m/s²:
# angle'' = GRAVITY sin(angle) + MOTOR torque.
GRAVITY = 15.0
MOTOR = 3.0

ANGLE_GAIN = 10.0  # N m / rad: must exceed GRAVITY / MOTOR to hold against gravity
VELOCITY_GAIN = 2.5  # N m s / rad
ENERGY_GAIN = 1.0
CATCH_ANGLE = 0.35  # rad: gravity there still leaves some of the torque for braking
SLOW = 1.0  # rad/s: below it the push fades, so that its sign is not a coin toss


def expert_torque(angle: Floats, velocity: Floats) -> Floats:
    """Swings up by energy, then holds by linear feedback.

    Far from the top the torque pushes along the velocity while energy is missing and against it
    when there is too much: the energy shaping of Åström and Furuta, "Swinging up a pendulum by
    energy control", Automatica 36 (2000), for a motor in the pivot.

    Args:
        angle: [N], radians from upright in [-pi, pi).
        velocity: [N], radians a second.

    Returns:
        Torques [N] in N m, within ±MAX_TORQUE.
    """
    feedback = -(ANGLE_GAIN * angle + VELOCITY_GAIN * velocity)
    catchable = (np.abs(angle) < CATCH_ANGLE) & (np.abs(feedback) < 2 * MAX_TORQUE)
    torque = np.where(catchable, feedback, _swing(angle, velocity))
    clipped: Floats = np.clip(torque, -MAX_TORQUE, MAX_TORQUE)
    return clipped


def _swing(angle: Floats, velocity: Floats) -> Floats:
    missing = GRAVITY * (1 - np.cos(angle)) - velocity**2 / 2  # energy short of rest at the top
    strength = np.clip(ENERGY_GAIN * missing, -MAX_TORQUE, MAX_TORQUE)
    # At rest no direction is better than the other, but one must be taken.
    push = np.where(velocity >= 0, 1.0, -1.0) * np.maximum(np.tanh(np.abs(velocity) / SLOW), 0.2)
    torque: Floats = strength * push
    return torque
