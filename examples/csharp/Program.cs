// Waits until the headset is connected, then streams two seconds of eeg.
// A stream that cannot be had is a failure entry of an answer that is a success:
// the example asks for one that does not exist and goes on with the others.
using System;
using System.IO;
using System.Linq;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;

public static class Program
{
    public static async Task Main()
    {
        var url = new Uri(Environment.GetEnvironmentVariable("FAKECORTEX_URL") ?? "wss://localhost:6868");
        var caFile = Environment.GetEnvironmentVariable("FAKECORTEX_CA") ?? "rootCA.pem"; // fakecortex ca --out rootCA.pem
        using var timeout = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        var cancel = timeout.Token;

        await using var cortex = await Cortex.ConnectAsync(url, caFile, cancel);
        // Any credentials will do with fakecortex; the real Cortex wants those of your application.
        var authorized = await cortex.CallAsync("authorize", new { clientId = "example-client-id", clientSecret = "example-client-secret", debit = 1 }, cancel);
        var cortexToken = authorized.GetProperty("cortexToken").GetString();

        var headset = await ConnectedAsync(cortex, cancel);
        var id = headset.GetProperty("id").GetString();
        var rate = headset.GetProperty("settings").GetProperty("eegRate").GetInt32();
        var opened = await cortex.CallAsync("createSession", new { cortexToken, headset = id, status = "active" }, cancel);
        var session = opened.GetProperty("id").GetString();

        var subscribed = await cortex.CallAsync("subscribe", new { cortexToken, session, streams = new[] { "eeg", "no-such-stream" } }, cancel);
        foreach (var failure in subscribed.GetProperty("failure").EnumerateArray())
            Console.WriteLine($"without {failure.GetProperty("streamName")}: {failure.GetProperty("code")} {failure.GetProperty("message")}");
        var eeg = subscribed.GetProperty("success").EnumerateArray().FirstOrDefault(s => s.GetProperty("streamName").GetString() == "eeg");
        if (eeg.ValueKind == JsonValueKind.Undefined) throw new InvalidOperationException("no eeg: does the license have its scope?");
        var counter = eeg.GetProperty("cols").EnumerateArray().Select(c => c.ToString()).ToList().IndexOf("COUNTER");

        int? last = null;
        for (var count = 0; count < 2 * rate;)
        {
            var message = await cortex.NextAsync(cancel);
            if (!message.TryGetProperty("eeg", out var sample)) continue; // a warning
            var now = (int)sample[counter].GetDouble();
            // The counter goes back to 0 every second.
            if (last is int before && now != (before + 1) % rate) throw new InvalidDataException($"counter {now} follows {before}");
            last = now;
            count++;
        }
        await cortex.CallAsync("unsubscribe", new { cortexToken, session, streams = new[] { "eeg" } }, cancel);
        await cortex.CallAsync("updateSession", new { cortexToken, session, status = "close" }, cancel);
        Console.WriteLine($"C#: {id}: {2 * rate} eeg samples at {rate} Hz, no gap");
    }

    // The answer to connect comes at once; the outcome is a warning, 104 when it worked.
    private static async Task<JsonElement> ConnectedAsync(Cortex cortex, CancellationToken cancel)
    {
        var found = (await cortex.CallAsync("queryHeadsets", null, cancel)).EnumerateArray().FirstOrDefault();
        if (found.ValueKind == JsonValueKind.Undefined) throw new InvalidOperationException("no headset in range");
        var status = found.GetProperty("status").GetString();
        if (status == "connected") return found;
        var id = found.GetProperty("id").GetString();
        Console.WriteLine($"{id} is {status}, waiting");
        await cortex.CallAsync("controlDevice", new { command = "connect", headset = id }, cancel);
        while (true)
        {
            var message = await cortex.NextAsync(cancel);
            if (!message.TryGetProperty("warning", out var warning)) continue;
            var about = warning.GetProperty("message"); // a text in some warnings, an object in others
            if (about.ValueKind != JsonValueKind.Object || !about.TryGetProperty("headsetId", out var name) || name.GetString() != id) continue;
            switch (warning.GetProperty("code").GetInt32())
            {
                case 104: // only a connected headset knows its sensors and rates
                    return (await cortex.CallAsync("queryHeadsets", new { id }, cancel))[0];
                case 100:
                case 101:
                case 102:
                case 113:
                    throw new InvalidOperationException($"connect: {about.GetProperty("behavior")}");
            }
        }
    }
}
