using System.Buffers;
using System.Net.Security;
using System.Net.WebSockets;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Nodes;

/// <summary>The error of a refused request.</summary>
public sealed class CortexException(string method, int code, string message) : Exception($"{method}: {code} {message}")
{
    public int Code { get; } = code;
}

/// <summary>A connection to the Cortex service. One reader at a time: calls and NextAsync must not overlap.</summary>
public sealed class Cortex : IAsyncDisposable
{
    private readonly ClientWebSocket socket = new();
    private readonly Queue<JsonObject> unread = new();
    private int lastId;

    private Cortex() { }

    public static async Task<Cortex> ConnectAsync(Uri url, string caFile, CancellationToken cancel)
    {
        var ca = new X509Certificate2(caFile);
        var cortex = new Cortex();
        cortex.socket.Options.RemoteCertificateValidationCallback = (_, certificate, _, errors) =>
        {
            // The name must match; the chain must end at our CA, which the system need not know.
            if (certificate is null || (errors & ~SslPolicyErrors.RemoteCertificateChainErrors) != 0) return false;
            using var chain = new X509Chain();
            chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            chain.ChainPolicy.CustomTrustStore.Add(ca);
            chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck; // a local CA has no revocation list
            return chain.Build(new X509Certificate2(certificate));
        };
        await cortex.socket.ConnectAsync(url, cancel);
        return cortex;
    }

    /// <summary>Makes a request and returns its result. What comes before the answer is kept for NextAsync.</summary>
    public async Task<JsonNode> CallAsync(string method, JsonObject? parameters, CancellationToken cancel)
    {
        var id = ++lastId;
        var request = new JsonObject { ["id"] = id, ["jsonrpc"] = "2.0", ["method"] = method, ["params"] = parameters ?? [] };
        await socket.SendAsync(JsonSerializer.SerializeToUtf8Bytes(request), WebSocketMessageType.Text, true, cancel);
        while (true)
        {
            var message = await ReceiveAsync(cancel);
            // An id may be null (a request that could not be read) and is absent in samples and warnings.
            if (message["id"] is not JsonValue value || !value.TryGetValue(out int answered) || answered != id)
            {
                unread.Enqueue(message);
                continue;
            }
            if (message["error"] is JsonObject error)
                throw new CortexException(method, (int)error["code"]!, (string)error["message"]!);
            return message["result"]!;
        }
    }

    /// <summary>Returns the next sample or warning.</summary>
    public async Task<JsonObject> NextAsync(CancellationToken cancel) =>
        unread.TryDequeue(out var message) ? message : await ReceiveAsync(cancel);

    private async Task<JsonObject> ReceiveAsync(CancellationToken cancel)
    {
        var text = new ArrayBufferWriter<byte>();
        ValueWebSocketReceiveResult part;
        do
        {
            part = await socket.ReceiveAsync(text.GetMemory(4096), cancel);
            if (part.MessageType == WebSocketMessageType.Close)
                throw new WebSocketException($"closed by the service: {socket.CloseStatus} {socket.CloseStatusDescription}");
            text.Advance(part.Count);
        } while (!part.EndOfMessage);
        return JsonNode.Parse(text.WrittenSpan)!.AsObject();
    }

    public async ValueTask DisposeAsync()
    {
        if (socket.State == WebSocketState.Open)
            await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, "", CancellationToken.None);
        socket.Dispose();
    }
}
