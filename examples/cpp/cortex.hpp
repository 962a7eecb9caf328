// A connection to the Cortex service, over Boost.Beast. Blocking; what comes
// between a request and its answer is kept for next().
#pragma once

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <nlohmann/json.hpp>

#include <deque>
#include <stdexcept>
#include <string>

namespace example {

using nlohmann::json;

// A refused request.
struct Refused : std::runtime_error {
  Refused(const std::string& method, const json& error)
      : std::runtime_error(method + ": " + error.at("code").dump() + " " + error.at("message").get<std::string>()),
        code(error.at("code")) {}
  int code;
};

class Cortex {
 public:
  Cortex(const std::string& host, const std::string& port, const std::string& ca_file) : tls_(trusting(ca_file)), socket_(io_, tls_) {
    namespace asio = boost::asio;
    auto& stream = socket_.next_layer();
    stream.set_verify_mode(asio::ssl::verify_peer);
    stream.set_verify_callback(asio::ssl::host_name_verification(host));
    if (!SSL_set_tlsext_host_name(stream.native_handle(), host.c_str())) throw std::runtime_error("no server name set");
    asio::connect(boost::beast::get_lowest_layer(socket_), asio::ip::tcp::resolver(io_).resolve(host, port));
    stream.handshake(asio::ssl::stream_base::client);
    socket_.handshake(host + ":" + port, "/");
  }

  json call(const std::string& method, const json& params = json::object()) {
    const int id = ++last_id_;
    socket_.write(boost::asio::buffer(json{{"id", id}, {"jsonrpc", "2.0"}, {"method", method}, {"params", params}}.dump()));
    for (;;) {
      json message = receive();
      if (message.value("id", json()) != id) {
        unasked_.push_back(std::move(message));
        continue;
      }
      if (message.contains("error")) throw Refused(method, message["error"]);
      return message.at("result");
    }
  }

  // The next sample or warning.
  json next() {
    if (unasked_.empty()) return receive();
    json message = std::move(unasked_.front());
    unasked_.pop_front();
    return message;
  }

  void close() { socket_.close(boost::beast::websocket::close_code::normal); }

 private:
  static boost::asio::ssl::context trusting(const std::string& ca_file) {
    boost::asio::ssl::context context(boost::asio::ssl::context::tls_client);
    context.load_verify_file(ca_file);
    return context;
  }

  json receive() {
    boost::beast::flat_buffer buffer;
    socket_.read(buffer);
    return json::parse(boost::beast::buffers_to_string(buffer.data()));
  }

  boost::asio::io_context io_;
  boost::asio::ssl::context tls_;
  boost::beast::websocket::stream<boost::beast::ssl_stream<boost::asio::ip::tcp::socket>> socket_;
  std::deque<json> unasked_;
  int last_id_ = 0;
};

}  // namespace example
