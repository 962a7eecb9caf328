"""Read exported files with pyedflib, MNE and pandas and compare them with the samples
that were recorded. Usage: readers_check.py DIR, where DIR/manifest.json was written by
TestReaders, or by TestReadersOfTheAPI from what a subscriber received. It prints what
it checked and exits with 1 at the first difference.

--packages only tells, by its exit code 3, that a package is missing.
"""

import json
import sys
import warnings
from pathlib import Path

try:
    import mne
    import numpy as np
    import pandas as pd
    import pyedflib
except ImportError as e:
    print(f"missing python package: {e}")
    sys.exit(3)

mne.set_log_level("ERROR")
warnings.simplefilter("error")  # a reader that grumbles has found something


def fail(message):
    print("FAIL:", message)
    sys.exit(1)


def check(ok, message):
    if not ok:
        fail(message)


LOADED = {}


def load(manifest, folder, kind):
    """The recorded samples of a stream, NaN for null, and its column names."""
    if kind not in LOADED:
        LOADED[kind] = parse(manifest, folder, kind)
    return LOADED[kind]


def parse(manifest, folder, kind):
    info = manifest["streams"][kind]
    raw = json.loads((folder / info["file"]).read_text())
    values = np.array([[np.nan if v is None else v for v in s["values"]] for s in raw], dtype=float)
    stamps = np.array([s["stamp"] for s in raw], dtype=float) / 10000
    return stamps, dict(zip(info["columns"], values.T)), info["rate"]


def battery(dev):
    """The column of dev that stands for the battery: of two it is the left one."""
    return "BatteryPercent" if "BatteryPercent" in dev else "batteryLeftPercent"


# Labels of an EDF signal: the stream, the column.
def sources(manifest):
    out = {}
    for c in manifest["streams"]["eeg"]["columns"]:
        if c != "MARKERS":
            out[c] = ("eeg", c)
    for c in manifest["streams"]["mot"]["columns"]:
        out[c[:16]] = ("mot", c)  # a label has no more room
    for s in manifest["sensors"]:
        out["CQ_" + s] = ("dev", s)
        out["EQ_" + s] = ("eq", s)
    out |= {"CQ_OVERALL": ("dev", "OVERALL"), "CQ_Overall": ("dev", "OVERALL"), "BATTERY": ("dev", "Battery"),
            "BATTERY_PERCENT": ("dev", battery(manifest["streams"]["dev"]["columns"])), "EQ_OVERALL": ("eq", "overall"), "EQ_SampleRateQua": ("eq", "sampleRateQuality")}
    return out


def signal_labels(manifest, fmt, motion):
    """The labels of an EDF file in order, written down apart from the code that makes them."""
    sensors = manifest["sensors"]
    clock = ["TIME_STAMP_s", "TIME_STAMP_ms", "OR_TIME_STAMP_s", "OR_TIME_STAMP_ms"]
    turn = ["GYROX", "GYROY", "GYROZ"] if "GYROX" in manifest["streams"]["mot"]["columns"] else ["Q0", "Q1", "Q2", "Q3"]
    mot = ["COUNTER_MEMS", "INTERPOLATED_MEM"] + turn + ["ACCX", "ACCY", "ACCZ", "MAGX", "MAGY", "MAGZ"]
    if motion:
        return clock + mot
    flex = [c for c in ("HighBitFlex", "SaturationFlag") if c in manifest["streams"]["eeg"]["columns"]]
    eeg = clock + ["COUNTER", "INTERPOLATED"] + sensors + flex + ["RAW_CQ"]
    battery = ["BATTERY", "BATTERY_PERCENT"]
    marker = ["MarkerIndex", "MarkerType", "MarkerValueInt", "MARKER_HARDWARE"]
    overall = "CQ_Overall" if manifest["headset"].startswith("INSIGHT") else "CQ_OVERALL"
    quality = ["CQ_" + x for x in sensors] + [overall, "EQ_SampleRateQua", "EQ_OVERALL"] + ["EQ_" + x for x in sensors]
    if fmt == "EDF":
        return eeg + battery + marker + quality
    return eeg + marker + battery + quality + mot


def marker_rows(manifest, table, stamps, rate):
    """MarkerIndex, MarkerType and MarkerValueInt of each eeg row, 0 where there is none: a marker, and each
    end of an interval, stands on the row of its time or the next free one, behind the last row on the last."""
    events = []
    for i, m in enumerate(manifest["annotations"]):
        try:
            value = float(m["value"])
        except ValueError:
            value = table[m["value"]]  # a text has a number that the JSON file tells
        kinds = [(m["start"], 1), (m["start"] + m["duration"], 2)] if m["type"] == "interval" else [(m["start"], 0)]
        events += [(round(at * 10000), i + 1, kind, value) for at, kind in kinds]
    events.sort(key=lambda e: e[0])
    out = np.zeros((3, len(stamps)))
    limits = np.round(stamps * 10000) + int(5000 / rate)
    row = 0
    for at, *values in events:
        row = max(row, int(np.searchsorted(limits, at)))
        if row == len(stamps) and not out[0, -1] and at <= stamps[-1] * 10000 + 10000 / rate:
            row -= 1
        if row >= len(stamps):
            break
        out[:, row] = values
        row += 1
    return dict(zip(("MarkerIndex", "MarkerType", "MarkerValueInt"), out))


def value_table(folder, name):
    """The numbers of marker values that are none, from the JSON file of an export."""
    files = list((folder / "out" / name).parent.glob("*.json"))
    tables = [json.loads(f.read_text(encoding="utf-8")).get("markerValueInts", {}) for f in files]
    return tables[0]


UNITS = {"ACCX": "g", "ACCY": "g", "ACCZ": "g", "MAGX": "uT", "MAGY": "uT", "MAGZ": "uT", "BATTERY_PERCENT": "%",
         "CQ_OVERALL": "%", "CQ_Overall": "%", "EQ_OVERALL": "%"}


def expected(samples, rate, stamps, want, rows, start):
    """What a signal of `rows` samples must hold: the values on its grid."""
    at = int(max(0, round((stamps[0] - start) * rate)))
    out = np.empty(rows)
    out[:at] = want[0]
    out[at:at + len(want)] = want[: rows - at]
    out[at + len(want):] = want[-1]
    return out


def held(stamps, want, eeg_stamps, rate):
    """A slow stream on the rows of eeg: repeated until the next value."""
    at = np.searchsorted(stamps, eeg_stamps + 0.5 / rate, side="right") - 1
    return want[np.maximum(at, 0)]


def edf(manifest, folder, name, fmt):
    path = str(folder / "out" / name)
    streams = {k: load(manifest, folder, k) for k in ("eeg", "mot", "dev", "eq")}
    plus = fmt != "EDF"
    motion = ".md." in name
    first = streams["mot" if motion else "eeg"][0][0]
    second = int(first)
    reader = pyedflib.EdfReader(path)
    try:
        header_start = pd.Timestamp(reader.getStartdatetime()).replace(microsecond=0)
        local = pd.Timestamp(second + manifest["zone"], unit="s")
        check(header_start == local, f"{name}: starts {header_start}, want {local}")
        labels = reader.getSignalLabels()
        want_labels = signal_labels(manifest, fmt, motion)
        check(labels == want_labels, f"{name}: labels {labels}, want {want_labels}")
        source = sources(manifest)
        eeg_stamps, _, eeg_rate = streams["eeg"]
        marks = marker_rows(manifest, value_table(folder, name), eeg_stamps, eeg_rate)
        seen = 0
        for i, label in enumerate(labels):
            data = reader.readSignal(i)
            header = reader.getSignalHeader(i)
            step = (header["physical_max"] - header["physical_min"]) / (header["digital_max"] - header["digital_min"])
            if label in marks:
                want = np.zeros(len(data))  # also behind the last sample
                want[: len(eeg_stamps)] = marks[label]
                check(np.abs(data - want).max() <= step / 2, f"{name}: {label} differs")
                seen += data.size
                continue
            if label not in source:
                check("TIME_STAMP" in label, f"{name}: nothing is known of {label}")
                continue
            kind, column = source[label]
            stamps, columns, rate = streams[kind]
            if plus or kind == ("mot" if motion else "eeg"):
                want = expected(len(data), rate, stamps, columns[column], len(data), first)
            else:
                base, _, rate = streams["eeg"]
                want = expected(len(data), rate, base, held(stamps, columns[column], base, rate), len(data), first)
            check(reader.getSampleFrequency(i) == rate, f"{name}: {label} at {reader.getSampleFrequency(i)} Hz, want {rate}")
            unit = "uV" if column in manifest["sensors"] and kind == "eeg" else UNITS.get(label, "")
            if kind == "mot" and "GYROX" in columns:
                unit = ""  # counts
            check(header["dimension"].strip() == unit, f"{name}: {label} in {header['dimension']!r}, want {unit!r}")
            worst = np.abs(data - want).max()
            check(worst <= step * 0.500001 + 1e-9, f"{name}: {label} is {worst} off, half a step is {step / 2}")
            if fmt == "BDFPLUS" and unit == "uV":
                check(worst < 1e-6, f"{name}: {label} is {worst} off, BDF holds all decimals")
            seen += data.size
        if "TIME_STAMP_s" in labels:
            s, ms = (reader.readSignal(labels.index("TIME_STAMP_" + p)) for p in ("s", "ms"))
            stamps = streams["mot" if motion else "eeg"][0]
            got = (second + s + ms / 1000)[: len(stamps)]
            check(np.abs(got - stamps).max() < 2e-4 / 2 + 1e-6, f"{name}: time stamps are off by {np.abs(got - stamps).max()}")
        onsets, durations, texts = reader.readAnnotations()
        if plus:
            found = sorted(zip(np.round(onsets + 0.0, 3), np.maximum(durations, 0), texts))
            want = sorted((round(m["start"] - first, 3), m["duration"], m["text"]) for m in manifest["annotations"])
            check(len(found) == len(want), f"{name}: annotations {found}, want {want}")
            for f, w in zip(found, want):
                check(abs(f[0] - w[0]) < 0.002 and abs(f[1] - w[1]) < 0.001 and f[2] == w[2], f"{name}: annotation {f}, want {w}")
        print(f"pyedflib {name}: {len(labels)} signals, {seen} values, {len(texts)} annotations")
    finally:
        reader.close()

    raw = (mne.io.read_raw_bdf if fmt == "BDFPLUS" else mne.io.read_raw_edf)(path, preload=True, encoding="utf8")
    rate = streams["mot" if motion else "eeg"][2]
    check(raw.info["sfreq"] == rate, f"{name}: MNE finds {raw.info['sfreq']} Hz, want {rate}")
    worst_all = 0
    for label in (["ACCX", "ACCZ"] if motion else manifest["sensors"]):
        kind, column = source[label]
        stamps, columns, _ = streams[kind]
        data = raw.get_data(picks=[label])[0]
        scale = 1e6 if kind == "eeg" else 1
        want = expected(len(data), rate, stamps, columns[column], len(data), first)
        tolerance = {"EDF": 5 / 39 / 2, "EDFPLUS": 5 / 39 / 2, "BDFPLUS": 1e-6}[fmt] if kind == "eeg" else 3e-4
        worst = np.abs(data * scale - want).max()
        worst_all = max(worst, worst_all)
        check(worst <= tolerance, f"{name}: MNE reads {label} {worst} off")
    if plus:
        meas = raw.info["meas_date"].timestamp()
        got = sorted(zip(raw.annotations.onset, raw.annotations.duration, raw.annotations.description))
        want = sorted((m["start"], m["duration"], m["text"]) for m in manifest["annotations"])
        check(len(got) == len(want), f"{name}: MNE annotations {got}")
        # MNE counts from the start second of the header or from the first sample, by version.
        base = {round(g[0] - w[0] + first, 3) for g, w in zip(got, want)}
        check(all(min(abs(b), abs(b - (first - second))) < 0.002 for b in base), f"{name}: MNE onsets are off by {base}")
        for g, w in zip(got, want):
            check(abs(g[1] - w[1]) < 0.001 and g[2] == w[2], f"{name}: MNE annotation {g}, want {w}")
        check(int(meas) == second + manifest["zone"], f"{name}: MNE starts at {meas}")
    print(f"MNE      {name}: {len(raw.ch_names)} channels, {raw.n_times} rows, worst {worst_all:.2g} uV")


def csv2(manifest, folder, name):
    path = folder / "out" / name
    table = pd.read_csv(path, skiprows=1)
    head = path.read_text(encoding="utf-8").split("\n", 1)[0]
    check(f"channels:{table.shape[1] - 1}," in head and f"samples:{len(table)} " in head, f"{name}: {head}")
    eeg_stamps, eeg, rate = load(manifest, folder, "eeg")
    check(len(table) == len(eeg_stamps), f"{name}: {len(table)} rows, want {len(eeg_stamps)}")
    check(np.abs(table["Timestamp"] - eeg_stamps).max() < 1e-6, f"{name}: Timestamp")
    seen = 0

    def every(column, want, note=""):
        nonlocal seen
        got = table[column].to_numpy(dtype=float)
        got = got[~np.isnan(got)]
        want = want[~np.isnan(want)]
        check(len(got) == len(want), f"{name}: {column} has {len(got)} values, want {len(want)}")
        check(np.abs(got - want).max() <= 5e-7 if len(got) else True, f"{name}: {column} differs")
        seen += len(got)

    dev_stamps, dev, _ = load(manifest, folder, "dev")
    last = eeg_stamps[-1] + 0.5 / rate
    metrics = {"Attention": "attention", "Engagement": "eng", "Excitement": "exc", "LongTermExcitement": "lex", "Stress": "str",
               "Relaxation": "rel", "Interest": "int", "CognitiveStress": "cognitiveStress"}
    plain = {c.replace("_", "").lower(): c for c in manifest["streams"]["mot"]["columns"]}
    marks = marker_rows(manifest, value_table(folder, name), eeg_stamps, rate)
    other = {}  # columns that no stream has, by what they begin with

    for column in table.columns:
        prefix, _, rest = column.partition(".")
        if column == "OriginalTimestamp":
            check(np.abs(table[column] - eeg_stamps).max() < 0.002, f"{name}: {column}")
        elif column == "Timestamp":
            pass
        elif column in marks:
            got = table[column].fillna(0).to_numpy(dtype=float)
            check(np.array_equal(got, marks[column]), f"{name}: {column} differs")
            check(table[column].notna().sum() == (marks["MarkerIndex"] > 0).sum(), f"{name}: {column} where no marker is")
            seen += len(got)
        elif prefix == "EEG" and rest in ("Battery", "BatteryPercent"):
            every(column, held(dev_stamps, dev[battery(dev) if rest == "BatteryPercent" else rest], eeg_stamps, rate))
        elif prefix == "EEG":
            every(column, eeg[{"Counter": "COUNTER", "Interpolated": "INTERPOLATED", "RawCq": "RAW_CQ", "MarkerHardware": "MARKER_HARDWARE"}.get(rest, rest)])
        elif prefix == "CQ":
            every(column, held(dev_stamps, dev[{"Overall": "OVERALL"}.get(rest, rest)], eeg_stamps, rate))
        else:
            kind, label = {"EQ": "eq", "MOT": "mot", "PM": "met", "POW": "pow"}.get(prefix), None
            if prefix == "EQ":
                label = {"OVERALL": "overall", "SampleRateQuality": "sampleRateQuality"}.get(rest, rest)
            elif prefix == "MOT":
                label = plain[rest.lower()]
            elif prefix == "POW":
                sensor, band = rest.split(".")
                label = f"{sensor}/{band[0].lower() + band[1:]}"
            elif prefix == "PM":
                metric, _, part = rest.partition(".")
                if metric in metrics and part in ("", "Scaled", "Raw", "IsActive"):  # Raw is Scaled here
                    label = metrics[metric] + {"IsActive": ".isActive"}.get(part, "")
            if prefix == "PM" and part in ("Min", "Max"):
                check(set(table[column].dropna()) <= {float(part == "Max")}, f"{name}: {column} is not {part}")
                continue
            if label is None:
                other[prefix] = other.get(prefix, 0) + 1
                continue
            stamps, values, _ = load(manifest, folder, kind)
            every(column, values[label][stamps <= last])
    check(set(other) <= {"MC", "FE"}, f"{name}: nothing is known of {other}")
    print(f"pandas   {name}: {table.shape[0]} x {table.shape[1]}, {seen} values")


def csv1(manifest, folder, name):
    path = folder / "out" / name
    head = path.read_text(encoding="utf-8").split("\n", 1)[0]
    labels = next(c for c in head.split(",") if c.startswith("labels:"))[len("labels:"):].split(" ")
    table = pd.read_csv(path, skiprows=1, header=None, names=labels)
    kind = {"md": "mot", "bp": "pow", "pm": "met"}.get(name.split(".")[-2], "eeg")
    stamps, values, _ = load(manifest, folder, kind)
    seen = 0
    newer = ("MARKERS", "HighBitFlex", "SaturationFlag")  # than the format
    missing = [c for c in values if c not in table and c not in newer]
    check(not missing, f"{name}: lacks {missing}")
    for column, want in values.items():
        if column not in newer:
            got = table[column].to_numpy(dtype=float)
            check(np.array_equal(np.isnan(got), np.isnan(want)), f"{name}: {column} has other gaps")
            check(np.nanmax(np.abs(got - want)) <= 5e-7, f"{name}: {column} differs")
            seen += len(got)
    check(np.abs(table["TIME_STAMP_s"] + table["TIME_STAMP_ms"] / 1000 - stamps).max() < 1e-6, f"{name}: time stamps")
    print(f"pandas   {name}: {len(table)} rows, {seen} values")


def markers(manifest, folder, name):
    table = pd.read_csv(folder / "out" / name, keep_default_na=False)
    check(list(table.columns) == "latency,duration,type,marker_value,key,timestamp,marker_id".split(","), f"{name}: {list(table.columns)}")
    check(len(table) == len(manifest["annotations"]), f"{name}: {len(table)} markers")
    check(np.abs(table["timestamp"] - [m["start"] for m in manifest["annotations"]]).max() < 1e-5, f"{name}: times")
    print(f"pandas   {name}: {len(table)} markers")


def main():
    if sys.argv[1:] == ["--packages"]:
        return
    folder = Path(sys.argv[1])
    manifest = json.loads((folder / "manifest.json").read_text())
    for f in manifest["files"]:
        if f["name"].endswith(".json"):
            found = json.loads((folder / "out" / f["name"]).read_text(encoding="utf-8"))["Markers"]
            check(len(found) == len(manifest["annotations"]), f"{f['name']}: {len(found)} markers")
            check(found == manifest.get("markers", found), f"{f['name']}: {found}, want {manifest.get('markers')}")
        elif f["name"].endswith("_intervalMarker.csv"):
            markers(manifest, folder, f["name"])
        elif f["format"] == "CSV V2":
            csv2(manifest, folder, f["name"])
        elif f["format"] == "CSV V1":
            csv1(manifest, folder, f["name"])
        else:
            edf(manifest, folder, f["name"], f["format"])


main()
