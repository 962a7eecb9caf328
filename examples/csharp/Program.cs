// Waits until the headset is connected, then streams two seconds of eeg.
// A stream that cannot be had is a failure entry of an answer that is a success:
// the example asks for one that does not exist and goes on with the others.
using System.Text.Json.Nodes;

var url = new Uri(Environment.GetEnvironmentVariable("FAKECORTEX_URL") ?? "wss://localhost:6868");
var caFile = Environment.GetEnvironmentVariable("FAKECORTEX_CA") ?? "rootCA.pem"; // fakecortex ca --out rootCA.pem
using var timeout = new CancellationTokenSource(TimeSpan.FromMinutes(1));
var cancel = timeout.Token;

await using var cortex = await Cortex.ConnectAsync(url, caFile, cancel);
// Any credentials will do with fakecortex; the real Cortex wants those of your application.
var authorized = await cortex.CallAsync("authorize", new JsonObject
{
    ["clientId"] = "example-client-id", ["clientSecret"] = "example-client-secret", ["debit"] = 1,
}, cancel);
var token = (string)authorized["cortexToken"]!;

var headset = await ConnectedAsync();
var id = (string)headset["id"]!;
var session = await cortex.CallAsync("createSession", new JsonObject
{
    ["cortexToken"] = token, ["headset"] = id, ["status"] = "active",
}, cancel);
var sessionId = (string)session["id"]!;

var subscribed = await cortex.CallAsync("subscribe", Streams("eeg", "no-such-stream"), cancel);
foreach (var failure in subscribed["failure"]!.AsArray())
    Console.WriteLine($"without {failure!["streamName"]}: {failure["code"]} {failure["message"]}");
var eeg = subscribed["success"]!.AsArray().FirstOrDefault(s => (string)s!["streamName"]! == "eeg")
    ?? throw new InvalidOperationException("no eeg: does the license have its scope?");
var counter = eeg["cols"]!.AsArray().Select(c => c!.ToString()).ToList().IndexOf("COUNTER");
var rate = (int)headset["settings"]!["eegRate"]!;

int? last = null;
for (var count = 0; count < 2 * rate;)
{
    var message = await cortex.NextAsync(cancel);
    if (message["eeg"] is not JsonArray sample) continue; // a warning
    var now = (int)sample[counter]!.GetValue<double>();
    // The counter goes back to 0 every second.
    if (last is int before && now != (before + 1) % rate) throw new InvalidDataException($"counter {now} follows {before}");
    last = now;
    count++;
}
await cortex.CallAsync("unsubscribe", Streams("eeg"), cancel);
await cortex.CallAsync("updateSession", new JsonObject { ["cortexToken"] = token, ["session"] = sessionId, ["status"] = "close" }, cancel);
Console.WriteLine($"C#: {id}: {2 * rate} eeg samples at {rate} Hz, no gap");

JsonObject Streams(params string[] names) => new()
{
    ["cortexToken"] = token, ["session"] = sessionId,
    ["streams"] = new JsonArray(names.Select(n => (JsonNode)JsonValue.Create(n)!).ToArray()),
};

// The answer to connect comes at once; the outcome is a warning, 104 when it worked.
async Task<JsonNode> ConnectedAsync()
{
    var found = (await cortex.CallAsync("queryHeadsets", null, cancel)).AsArray().FirstOrDefault()
        ?? throw new InvalidOperationException("no headset in range");
    if ((string)found["status"]! == "connected") return found;
    var name = (string)found["id"]!;
    Console.WriteLine($"{name} is {found["status"]}, waiting");
    await cortex.CallAsync("controlDevice", new JsonObject { ["command"] = "connect", ["headset"] = name }, cancel);
    while (true)
    {
        if ((await cortex.NextAsync(cancel))["warning"] is not JsonObject warning) continue;
        if (warning["message"] is not JsonObject about || (string?)about["headsetId"] != name) continue;
        switch ((int)warning["code"]!)
        {
            case 104: // only a connected headset knows its sensors and rates
                return (await cortex.CallAsync("queryHeadsets", new JsonObject { ["id"] = name }, cancel)).AsArray()[0]!;
            case 100 or 101 or 102 or 113:
                throw new InvalidOperationException($"connect: {about["behavior"]}");
        }
    }
}
