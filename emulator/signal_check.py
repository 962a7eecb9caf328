"""Reads two minutes of EEG through the socket, loads them into MNE and looks for
what the ground truth says is there. Run by TestSignalInMNE:

    signal_check.py --packages          only checks that the packages are there
    signal_check.py URL CA SECONDS      prints "subscribed", reads, then takes the
                                        ground truth as JSON lines from stdin
"""

import json
import ssl
import sys

import mne
import numpy as np
import websocket


def subscribe(url, ca):
    ws = websocket.create_connection(url, sslopt={"ca_certs": ca}, timeout=60)

    def call(method, **params):
        ws.send(json.dumps({"id": 1, "jsonrpc": "2.0", "method": method, "params": params}))
        return json.loads(ws.recv())["result"]

    token = call("authorize", clientId="app-mne", clientSecret="secret")["cortexToken"]
    session = call("createSession", cortexToken=token, status="active")["id"]
    cols = call("subscribe", cortexToken=token, session=session, streams=["eeg"])["success"][0]["cols"]
    return ws, cols


def read(ws, cols, count):
    first, last = cols.index("INTERPOLATED") + 1, cols.index("RAW_CQ")
    values, times = np.empty((count, last - first)), np.empty(count)
    for i in range(count):
        sample = json.loads(ws.recv())
        values[i], times[i] = sample["eeg"][first:last], sample["time"]
    return cols[first:last], values.T, times


def power(raw, picks, low, high, start, stop):
    spectrum = raw.compute_psd(method="welch", n_fft=1024, tmin=start, tmax=stop, picks=picks, fmin=2, fmax=40, verbose=False)
    psd, freqs = spectrum.get_data(return_freqs=True)
    band = (freqs >= low) & (freqs <= high)
    mean = psd.mean(axis=0)
    return mean[band].mean(), freqs[band][np.argmax(mean[band])]


def check(what, ok, figure):
    print(f"{'ok' if ok else 'FAILED'}: {what}: {figure}")
    return ok


def main():
    url, ca, seconds = sys.argv[1], sys.argv[2], int(sys.argv[3])
    ws, cols = subscribe(url, ca)
    print("subscribed", flush=True)
    names, data, times = read(ws, cols, 256 * seconds)
    ws.close()
    print("read", flush=True)
    truth = [json.loads(line) for line in sys.stdin]

    raw = mne.io.RawArray(data * 1e-6, mne.create_info(names, 256, "eeg"), verbose=False)
    raw.set_montage("colin27_1020")
    raw.filter(1, 40, verbose=False)
    begin = times[0]
    good = check("the time grid is 1/256 s", np.abs(np.diff(times) - 1 / 256).max() < 2e-4, np.abs(np.diff(times) - 1 / 256).max())

    # Eyes: open in the first half, closed in the second (the truth says when).
    closed = [t["time"] - begin for t in truth if t["kind"] == "eyes" and t["label"] == "closed"]
    good &= check("the truth tells that the eyes close once", len(closed) == 1, closed)
    half = closed[0]
    occipital = ["O1", "O2"]
    opened, _ = power(raw, occipital, 8.5, 11.5, 1, half - 1)
    shut, peak = power(raw, occipital, 6, 14, half + 1, seconds - 1)
    shut, _ = power(raw, occipital, 8.5, 11.5, half + 1, seconds - 1)
    front, _ = power(raw, ["AF3", "AF4"], 8.5, 11.5, half + 1, seconds - 1)
    good &= check("alpha peaks between 9 and 11 Hz with eyes closed", 9 <= peak <= 11, f"{peak:.2f} Hz")
    good &= check("closed eyes raise alpha at O1 and O2", shut > 3 * opened, f"x{shut / opened:.1f}")
    good &= check("alpha is stronger behind than in front", shut > 2 * front, f"x{shut / front:.1f}")

    # Blinks: MNE's own detector against the truth.
    blinks = [t["time"] - begin for t in truth if t["kind"] == "blink"]
    events = mne.preprocessing.find_eog_events(raw, ch_name="AF3", l_freq=1, h_freq=10, thresh=75e-6, verbose=False)
    found = (events[:, 0] - raw.first_samp) / 256
    inside = [b for b in blinks if 2 < b < half - 2]
    hit = [b for b in inside if np.abs(found - b - 0.1).min() < 0.3]
    good &= check("MNE finds the blinks of the truth", len(inside) >= 8 and len(hit) >= 0.9 * len(inside), f"{len(hit)} of {len(inside)}")
    extra = [f for f in found if np.abs(np.array(blinks) - f + 0.1).min() > 0.4 and f < half - 2]
    good &= check("and few that are not there", len(extra) <= 0.15 * len(inside) + 1, len(extra))

    # Evoked: the average around the stimuli whose label matches, and around the others.
    def average(label):
        at = [int(round((t["time"] - begin) * 256)) for t in truth if t["time"] - begin > 0.5 and t["kind"] == "stimulus" and t["label"] == label]
        epochs = mne.Epochs(raw, np.array([[a, 0, 1] for a in at]), tmin=-0.2, tmax=0.8, baseline=(-0.2, 0), reject={"eeg": 80e-6},
                            picks=["P7", "P8"], preload=True, verbose=False)
        return epochs.average().data.mean(axis=0) * 1e6, len(epochs), epochs.times

    target, n, t = average("target")
    other, m, _ = average("standard")
    window = (t > 0.2) & (t < 0.5)
    latency = t[window][np.argmax(target[window])]
    good &= check("enough epochs are left", n >= 25 and m >= 25, (n, m))
    good &= check("a positive wave follows the targets", target[window].max() > 4, f"{target[window].max():.1f} uV at {latency * 1e3:.0f} ms")
    good &= check("at the latency of the rule, 300 ms", abs(latency - 0.3) < 0.05, f"{latency * 1e3:.0f} ms")
    good &= check("none follows the standards", np.abs(other[window]).max() < 0.5 * target[window].max(), f"{np.abs(other[window]).max():.1f} uV")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(0 if sys.argv[1:] == ["--packages"] else main())
