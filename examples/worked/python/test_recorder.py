"""Run it inside a scenario: fakecortex exec --scenario l1-closed-in-mid-session -- pytest"""

import os

import recorder

CLIENT = getattr(recorder, os.environ.get("CLIENT", "PatientRecorder"))


def test_collects_what_it_was_asked_for():
    client = CLIENT()
    samples = client.collect("mot", 200)
    client.close()
    assert len(samples) == 200
