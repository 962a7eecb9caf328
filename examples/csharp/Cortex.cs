using System;
using System.Buffers;
using System.Collections.Generic;
using System.Net.Security;
using System.Net.WebSockets;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;

/// <summary>The error of a refused request.</summary>
public sealed class CortexException : Exception
{
    public CortexException(string method, int code, string message) : base($"{method}: {code} {message}") => Code = code;

    public int Code { get; }
}

/// <summary>A connection to the Cortex service. One reader at a time: calls and NextAsync must not overlap.</summary>
public sealed class Cortex : IAsyncDisposable
{
    private readonly ClientWebSocket socket = new ClientWebSocket();
    private readonly Queue<JsonElement> unread = new Queue<JsonElement>();
    private int lastId;

    private Cortex() { }

    /// <summary>Connects; caFile is the only CA that the service's certificate may come from.</summary>
    public static async Task<Cortex> ConnectAsync(Uri url, string caFile, CancellationToken cancel)
    {
        var ca = new X509Certificate2(caFile);
        var cortex = new Cortex();
        cortex.socket.Options.RemoteCertificateValidationCallback = (sender, certificate, presented, errors) =>
        {
            // The name must match; the chain must end at our CA, which the system need not know.
            if (certificate is null || (errors & ~SslPolicyErrors.RemoteCertificateChainErrors) != 0) return false;
            using var chain = new X509Chain();
            chain.ChainPolicy.ExtraStore.Add(ca);
            chain.ChainPolicy.VerificationFlags = X509VerificationFlags.AllowUnknownCertificateAuthority;
            chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck; // a local CA has no revocation list
            return chain.Build(new X509Certificate2(certificate)) && chain.ChainElements[^1].Certificate.Equals(ca);
        };
        await cortex.socket.ConnectAsync(url, cancel);
        return cortex;
    }

    /// <summary>Makes a request and returns its result. What comes before the answer is kept for NextAsync.</summary>
    public async Task<JsonElement> CallAsync(string method, object? parameters, CancellationToken cancel)
    {
        var id = ++lastId;
        var request = new { id, jsonrpc = "2.0", method, @params = parameters ?? new { } };
        await socket.SendAsync(JsonSerializer.SerializeToUtf8Bytes(request), WebSocketMessageType.Text, true, cancel);
        while (true)
        {
            var message = await ReceiveAsync(cancel);
            // An id may be null (a request that could not be read) and is absent in samples and warnings.
            if (!message.TryGetProperty("id", out var answered) || answered.ValueKind != JsonValueKind.Number || answered.GetInt32() != id)
            {
                unread.Enqueue(message);
                continue;
            }
            if (message.TryGetProperty("error", out var error))
                throw new CortexException(method, error.GetProperty("code").GetInt32(), error.GetProperty("message").GetString()!);
            return message.GetProperty("result");
        }
    }

    /// <summary>Returns the next sample or warning.</summary>
    public async Task<JsonElement> NextAsync(CancellationToken cancel) =>
        unread.TryDequeue(out var message) ? message : await ReceiveAsync(cancel);

    private async Task<JsonElement> ReceiveAsync(CancellationToken cancel)
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
        using var document = JsonDocument.Parse(text.WrittenMemory);
        return document.RootElement.Clone();
    }

    public async ValueTask DisposeAsync()
    {
        if (socket.State == WebSocketState.Open)
            await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, "", CancellationToken.None);
        socket.Dispose();
    }
}
