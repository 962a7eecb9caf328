"""Play one flow of EMOTIV's Python examples: flows.py FLOW EXPORTS, in the folder python of a clone."""

import sys

sys.path.insert(0, ".")
flow, exports = sys.argv[1:]
app = ("app-official", "secret")


def exporting(example, title):
    example.record_title = title
    example.record_description = ""
    example.record_export_folder = exports
    example.record_export_data_types = ["EEG", "MOTION", "PM", "BP"]
    example.record_export_format = "CSV"
    example.record_export_version = "V2"
    return example


if flow == "subscribe":
    from sub_data import Subcribe

    Subcribe(*app).start(["eeg", "mot", "met", "pow"])
elif flow == "record":
    from record import Record

    exporting(Record(*app), "Record").start(5)
elif flow == "marker":
    from marker import Marker

    example = exporting(Marker(*app), "Marker")
    example.marker_value, example.marker_label = "test value", "test label"
    example.start(3)
elif flow == "query":
    from query_records import Records

    example = Records(*app, auto_create_session=False)
    example.license_id = example.application_id = ""
    example.start()
elif flow == "mental":
    from mental_command_train import Train

    Train(*app).start("mental profile", ["neutral", "push", "pull"])
elif flow == "facial":
    from facial_expression_train import Train

    Train(*app).start("face profile", ["neutral", "surprise", "smile"])
elif flow == "live":
    from live_advance import LiveAdvance

    LiveAdvance(*app).start("mental profile")
