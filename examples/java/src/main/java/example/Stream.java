package example;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Waits until the headset is connected, then streams two seconds of eeg. */
public final class Stream {
  /** A connect that failed is told by one of these warnings, one that worked by 104. */
  private static final Set<Integer> CONNECT_FAILED = Set.of(100, 101, 102, 113);

  public static void main(String[] args) throws Exception {
    try (Cortex cortex = new Cortex(url(), caFile())) {
      // Any credentials will do with fakecortex; the real Cortex wants those of your application.
      String token =
          cortex
              .call("authorize", Map.of("clientId", "example-client-id", "clientSecret", "example-client-secret", "debit", 1))
              .getAsJsonObject().get("cortexToken").getAsString();
      JsonObject headset = connected(cortex);
      String id = headset.get("id").getAsString();
      String session =
          cortex
              .call("createSession", Map.of("cortexToken", token, "headset", id, "status", "active"))
              .getAsJsonObject().get("id").getAsString();

      Map<String, Object> streams = Map.of("cortexToken", token, "session", session, "streams", List.of("eeg"));
      JsonObject subscribed = cortex.call("subscribe", streams).getAsJsonObject();
      JsonArray success = subscribed.getAsJsonArray("success");
      if (success.isEmpty()) { // a license without the scope eeg, for instance
        throw new IllegalStateException("subscribe: " + subscribed.getAsJsonArray("failure"));
      }
      int counter = indexOf(success.get(0).getAsJsonObject().getAsJsonArray("cols"), "COUNTER");
      int rate = headset.getAsJsonObject("settings").get("eegRate").getAsInt();
      int count = receive(cortex, counter, rate, 2 * rate);

      cortex.call("unsubscribe", streams);
      cortex.call("updateSession", Map.of("cortexToken", token, "session", session, "status", "close"));
      System.out.printf("java.net.http: %s: %d eeg samples at %d Hz, no gap%n", id, count, rate);
    }
  }

  /** Returns the first headset once it is connected. */
  private static JsonObject connected(Cortex cortex) throws Exception {
    JsonArray headsets = cortex.call("queryHeadsets", Map.of()).getAsJsonArray();
    if (headsets.isEmpty()) {
      throw new IllegalStateException("no headset in range");
    }
    JsonObject headset = headsets.get(0).getAsJsonObject();
    String id = headset.get("id").getAsString();
    String status = headset.get("status").getAsString();
    if (status.equals("connected")) {
      return headset;
    }
    System.out.printf("%s is %s, waiting%n", id, status);
    cortex.call("controlDevice", Map.of("command", "connect", "headset", id));
    for (int code = 0; code != 104; ) { // the answer came at once, the outcome comes as a warning
      JsonElement warning = cortex.next().get("warning");
      if (warning == null
          || !(warning.getAsJsonObject().get("message") instanceof JsonObject about)
          || !new JsonPrimitive(id).equals(about.get("headsetId"))) {
        continue;
      }
      code = warning.getAsJsonObject().get("code").getAsInt();
      if (CONNECT_FAILED.contains(code)) {
        throw new IllegalStateException("connect: " + warning);
      }
    }
    // Only a connected headset knows its sensors and rates.
    return cortex.call("queryHeadsets", Map.of("id", id)).getAsJsonArray().get(0).getAsJsonObject();
  }

  private static int receive(Cortex cortex, int counter, int rate, int wanted) throws Exception {
    int count = 0;
    int last = -1;
    while (count < wanted) {
      JsonElement eeg = cortex.next().get("eeg");
      if (eeg == null) {
        continue;
      }
      int now = eeg.getAsJsonArray().get(counter).getAsInt();
      if (count > 0 && now != (last + 1) % rate) { // it goes back to 0 every second
        throw new IllegalStateException("counter " + now + " follows " + last);
      }
      last = now;
      count++;
    }
    return count;
  }

  private static int indexOf(JsonArray cols, String name) {
    for (int i = 0; i < cols.size(); i++) {
      if (new JsonPrimitive(name).equals(cols.get(i))) {
        return i;
      }
    }
    throw new IllegalStateException("no column " + name + " in " + cols);
  }

  private static URI url() {
    return URI.create(System.getenv().getOrDefault("FAKECORTEX_URL", "wss://localhost:6868"));
  }

  /** The default of fakecortex on Linux; elsewhere ask `fakecortex ca --out FILE`. */
  private static Path caFile() {
    String given = System.getenv("FAKECORTEX_CA");
    return given != null ? Path.of(given) : Path.of(System.getProperty("user.home"), ".local", "state", "fakecortex", "rootCA.pem");
  }
}
