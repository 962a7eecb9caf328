// Waits until the headset is connected, then streams two seconds of eeg.
#include "cortex.hpp"

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <regex>

using example::Cortex;
using nlohmann::json;

namespace {

std::string setting(const char* variable, const std::string& otherwise) {
  const char* value = std::getenv(variable);
  return value && *value ? value : otherwise;
}

// Returns the first headset once it is connected. The answer to connect comes
// at once; the outcome is a warning, 104 when it worked.
json connected(Cortex& cortex) {
  const json headsets = cortex.call("queryHeadsets");
  if (headsets.empty()) throw std::runtime_error("no headset in range");
  const json& headset = headsets[0];
  if (headset.at("status") == "connected") return headset;

  const json id = headset.at("id");
  std::cout << id.get<std::string>() << " is " << headset.at("status").get<std::string>() << ", waiting\n";
  cortex.call("controlDevice", {{"command", "connect"}, {"headset", id}});
  for (;;) {
    const json message = cortex.next();
    if (!message.contains("warning")) continue;
    const json& warning = message["warning"];
    // The message of a warning is an object when it is about a headset, else often a text.
    if (!warning.at("message").is_object() || warning["message"].value("headsetId", json()) != id) continue;
    const int code = warning.at("code");
    if (code == 100 || code == 101 || code == 102 || code == 113) throw std::runtime_error("connect: " + warning.dump());
    // Only a connected headset knows its sensors and rates.
    if (code == 104) return cortex.call("queryHeadsets", {{"id", id}}).at(0);
  }
}

int receive(Cortex& cortex, std::size_t counter, int rate, int wanted) {
  int last = -1;
  for (int count = 0; count < wanted;) {
    const json message = cortex.next();
    if (!message.contains("eeg")) continue;
    const int now = message["eeg"].at(counter);
    if (last >= 0 && now != (last + 1) % rate) {  // it goes back to 0 every second
      throw std::runtime_error("counter " + std::to_string(now) + " follows " + std::to_string(last));
    }
    last = now;
    ++count;
  }
  return wanted;
}

void run() {
  const std::string url = setting("FAKECORTEX_URL", "wss://localhost:6868");
  // The default of fakecortex on Linux; elsewhere ask `fakecortex ca --out FILE`.
  const std::string ca_file = setting("FAKECORTEX_CA", setting("HOME", ".") + "/.local/state/fakecortex/rootCA.pem");
  std::smatch parts;
  if (!std::regex_match(url, parts, std::regex("wss://([^/:]+):([0-9]+)/?"))) throw std::runtime_error("FAKECORTEX_URL: want wss://HOST:PORT");
  Cortex cortex(parts[1], parts[2], ca_file);

  // Any credentials will do with fakecortex; the real Cortex wants those of your application.
  const json token = cortex.call("authorize", {{"clientId", "example-client-id"}, {"clientSecret", "example-client-secret"}, {"debit", 1}}).at("cortexToken");
  const json headset = connected(cortex);
  const json session = cortex.call("createSession", {{"cortexToken", token}, {"headset", headset.at("id")}, {"status", "active"}}).at("id");

  const json streams = {{"cortexToken", token}, {"session", session}, {"streams", {"eeg"}}};
  const json subscribed = cortex.call("subscribe", streams);
  // A license without the scope eeg, for instance, is no error but an entry here.
  if (subscribed.at("success").empty()) throw std::runtime_error("subscribe: " + subscribed.at("failure").dump());
  const json& cols = subscribed["success"][0].at("cols");
  const auto counter = std::find(cols.begin(), cols.end(), "COUNTER") - cols.begin();

  const int rate = headset.at("settings").at("eegRate");
  const int count = receive(cortex, static_cast<std::size_t>(counter), rate, 2 * rate);
  cortex.call("unsubscribe", streams);
  cortex.call("updateSession", {{"cortexToken", token}, {"session", session}, {"status", "close"}});
  cortex.close();
  std::cout << "Boost.Beast: " << headset["id"].get<std::string>() << ": " << count << " eeg samples at " << rate << " Hz, no gap\n";
}

}  // namespace

int main() {
  try {
    run();
  } catch (const std::exception& error) {
    std::cerr << "fakecortex example: " << error.what() << "\n";
    return 1;
  }
}
