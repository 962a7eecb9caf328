package example;

import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** A connection to the Cortex service, over the WebSocket client of the JDK. */
final class Cortex implements AutoCloseable {
  /** A refused request. */
  static final class Refused extends RuntimeException {
    final int code;

    Refused(String method, JsonObject error) {
      super(method + ": " + error.get("code") + " " + error.get("message").getAsString());
      code = error.get("code").getAsInt();
    }
  }

  private record Pending(String method, CompletableFuture<JsonElement> result) {}

  private final Map<Integer, Pending> pending = new ConcurrentHashMap<>();
  private final BlockingQueue<JsonObject> unasked = new LinkedBlockingQueue<>();
  private final AtomicInteger lastId = new AtomicInteger();
  private final WebSocket socket;

  Cortex(URI url, Path caFile) throws Exception {
    socket =
        HttpClient.newBuilder()
            .sslContext(trusting(caFile))
            .build()
            .newWebSocketBuilder()
            .buildAsync(url, new Listener())
            .get(10, TimeUnit.SECONDS);
  }

  /** A context that trusts that CA and no other; the host name is checked as ever. */
  private static SSLContext trusting(Path caFile) throws Exception {
    KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
    store.load(null, null);
    try (InputStream pem = Files.newInputStream(caFile)) {
      store.setCertificateEntry("fakecortex", CertificateFactory.getInstance("X.509").generateCertificate(pem));
    }
    TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    factory.init(store);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, factory.getTrustManagers(), null);
    return context;
  }

  /** Makes a request and waits for its result. */
  JsonElement call(String method, Map<String, ?> params) throws Exception {
    int id = lastId.incrementAndGet();
    JsonObject request = new JsonObject();
    request.addProperty("id", id);
    request.addProperty("jsonrpc", "2.0");
    request.addProperty("method", method);
    request.add("params", new Gson().toJsonTree(params));
    CompletableFuture<JsonElement> result = new CompletableFuture<>();
    pending.put(id, new Pending(method, result));
    socket.sendText(request.toString(), true);
    return result.get(10, TimeUnit.SECONDS);
  }

  /** Returns the next sample or warning. */
  JsonObject next() throws Exception {
    JsonObject message = unasked.poll(40, TimeUnit.SECONDS);
    if (message == null) {
      throw new TimeoutException("the service is silent");
    }
    return message;
  }

  @Override
  public void close() throws Exception {
    socket.sendClose(WebSocket.NORMAL_CLOSURE, "").get(5, TimeUnit.SECONDS);
  }

  private void received(String text) {
    JsonObject message = JsonParser.parseString(text).getAsJsonObject();
    if (!message.has("id")) {
      unasked.add(message);
      return;
    }
    Pending asked = pending.remove(message.get("id").getAsInt());
    if (message.has("error")) {
      asked.result.completeExceptionally(new Refused(asked.method, message.getAsJsonObject("error")));
    } else {
      asked.result.complete(message.get("result"));
    }
  }

  private void ended(Throwable why) {
    pending.values().forEach(asked -> asked.result.completeExceptionally(why));
  }

  private final class Listener implements WebSocket.Listener {
    private final StringBuilder text = new StringBuilder();

    @Override
    public CompletionStage<?> onText(WebSocket socket, CharSequence part, boolean last) {
      text.append(part);
      if (last) {
        received(text.toString());
        text.setLength(0);
      }
      socket.request(1);
      return null;
    }

    @Override
    public CompletionStage<?> onClose(WebSocket socket, int code, String reason) {
      ended(new IllegalStateException("closed with " + code + " " + reason));
      return null;
    }

    @Override
    public void onError(WebSocket socket, Throwable error) {
      ended(error);
    }
  }
}
